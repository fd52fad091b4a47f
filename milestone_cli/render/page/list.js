"use strict";
/* The same events as a table; only the rows that can be seen are in the document. */

const SPARE = 6;

class List {
  constructor(log, { box, table, body, none, cover }, act) {
    Object.assign(this, { log, box, table, body, none, cover, act, shown: [], selected: -1, made: new Map() });
    this.isLong = log.last - log.first > 20 * HOUR;
    box.addEventListener("scroll", () => this.queue());
    new ResizeObserver(() => this.render(true)).observe(box);
    body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row) this.act.choose(Number(row.dataset.event));
    });
    table.addEventListener("keydown", (event) => this.key(event));
  }

  get isCovered() {
    return !this.cover.hidden && getComputedStyle(this.cover).position === "fixed";
  }
  get high() {
    return innerWidth <= 600 ? 52 : 28;
  }
  get head() {
    return innerWidth <= 600 ? 0 : 29;
  }

  show(shown) {
    this.shown = shown;
    this.none.hidden = shown.length > 0;
    this.none.textContent = this.log.count ? "No event matches." : "No events yet.";
    this.table.setAttribute("aria-rowcount", shown.length + 1);
    this.box.scrollTop = 0;
    this.render(true);
  }

  /** Begin with the first event from a time on. */
  begin(time) {
    this.box.scrollTop = Log.lowest(this.shown, this.log.end, time) * this.high;
    this.queue();
  }

  /** Mark an event, and bring its row into view. */
  select(i) {
    this.selected = i;
    const at = this.place(i);
    if (at >= 0) {
      // On a small screen the details lie over the end of the list.
      const bottom = Math.min(
        this.box.getBoundingClientRect().bottom,
        this.isCovered ? this.cover.getBoundingClientRect().top : Infinity,
      );
      const top = at * this.high,
        room = bottom - this.box.getBoundingClientRect().top - this.head;
      if (top < this.box.scrollTop || room < this.high) this.box.scrollTop = top;
      else if (top + this.high > this.box.scrollTop + room) this.box.scrollTop = top + this.high - room;
    }
    this.render(true);
  }

  /** Where an event stands among those shown, or -1. */
  place(i) {
    let low = 0,
      high = this.shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shown[middle] < i) low = middle + 1;
      else high = middle;
    }
    return this.shown[low] === i ? low : -1;
  }

  queue() {
    if (!this.waiting)
      this.waiting = requestAnimationFrame(() => {
        this.waiting = 0;
        this.render();
      });
  }

  render(afresh = false) {
    const high = this.high;
    this.body.style.height = this.shown.length * high + "px";
    const first = Math.max(Math.floor(this.box.scrollTop / high) - SPARE, 0);
    const last = Math.min(first + Math.ceil(this.box.clientHeight / high) + 2 * SPARE, this.shown.length);
    for (const [at, row] of this.made) {
      if (afresh || at < first || at >= last) {
        row.remove();
        this.made.delete(at);
      }
    }
    const fresh = document.createDocumentFragment();
    for (let at = first; at < last; at++) {
      if (this.made.has(at)) continue;
      const row = this.row(at);
      row.style.transform = `translateY(${at * high}px)`;
      this.made.set(at, row);
      fresh.append(row);
    }
    this.body.append(fresh);
    const at = this.place(this.selected);
    if (at >= first && at < last) this.table.setAttribute("aria-activedescendant", "row-" + at);
    else this.table.removeAttribute("aria-activedescendant");
  }

  row(at) {
    const { log } = this,
      i = this.shown[at],
      kind = KINDS[log.kind(i)],
      end = log.end[i];
    const cell = (name, ...children) => make("td", { role: "gridcell", class: name }, ...children);
    const row = make("tr", {
      role: "row",
      id: "row-" + at,
      "aria-rowindex": at + 2,
      "aria-selected": i === this.selected,
      "data-event": i,
      class: kind,
    });
    const agent = log.agent(i);
    row.append(
      cell("when", (this.isLong ? Times.date(end) + "  " : "") + Times.clock(end, 3)),
      cell("name", marker(kind, LABELS[kind]), make("span", {}, flat(log.name(i)))),
      cell("took", log.took(i) > 0 ? Times.span(log.took(i)) : ""),
      cell("who", flat(agent === "system" ? "" : agent)),
      cell("what", log.summary(i)),
    );
    return row;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.shown.length) return;
    const at = this.place(this.selected),
      page = Math.max(Math.floor(this.box.clientHeight / this.high) - 2, 1);
    const last = this.shown.length - 1;
    const aims = {
      ArrowDown: at + 1,
      ArrowUp: Math.max(at - 1, 0),
      PageDown: at + page,
      PageUp: Math.max(at - page, 0),
      Home: 0,
      End: last,
    };
    if (event.key === "Enter" || event.key === " ") this.act.open();
    else if (event.key in aims) this.act.choose(this.shown[Math.min(aims[event.key], last)], false);
    else return;
    event.preventDefault();
  }
}
