"use strict";
/* Everything about one event, to read and to copy. */

class Details {
  constructor(log, box, act) {
    Object.assign(this, { log, box, act, event: -1 });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.act.close();
    });
  }

  /** Show an event; take the focus where it was asked for by a key. */
  show(i, focus = false) {
    const { log, box } = this,
      kind = KINDS[log.kind(i)],
      lane = log.lanes[log.lane[i]],
      rest = log.rest(i);
    this.event = i;
    const end = log.end[i];
    const facts = [
      ["Time", Times.date(end, true).slice(4) + ", " + Times.clock(end, 3) + " " + Times.zone(end)],
      ["Timestamp", rest.timestamp === undefined ? log.stamp(i) : String(rest.timestamp)],
    ];
    if (log.took(i) > 0) facts.push(["Took", Times.span(log.took(i))]);
    facts.push(
      ["Agent", rest.agent_id === undefined ? lane.agent : String(rest.agent_id)],
      ["Session", lane.session || "none"],
    );
    if (log.several) facts.push(["Milestone", lane.milestone]);
    if (rest.sequence_number !== undefined) facts.push(["Number", String(rest.sequence_number)]);
    if (rest.revision) facts.push(["Revision", String(rest.revision)]);
    if (log.summary(i)) facts.push(["What", log.summary(i)]);
    const button = (label, act, title) => {
      const made = make("button", { type: "button", title }, label);
      made.addEventListener("click", () => act(made));
      return made;
    };
    const list = make("dl");
    for (const [name, value] of facts) list.append(make("dt", {}, name), make("dd", {}, flat(value)));
    const text = cleanJson(indented(log.json(i)));
    const whole = make("pre", { tabindex: "0", "aria-label": "The event as JSON" }, text);
    const buttons = make("div", { class: "row" });
    buttons.append(
      button("←", () => this.act.step(-1), "Previous event  p"),
      button("→", () => this.act.step(1), "Next event  n"),
      button("Copy JSON", (made) => this.copy(text, made), "Copy the event"),
      button("Copy link", (made) => this.copy(location.href, made), "Copy the address of this event in this page"),
      button("Close", () => this.act.close(), "Close  Esc"),
    );
    buttons.firstChild.setAttribute("aria-label", "Previous event");
    buttons.children[1].setAttribute("aria-label", "Next event");
    box.replaceChildren(
      buttons,
      make("h2", {}, marker(kind, LABELS[kind]), make("span", {}, flat(log.name(i)))),
      list,
      whole,
    );
    box.hidden = false;
    box.scrollTop = 0;
    if (focus) box.focus();
  }

  hide() {
    this.event = -1;
    this.box.hidden = true;
    this.box.replaceChildren();
  }

  async copy(text, button) {
    const label = button.textContent;
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without the clipboard's permission: by way of a selection.
      const area = make("textarea", { "aria-hidden": "true", class: "heard" });
      area.value = text;
      this.box.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    this.act.say(done ? "Copied" : "Could not copy");
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => {
      button.textContent = label;
    }, 1200);
  }
}
