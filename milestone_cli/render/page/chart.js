"use strict";
/* The chart: lanes by session and agent on a time axis, each event or how many there are; draws only what can be seen. */

const AXIS = 34,
  LANE = 44,
  NARROW = 34,
  FEW = 10,
  GROUP = 26,
  SUBS = 3,
  MANY = 7;
/** As high as the chart may be when it is printed. */
const PAPER = 1400;
const NAMES = ["paper", "panel", "ink", "soft", "faint", "line", "hover", "accent", "gap", "day", "on", ...KINDS];

class Chart {
  constructor(log, { box, canvas, room, overview }) {
    Object.assign(this, { log, box, canvas, room, selected: -1, failures: false, countsOlder: true });
    this.ctx = canvas.getContext("2d");
    this.painter = new LanePainter(this);
    this.overview = new Overview(this, overview);
    const pad = log.last > log.first ? Math.max((log.last - log.first) * 0.015, 0.5) : 30 * SECOND;
    this.extent = { from: log.first - pad, to: log.last + pad };
    this.view = { ...this.extent };
    this.arrange(new Set(log.lanes.map((lane) => lane.session)).size > MANY ? "agent" : "session");
    this.gaps = this.quiet();
    this.listeners = [];
    box.addEventListener("scroll", () => this.queue());
    new ResizeObserver(() => this.resize()).observe(box.parentElement);
    this.recolour();
  }

  get scale() {
    return this.plot / (this.view.to - this.view.from);
  }
  x(time) {
    return this.gutter + (time - this.view.from) * this.scale;
  }
  time(x) {
    return this.view.from + (x - this.gutter) / this.scale;
  }

  /** Lanes by session and agent, or of each agent over all sessions. */
  arrange(by) {
    const { log } = this,
      found = new Map();
    this.by = by;
    this.lanes = [];
    this.laneOf = Uint16Array.from(log.lanes, ({ milestone, session, agent }) => {
      const group = (log.several ? (milestone || "–") + " · " : "") + (by === "agent" ? "" : session || "no session");
      const key = JSON.stringify([group, agent]);
      if (!found.has(key)) {
        found.set(key, this.lanes.length);
        this.lanes.push({ group: flat(group.replace(/ · $/, "")), agent });
      }
      return found.get(key);
    });
    this.sub = this.packed();
  }

  lane(i) {
    return this.laneOf[this.log.lane[i]];
  }

  /** Which of a lane's rows each event takes, so that what ran at once does not overlap. */
  packed() {
    const { log } = this;
    const sub = new Uint8Array(log.count);
    this.subs = this.lanes.map(() => 1);
    this.longest = new Float64Array(this.lanes.length);
    const order = [];
    for (let i = 0; i < log.count; i++) if (log.took(i) > 0) order.push(i);
    order.sort((a, b) => log.start[a] - log.start[b]);
    const free = this.lanes.map(() => []);
    for (const i of order) {
      const lane = this.lane(i),
        rows = free[lane];
      let row = rows.findIndex((end) => end <= log.start[i] + 0.5);
      if (row < 0) row = Math.min(rows.length, SUBS - 1);
      rows[row] = Math.max(rows[row] || 0, log.end[i]);
      sub[i] = row;
      this.subs[lane] = Math.max(this.subs[lane], row + 1);
      this.longest[lane] = Math.max(this.longest[lane], log.took(i));
    }
    return sub;
  }

  /** The long times without any event. */
  quiet() {
    const { log } = this,
      found = [];
    const least = Math.max((log.last - log.first) / 40, 2000);
    let next = Infinity;
    for (let i = log.count - 1; i >= 0; i--) {
      if (next - log.end[i] >= least && next < Infinity) found.push([log.end[i], next]);
      next = Math.min(next, log.start[i]);
    }
    return found.reverse();
  }

  /** Show these events, and no others. */
  show(shown, { failures, agent, countsOlder }) {
    Object.assign(this, { shown, failures, agent, countsOlder });
    this.countOlder();
    const counts = new Uint32Array(this.lanes.length);
    for (const i of shown) counts[this.lane(i)]++;
    this.items = Array.from(counts, (count) => new Uint32Array(count));
    counts.fill(0);
    for (const i of shown) this.items[this.lane(i)][counts[this.lane(i)]++] = i;
    this.layout();
    this.resize();
  }

  /** The older events of each lane by interval, as far as the filter lets them be counted. */
  countOlder() {
    this.older = this.lanes.map(() => new Map());
    if (!this.countsOlder) return;
    for (const { lane, kind, pairs } of this.log.older) {
      const counts = this.older[this.laneOf[lane]];
      if (
        (this.failures && kind !== KIND.failure) ||
        (this.agent && this.log.lanes[lane].agent !== this.agent.slice(1))
      )
        continue;
      for (let at = 0; at < pairs.length; at += 2) counts.set(pairs[at], (counts.get(pairs[at]) || 0) + pairs[at + 1]);
    }
  }

  /** Rows: a heading for each session, a lane for each agent in it. */
  layout() {
    const groups = new Map();
    this.lanes.forEach(({ group }, index) => {
      if (!this.items[index].length && !this.older[index].size) return;
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(index);
    });
    this.rows = [];
    let y = 0;
    // Many lanes are narrower.
    const h = [...groups.values()].flat().length > FEW ? NARROW : LANE;
    const add = (row) => {
      this.rows.push({ ...row, y });
      y += row.h;
    };
    for (const [name, lanes] of groups) {
      if (groups.size > 1 || (name && name !== "no session")) add({ label: name, h: GROUP });
      for (const lane of lanes) {
        const subs = this.subs[lane],
          bar = Math.min(Math.floor((h - 6) / subs) - 2, 17),
          pitch = bar + 2;
        add({
          lane,
          label: flat(this.lanes[lane].agent || "–"),
          h,
          bar,
          pitch,
          middle: h / 2 - ((subs - 1) * pitch) / 2,
        });
      }
    }
    this.content = y + AXIS + 6;
  }

  resize() {
    if (!this.rows || !this.box.parentElement.clientWidth) return;
    const width = this.box.parentElement.clientWidth;
    const most = this.isOnPaper ? PAPER : parseFloat(getComputedStyle(this.box).maxHeight) || innerHeight;
    const height = Math.max(Math.min(this.content, most), 90);
    this.box.style.height = height + "px";
    this.width = width;
    this.height = height;
    this.gutter = width > 600 ? Math.min(184, Math.round(width * 0.2)) : 16;
    this.plot = Math.max(width - this.gutter - 16, 50);
    this.fitCanvas(this.canvas, width, height);
    this.room.style.height = Math.max(this.content - height, 0) + "px";
    this.fitCanvas(this.overview.canvas, width, STRIP);
    this.overview.forget();
    this.draw();
  }

  fitCanvas(canvas, width, height) {
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = height + "px";
    canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
    const family = style.fontFamily;
    this.font = "13px " + family;
    this.small = "11.5px " + family;
    this.strong = "600 11.5px " + family;
    if (this.rows) this.draw();
  }

  /** Draw at the next frame, once. */
  queue() {
    if (!this.waiting)
      this.waiting = requestAnimationFrame(() => {
        this.waiting = 0;
        this.draw();
      });
  }

  draw() {
    if (!this.width) return;
    const { ctx, colours } = this;
    ctx.textBaseline = "middle";
    ctx.fillStyle = colours.panel;
    ctx.fillRect(0, 0, this.width, this.height);
    ctx.save();
    ctx.beginPath();
    ctx.rect(this.gutter - 8, 0, this.width, this.height);
    ctx.clip();
    this.drawGaps();
    const ticks = Times.ticks(this.view.from, this.view.to, Math.max(this.plot / 96, 2));
    for (const { time, major } of ticks)
      this.rule(this.x(time), major ? AXIS - 5 : AXIS, this.height, major ? colours.day : colours.line);
    ctx.restore();
    this.drawRows();
    this.drawAxis(ticks);
    this.overview.draw();
    for (const listener of this.listeners) listener();
  }

  rule(x, from, to, colour) {
    this.ctx.fillStyle = colour;
    this.ctx.fillRect(Math.round(x), from, 1, to - from);
  }

  drawGaps() {
    const { ctx, colours } = this;
    for (const [from, to] of this.gaps) {
      const x0 = Math.max(this.x(from) + 5, this.gutter),
        x1 = Math.min(this.x(to) - 5, this.width);
      if (x1 - x0 < 24) continue;
      ctx.fillStyle = colours.gap;
      ctx.fillRect(x0, AXIS, x1 - x0, this.height - AXIS);
    }
  }

  labelGaps() {
    const { ctx, colours } = this;
    ctx.font = this.small;
    ctx.textAlign = "center";
    for (const [from, to] of this.gaps) {
      const x0 = Math.max(this.x(from) + 5, this.gutter),
        x1 = Math.min(this.x(to) - 5, this.width);
      const text = Times.span(to - from) + " quiet",
        wide = ctx.measureText(text).width + 14;
      if (x1 - x0 < wide + 8) continue;
      ctx.fillStyle = colours.gap;
      ctx.fillRect((x0 + x1 - wide) / 2, this.height / 2 + AXIS / 2 - 11, wide, 20);
      ctx.fillStyle = colours.soft;
      ctx.fillText(text, (x0 + x1) / 2, this.height / 2 + AXIS / 2);
    }
  }

  drawRows() {
    const { ctx, colours, gutter } = this;
    const top = this.box.scrollTop;
    const seen = this.rows.filter((row) => row.y + row.h > top && row.y < top + this.height - AXIS);
    ctx.save();
    ctx.beginPath();
    ctx.rect(gutter - 8, AXIS, this.width, this.height);
    ctx.clip();
    this.labelGaps();
    this.painter.begin(seen);
    for (const row of seen) if (row.lane !== undefined) this.painter.draw(row, row.y - top + AXIS);
    this.drawSelected(top);
    ctx.restore();
    for (const row of seen) {
      const y = row.y - top + AXIS;
      ctx.textAlign = "left";
      if (row.lane === undefined) {
        ctx.fillStyle = colours.line;
        if (row.y) ctx.fillRect(0, y + 2, this.width, 1);
        ctx.font = this.strong;
        ctx.fillStyle = colours.soft;
        ctx.fillText(this.fit(row.label, this.width - 48), 24, y + row.h / 2 + 2);
        continue;
      }
      ctx.font = this.font;
      ctx.fillStyle = colours.ink;
      ctx.fillText(this.fit(row.label, gutter - 52), this.rows[0].lane === undefined ? 36 : 24, y + row.h / 2);
    }
  }

  /** The chosen event: a line through all lanes, and a ring. */
  drawSelected(top) {
    const i = this.selected;
    if (i < 0) return;
    const { ctx, colours, log } = this;
    const row = this.rows.find((one) => one.lane === this.lane(i));
    this.rule(this.x(log.end[i]), AXIS, this.height, colours.accent);
    if (!row || this.painter.isDense) return;
    const y = row.y - top + AXIS + row.middle + this.sub[i] * row.pitch;
    const x0 = Math.min(this.x(log.start[i]), this.x(log.end[i]) - 9),
      x1 = this.x(log.end[i]) + 9;
    ctx.lineWidth = 2;
    ctx.strokeStyle = colours.accent;
    ctx.beginPath();
    ctx.roundRect(x0 - 2, y - row.bar / 2 - 3, x1 - x0 + 2, row.bar + 6, 5);
    ctx.stroke();
  }

  drawAxis(ticks) {
    const { ctx, colours, gutter, view } = this;
    ctx.fillStyle = colours.panel;
    ctx.fillRect(0, 0, this.width, AXIS);
    ctx.fillStyle = colours.line;
    ctx.fillRect(0, AXIS - 1, this.width, 1);
    ctx.textAlign = "left";
    ctx.font = this.strong;
    ctx.fillStyle = colours.soft;
    ctx.fillText(this.fit(Times.date(Math.max(view.from, this.log.first), true), gutter - 32), 24, AXIS / 2);
    ctx.textAlign = "center";
    let free = gutter - 8;
    for (const { time, major, label } of ticks) {
      const x = this.x(time);
      ctx.font = major ? this.strong : this.small;
      const wide = ctx.measureText(label).width / 2;
      if (x - wide < free || x + wide > this.width - 4) continue;
      ctx.fillStyle = major ? colours.ink : colours.soft;
      ctx.fillText(label, x, AXIS / 2);
      free = x + wide + 10;
    }
  }

  /** How high a column of so many events is; many are drawn less high than they are, or single ones would vanish. */
  high(count, top, room) {
    return 3 + ((room - 3) * Math.log1p(count)) / Math.log1p(top);
  }

  /** A text cut to a width. */
  fit(text, room) {
    if (text.length > 300) text = text.slice(0, 300);
    if (this.ctx.measureText(text).width <= room) return text;
    let low = 0,
      high = text.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.ctx.measureText(text.slice(0, middle) + "…").width <= room) low = middle;
      else high = middle - 1;
    }
    return low ? text.slice(0, low) + "…" : "";
  }

  /** The event at a place of the chart, or -1; what failed and checkpoints before others. */
  hit(x, y) {
    const inside = y - AXIS + this.box.scrollTop;
    const row = this.rows.find((one) => one.lane !== undefined && inside >= one.y && inside < one.y + one.h);
    if (!row || y < AXIS || x < this.gutter - 8) return -1;
    const { log } = this,
      items = this.items[row.lane],
      time = this.time(x),
      slack = 8 / this.scale;
    const sub = Math.round((inside - row.y - row.middle) / row.pitch);
    let best = -1,
      least = Infinity;
    for (let at = Log.lowest(items, log.end, time - slack); at < items.length; at++) {
      const i = items[at];
      if (log.end[i] > time + slack + this.longest[row.lane]) break;
      if (log.start[i] > time + slack) continue;
      const isMark = log.kind(i) >= KIND.checkpoint && log.kind(i) !== KIND.session;
      const near = Math.abs(log.end[i] - time),
        inBar = log.start[i] <= time && time <= log.end[i];
      if (!inBar && near > slack) continue;
      const far =
        (isMark && near <= slack ? -2 : inBar && log.took(i) > 0 ? -1 : 0) +
        near / slack / 1e6 +
        (this.sub[i] === sub ? 0 : 5);
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }
}
