"use strict";
/* The shapes of events: each kind has its own, so that nothing rests on colour alone. */

const SHAPES = {
  activity: "M1.5 3.5h9v5h-9z",
  state: "M4.25 .5h3.5v11h-3.5z",
  checkpoint: "M6 .3 11.7 6 6 11.7 .3 6z",
  session: "M6 2a4 4 0 1 0 0 8 4 4 0 1 0 0-8z",
  failure: "M6 .8 11.6 11.2H.4z",
};

/** A kind's shape as a small picture beside text, which says the same in words where it has to. */
function marker(kind, label) {
  const picture = document.getElementById("mark").content.firstElementChild.cloneNode(true);
  picture.classList.add(kind);
  picture.firstElementChild.setAttribute("d", SHAPES[kind]);
  if (label) {
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", label);
  } else picture.setAttribute("aria-hidden", "true");
  return picture;
}

const COLUMN = 3,
  APART = 9,
  ROOMY = 5;

/** Draws the events of lanes that can be seen; what falls on one pixel is drawn once. */
class LanePainter {
  constructor(chart) {
    this.chart = chart;
  }

  /** Look at all lanes that will be drawn: where one has more events than room, all of them show how many, not which. */
  begin(rows) {
    const { log, view, scale, plot, longest, items } = this.chart,
      slack = 8 / scale;
    this.ranges = new Map();
    this.isDense = false;
    for (const { lane } of rows) {
      if (lane === undefined) continue;
      const first = Log.lowest(items[lane], log.end, view.from - slack);
      const last = Log.lowest(items[lane], log.end, view.to + longest[lane] + slack);
      this.ranges.set(lane, [first, last]);
      if ((last - first) * ROOMY > plot) this.isDense = true;
    }
  }

  draw(row, y) {
    const items = this.chart.items[row.lane],
      [first, last] = this.ranges.get(row.lane);
    this.older(row, y);
    if (this.isDense) this.dense(row, y, items, first, last);
    else this.exact(row, y, items, first, last);
  }

  /** Every event by itself. */
  exact(row, y, items, first, last) {
    const { ctx, log, colours, gutter, width } = this.chart;
    const paths = KINDS.map(() => new Path2D());
    const marks = [],
      labels = [];
    const drawn = new Float64Array(KINDS.length * SUBS).fill(-1e9);
    for (let at = first; at < last; at++) {
      const i = items[at],
        kind = log.kind(i),
        sub = this.chart.sub[i];
      const x0 = this.chart.x(log.start[i]),
        x1 = this.chart.x(log.end[i]);
      if (x1 < gutter - 8 || x0 > width + 8) continue;
      const place = kind * SUBS + sub,
        middle = y + row.middle + sub * row.pitch;
      const isMark = kind === KIND.failure || kind === KIND.checkpoint || kind === KIND.session;
      if (log.took(i) > 0 && x1 - drawn[place] >= 1) {
        const left = Math.max(x0, gutter - 8),
          long = Math.max(Math.min(x1, width + 8) - left, 1.5);
        paths[kind].rect(left, middle - row.bar / 2, long > 5 ? long - 1 : long, row.bar);
        if (long > 56 && row.bar > 12) labels.push([i, kind, left, middle, kind === KIND.failure ? long - 9 : long]);
        drawn[place] = x1;
      } else if (!isMark && log.took(i) <= 0 && x1 - drawn[place] >= 1) {
        const high = kind === KIND.state ? row.bar : row.bar * 0.6,
          wide = kind === KIND.state ? 3.5 : 2.5;
        paths[kind].rect(x1 - wide / 2, middle - high / 2, wide, high);
        drawn[place] = x1;
      }
      if (isMark) marks.push([kind, x1, middle]);
    }
    paths.forEach((path, kind) => {
      ctx.fillStyle = colours[KINDS[kind]];
      ctx.fill(path);
    });
    this.label(labels);
    this.mark(marks, [KIND.failure, KIND.checkpoint, KIND.session], APART * 0.6, row.bar > 12 ? 6.5 : 5);
  }

  /** What a bar is about, inside of it. */
  label(labels) {
    const { ctx, log, colours, gutter, small } = this.chart;
    ctx.font = small;
    ctx.textAlign = "left";
    for (const [i, kind, left, middle, long] of labels) {
      ctx.fillStyle = kind === KIND.failure ? "#fff" : colours.on;
      const from = Math.max(left, gutter) + 5;
      ctx.fillText(this.chart.fit(log.summary(i) || log.name(i), left + long - from - 5), from, middle + 0.5);
    }
  }

  /** Diamonds, triangles and rings, over everything else; of those that would lie on each other, the first kind. */
  mark(marks, kinds, apart, size) {
    const { ctx, colours } = this.chart,
      taken = new Set();
    for (const kind of kinds) {
      const shape = new Path2D();
      let some = false;
      for (const [which, x, y] of marks) {
        const cell = Math.floor(x / apart);
        if (which !== kind || [cell - 1, cell, cell + 1].some((one) => taken.has(one + ":" + y))) continue;
        taken.add(cell + ":" + y);
        some = true;
        if (kind === KIND.session) {
          shape.moveTo(x + size * 0.7, y);
          shape.arc(x, y, size * 0.7, 0, 7);
        } else if (kind === KIND.checkpoint) {
          shape.moveTo(x, y - size);
          shape.lineTo(x + size, y);
          shape.lineTo(x, y + size);
          shape.lineTo(x - size, y);
          shape.closePath();
        } else {
          shape.moveTo(x, y - size);
          shape.lineTo(x + size, y + size * 0.75);
          shape.lineTo(x - size, y + size * 0.75);
          shape.closePath();
        }
      }
      if (!some) continue;
      const isRing = kind === KIND.session;
      ctx.lineWidth = isRing ? 1.6 : 2.5;
      ctx.lineJoin = "round";
      ctx.strokeStyle = isRing ? colours.session : colours.panel;
      ctx.fillStyle = isRing ? colours.panel : colours[KINDS[kind]];
      if (isRing) ctx.fill(shape);
      ctx.stroke(shape);
      if (!isRing) ctx.fill(shape);
    }
  }

  /** Columns as high as there are events; their steps stand still in time, so that moving does not make them flicker. */
  dense(row, y, items, first, last) {
    const { log, scale } = this.chart;
    const step = COLUMN / scale;
    const all = new Map(),
      states = new Map(),
      bad = new Map(),
      marks = [];
    for (let at = first; at < last; at++) {
      const i = items[at],
        kind = log.kind(i),
        column = Math.floor(log.end[i] / step);
      all.set(column, (all.get(column) || 0) + 1);
      const part = kind === KIND.state ? states : kind === KIND.failure ? bad : null;
      if (part) part.set(column, (part.get(column) || 0) + 1);
      if (part !== states && kind >= KIND.checkpoint) {
        const x = this.chart.x((column + 0.5) * step);
        if (!marks.length || marks[marks.length - 1][0] !== kind || x - marks[marks.length - 1][1] >= 1)
          marks.push([kind, x, y + row.h / 8 + 2]);
      }
    }
    const top = Math.max(...all.values(), 1),
      bottom = y + row.h - 3,
      room = row.h * 0.62;
    this.bars(all, step, bottom, room, top, "activity");
    this.bars(states, step, bottom, room, top, "state", all);
    this.bars(bad, step, bottom, room, top, "failure", all);
    this.mark(marks, [KIND.checkpoint, KIND.failure, KIND.session], APART, 4.5);
  }

  /** Columns of counts upon a line; as parts of others if those are given. */
  bars(counts, step, bottom, room, top, colour, of = null) {
    const { ctx, scale, gutter, width, colours } = this.chart;
    const path = new Path2D(),
      wide = Math.max(step * scale - 1, 1);
    for (const [column, count] of counts) {
      const x = this.chart.x(column * step);
      if (x + wide < gutter || x > width) continue;
      const high = this.chart.high(of ? of.get(column) : count, top, room) * (of ? count / of.get(column) : 1);
      path.rect(x, bottom - Math.max(high, 3), wide, Math.max(high, 3));
    }
    ctx.fillStyle = colours[colour];
    ctx.fill(path);
  }

  /** What the page only counts, paler. */
  older(row, y) {
    const { log, ctx, colours } = this.chart;
    const counts = this.chart.older[row.lane];
    if (!counts.size) return;
    ctx.globalAlpha = 0.5;
    const step = Math.max(log.olderWidth, COLUMN / this.chart.scale);
    const merged = new Map();
    for (const [at, count] of counts) {
      const column = Math.floor((log.olderStart + at * log.olderWidth) / step);
      merged.set(column, (merged.get(column) || 0) + count);
    }
    this.bars(
      merged,
      step,
      y + row.h - 3,
      row.h * 0.62,
      Math.max(...merged.values()),
      this.chart.failures ? "failure" : "activity",
    );
    ctx.globalAlpha = 1;
    ctx.fillStyle = colours.ink;
  }
}
