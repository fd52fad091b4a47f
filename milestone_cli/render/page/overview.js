"use strict";
/* All of the time in one strip, with the part that the chart shows. */

const STRIP = 44;

class Overview {
  constructor(chart, canvas) {
    Object.assign(this, { chart, canvas, counts: null });
  }

  /** Count again at the next drawing: other events are shown, or the strip has another width. */
  forget() {
    this.counts = null;
  }

  draw() {
    const { colours, extent, plot, gutter, width, view } = this.chart;
    const ctx = this.canvas.getContext("2d");
    const scale = plot / (extent.to - extent.from);
    ctx.fillStyle = colours.paper;
    ctx.fillRect(0, 0, width, STRIP);
    this.counts = this.counts || this.counted(scale);
    const { all, bad, older, top } = this.counts;
    this.columns(ctx, older, older, top, colours.activity, 0.45);
    this.columns(ctx, all, all, top, colours.activity, 1);
    this.columns(ctx, bad, all, top, colours.failure, 1);
    const x0 = gutter + (view.from - extent.from) * scale;
    const x1 = Math.max(gutter + (view.to - extent.from) * scale, x0 + 3);
    ctx.globalAlpha = 0.62;
    ctx.fillStyle = colours.paper;
    ctx.fillRect(0, 0, x0, STRIP);
    ctx.fillRect(x1, 0, width, STRIP);
    ctx.globalAlpha = 1;
    if (x1 - x0 >= plot - 1) return;
    ctx.strokeStyle = colours.accent;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(x0, 1.5, x1 - x0, STRIP - 3);
  }

  /** Columns of counts, as parts of others. */
  columns(ctx, counts, of, top, colour, alpha) {
    const { gutter } = this.chart;
    ctx.fillStyle = colour;
    ctx.globalAlpha = alpha;
    counts.forEach((count, x) => {
      if (!count) return;
      const high = Math.max((this.chart.high(of[x], top, 32) * count) / of[x], 3);
      ctx.fillRect(gutter + x * COLUMN, 38 - high, COLUMN - 1, high);
    });
    ctx.globalAlpha = 1;
  }

  counted(scale) {
    const { log, shown, lanes, plot, extent, older: counts } = this.chart;
    const columns = Math.ceil(plot / COLUMN) + 1;
    const all = new Uint32Array(columns);
    const bad = new Uint32Array(columns);
    const older = new Uint32Array(columns);
    const place = (time) => Math.max(0, Math.min(columns - 1, Math.floor(((time - extent.from) * scale) / COLUMN)));
    for (const i of shown) {
      all[place(log.end[i])]++;
      if (log.kind(i) === KIND.failure) bad[place(log.end[i])]++;
    }
    lanes.forEach((_, lane) => {
      for (const [step, count] of counts[lane]) older[place(log.olderStart + step * log.olderWidth)] += count;
    });
    let top = 1;
    for (let x = 0; x < columns; x++) top = Math.max(top, all[x], older[x]);
    return { all, bad, older, top };
  }
}
