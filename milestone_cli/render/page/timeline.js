"use strict";
/* The page: its parts, and how one tells the others. */

class Timeline {
  constructor() {
    const find = (id) => document.getElementById(id);
    this.find = find;
    this.log = Log.read();
    this.chosen = { text: "", type: "", agent: "", failures: false };
    this.dress("auto");
    const act = {
      choose: (i, keep = true) => (i < 0 ? this.close() : this.choose(i, keep)),
      open: () => this.open(),
      close: () => this.close(),
      step: (by, kind) => this.step(by, kind),
      moved: () => this.list.begin(this.chart.view.from),
      hover: (i, event) => this.hover(i, event),
      say: (text) => this.say(text),
    };
    this.chart = new Chart(this.log, {
      box: find("lanes"),
      canvas: find("canvas"),
      room: find("room"),
      overview: find("overview"),
    });
    this.gestures = new Gestures(this.chart, act);
    this.list = new List(
      this.log,
      { box: find("list"), table: find("table"), body: find("rows"), none: find("none"), cover: find("details") },
      act,
    );
    this.details = new Details(this.log, find("details"), act);
    this.selected = -1;
    this.fill();
    this.listen();
    this.filter();
    this.follow();
  }

  /** The choices of the filter, and the legend: what there is, most of it first. */
  fill() {
    const { log } = this,
      types = new Map(),
      agents = new Map(),
      kinds = new Uint32Array(KINDS.length);
    const count = (map, name) => map.set(name, (map.get(name) || 0) + 1);
    for (let i = 0; i < log.count; i++) {
      count(types, log.name(i));
      count(agents, log.agent(i));
      kinds[log.kind(i)]++;
    }
    const add = (id, map, value, label) => {
      for (const [name, many] of [...map].sort((a, b) => b[1] - a[1])) {
        this.find(id).append(make("option", { value: value(name) }, `${label(name)} (${many.toLocaleString("en")})`));
      }
    };
    add(
      "type",
      types,
      (name) => name,
      (name) => flat(name),
    );
    add(
      "agent",
      agents,
      (name) => "=" + name,
      (name) => flat(name || "none"),
    );
    KINDS.forEach((kind, number) => {
      if (kinds[number]) this.find("legend").append(make("li", {}, marker(kind), LABELS[kind]));
    });
    if (this.chart.gaps.length) this.find("legend").append(make("li", {}, "Shaded: nothing happened"));
    this.find("chart").hidden = !log.count;
    this.find("failures").disabled = !kinds[KIND.failure] && !log.older.some((one) => one.kind === KIND.failure);
  }

  listen() {
    const { find } = this;
    find("text").addEventListener("input", (event) => this.filter({ text: event.target.value }));
    find("type").addEventListener("change", (event) => this.filter({ type: event.target.value }));
    find("agent").addEventListener("change", (event) => this.filter({ agent: event.target.value }));
    find("failures").addEventListener("click", () => this.filter({ failures: !this.chosen.failures }));
    find("clear").addEventListener("click", () => {
      this.filter({ text: "", type: "", agent: "", failures: false });
      find("text").focus();
    });
    find("by").value = this.chart.by;
    find("by").addEventListener("change", (event) => {
      this.chart.arrange(event.target.value);
      this.filter();
    });
    find("in").addEventListener("click", () => this.gestures.zoom(0.5, undefined, true));
    find("out").addEventListener("click", () => this.gestures.zoom(2, undefined, true));
    find("all").addEventListener("click", () => this.gestures.all());
    find("zone").addEventListener("click", () => this.turn());
    find("theme").addEventListener("click", () =>
      this.dress({ auto: "light", light: "dark", dark: "auto" }[this.theme]),
    );
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.dress(this.theme));
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
    addEventListener("hashchange", () => this.follow());
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
        event.preventDefault();
        find("text").focus();
      }
      if (event.key === "Escape" && this.selected >= 0 && document.activeElement !== find("text")) this.close();
    });
    this.turn(false);
  }

  /** Local time or UTC; the button says which one is shown. */
  turn(change = true) {
    if (change) Times.utc = !Times.utc;
    const local = -new Date(this.log.last).getTimezoneOffset();
    this.find("zone").textContent = Times.zone(this.log.last);
    this.find("zone").setAttribute("aria-label", "Times in " + Times.zone(this.log.last) + "; switch");
    this.find("zone").disabled = !local;
    if (!change) return;
    this.chart.queue();
    this.list.render(true);
    if (this.selected >= 0) this.details.show(this.selected);
  }

  dress(theme) {
    this.theme = theme;
    const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    this.find("theme").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
    this.find("theme").setAttribute("aria-label", "Colours: " + theme + "; switch");
    if (this.chart) this.chart.recolour();
  }

  /** On paper the chart is light, and as high as it needs. */
  print(isOnPaper) {
    if (isOnPaper) this.before = this.theme;
    this.chart.isOnPaper = isOnPaper;
    this.dress(isOnPaper ? "light" : this.before);
    this.chart.resize();
  }

  filter(change = {}) {
    Object.assign(this.chosen, change);
    const { text, type, agent, failures } = this.chosen,
      { find, log } = this;
    this.shown = log.select(this.chosen);
    if (find("text").value !== text) find("text").value = text;
    find("type").value = type;
    find("agent").value = agent;
    find("failures").setAttribute("aria-pressed", failures);
    const filtered = Boolean(text || type || agent || failures);
    find("clear").hidden = !filtered;
    const number = (count) => count.toLocaleString("en");
    find("status").textContent = filtered ? `${number(this.shown.length)} of ${number(log.count)} events` : "";
    this.chart.show(this.shown, { failures, agent, countsOlder: !text && !type });
    this.list.show(this.shown);
    if (this.selected >= 0) this.list.select(this.selected);
  }

  /** Choose an event everywhere; with `details` unless it was only walked over. */
  choose(i, details = true) {
    this.selected = this.chart.selected = i;
    this.gestures.reveal(i);
    if (details || this.details.event >= 0) this.details.show(i);
    this.list.select(i);
    const anchor = "#" + encodeURIComponent(this.log.anchor(i));
    if (location.hash !== anchor) history.replaceState(null, "", anchor);
    this.say(
      `${flat(this.log.name(i))}, ${Times.clock(this.log.end[i])}, ${flat(this.log.agent(i))}. ${this.log.summary(i).slice(0, 120)}`,
    );
  }

  open() {
    if (this.selected < 0) this.step(1);
    if (this.selected < 0) return;
    this.back = document.activeElement;
    this.details.show(this.selected, true);
    this.chart.queue();
  }

  close() {
    const held = this.find("details").contains(document.activeElement);
    this.details.hide();
    this.selected = this.chart.selected = -1;
    this.list.select(-1);
    this.chart.queue();
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
    if (held) (this.back && this.back.isConnected ? this.back : this.find("table")).focus();
  }

  /** Go to the next or previous event that is shown, of a kind if one is given. */
  step(by, kind) {
    const { shown, log } = this;
    let at = this.list.place(this.selected);
    if (at < 0)
      at =
        by > 0 ? Log.lowest(shown, log.end, this.chart.view.from) - 1 : Log.lowest(shown, log.end, this.chart.view.to);
    for (at += by; at >= 0 && at < shown.length; at += by) {
      if (kind === undefined || log.kind(shown[at]) === kind) {
        this.choose(shown[at], this.details.event >= 0);
        return;
      }
    }
    this.say("No more events");
  }

  /** To the event that the address names. */
  follow() {
    const i = this.log.find(decodeURIComponent(location.hash.slice(1)));
    if (i >= 0 && i !== this.selected) this.choose(i);
  }

  hover(i, event) {
    const hint = this.find("hint"),
      { log } = this;
    this.chart.box.style.cursor = i < 0 ? "" : "pointer";
    hint.hidden = i < 0;
    if (i < 0) return;
    const took = log.took(i) > 0 ? " · " + Times.span(log.took(i)) : "";
    hint.replaceChildren(
      make("b", {}, flat(log.name(i))),
      make("span", {}, Times.clock(log.end[i], 3) + took),
      make("span", {}, log.summary(i)),
    );
    const room = this.find("chart").getBoundingClientRect();
    const x = Math.min(event.clientX - room.left + 14, room.width - hint.offsetWidth - 8),
      y = event.clientY - room.top + 16;
    hint.style.transform = `translate(${Math.max(x, 8)}px, ${y}px)`;
  }

  /** Tell those who listen instead of looking. */
  say(text) {
    this.find("said").textContent = text;
  }
}

const timeline = new Timeline();
