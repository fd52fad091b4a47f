"use strict";
/* Moving the chart: by mouse, wheel, touch and keys. */

class Gestures {
  constructor(chart, act) {
    Object.assign(this, { chart, act, pointers: new Map(), dragged: 0 });
    const { box } = chart,
      overview = chart.overview.canvas;
    box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    for (const [name, method] of [
      ["pointerdown", "down"],
      ["pointermove", "move"],
      ["pointerup", "up"],
      ["pointercancel", "up"],
    ]) {
      box.addEventListener(name, (event) => this[method](event));
    }
    box.addEventListener("pointerleave", () => act.hover(-1));
    box.addEventListener("dblclick", (event) => this.zoom(0.35, event.offsetX));
    box.addEventListener("keydown", (event) => this.key(event));
    overview.addEventListener("pointerdown", (event) => {
      overview.setPointerCapture(event.pointerId);
      this.seek(event);
    });
    overview.addEventListener("pointermove", (event) => {
      if (event.buttons) this.seek(event);
    });
    overview.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(event.deltaY * 0.0016));
      },
      { passive: false },
    );
  }

  /** Show a range of time, within bounds; smoothly where movement is welcome. */
  to(from, to, smoothly = false, isAsked = true) {
    const { chart } = this,
      whole = chart.extent.to - chart.extent.from;
    const long = Math.min(Math.max(to - from, Math.min(0.05, whole)), whole);
    const middle = (from + to) / 2;
    from = Math.min(Math.max(middle - long / 2, chart.extent.from), chart.extent.to - long);
    cancelAnimationFrame(this.moving);
    const aim = { from, to: from + long },
      start = { ...chart.view },
      begun = performance.now();
    if (!smoothly || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      chart.view = aim;
      chart.queue();
      if (isAsked) this.act.moved();
      return;
    }
    const step = (now) => {
      const part = Math.min(Math.max((now - begun) / 180, 0), 1),
        eased = 1 - (1 - part) ** 3;
      chart.view = { from: start.from + (aim.from - start.from) * eased, to: start.to + (aim.to - start.to) * eased };
      chart.draw();
      if (part < 1) this.moving = requestAnimationFrame(step);
      else if (isAsked) this.act.moved();
    };
    this.moving = requestAnimationFrame(step);
  }

  /** Make the range shown longer or shorter by a factor; what is under x stays there. */
  zoom(factor, x = this.chart.gutter + this.chart.plot / 2, smoothly = false) {
    const { view } = this.chart,
      fixed = this.chart.time(Math.max(x, this.chart.gutter));
    this.to(fixed - (fixed - view.from) * factor, fixed + (view.to - fixed) * factor, smoothly);
  }

  /** Move by a part of what is shown. */
  pan(part, smoothly = false) {
    const { view } = this.chart,
      by = (view.to - view.from) * part;
    this.to(view.from + by, view.to + by, smoothly);
  }

  all() {
    this.to(this.chart.extent.from, this.chart.extent.to, true);
  }

  /** Bring an event into view, and no further than needed. */
  reveal(i) {
    const { chart } = this,
      { log, view } = chart,
      at = log.end[i],
      long = view.to - view.from;
    if (at < view.from + long * 0.02 || at > view.to - long * 0.02) this.to(at - long / 2, at + long / 2, true, false);
    const row = chart.rows.find((one) => one.lane === chart.lane(i));
    if (row) {
      const top = chart.box.scrollTop,
        room = chart.height - AXIS;
      if (row.y < top) chart.box.scrollTop = row.y - GROUP;
      else if (row.y + row.h > top + room) chart.box.scrollTop = row.y + row.h - room;
    }
    chart.queue();
  }

  wheel(event) {
    const isOverNames = event.offsetX < this.chart.gutter && !event.ctrlKey;
    if (isOverNames) return; // there the wheel scrolls the lanes
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.pan(((event.deltaX || event.deltaY) * unit) / this.chart.plot);
    } else this.zoom(Math.exp(event.deltaY * unit * (event.ctrlKey ? 0.008 : 0.0016)), event.offsetX);
  }

  down(event) {
    if (event.button) return;
    this.pointers.set(event.pointerId, event.offsetX);
    if (this.pointers.size === 1) this.dragged = 0;
  }

  move(event) {
    const { chart } = this;
    if (!this.pointers.has(event.pointerId)) {
      if (event.pointerType === "mouse") this.act.hover(chart.hit(event.offsetX, event.offsetY), event);
      return;
    }
    const before = [...this.pointers.values()];
    const by = event.offsetX - this.pointers.get(event.pointerId);
    this.pointers.set(event.pointerId, event.offsetX);
    this.dragged += Math.abs(by);
    if (this.dragged < 4) return;
    if (!chart.box.hasPointerCapture(event.pointerId)) chart.box.setPointerCapture(event.pointerId);
    chart.box.classList.add("moving");
    this.act.hover(-1);
    if (this.pointers.size === 1) {
      this.pan(-by / chart.plot);
      return;
    }
    const after = [...this.pointers.values()];
    const wide = Math.max(Math.abs(after[0] - after[1]), 8),
      was = Math.max(Math.abs(before[0] - before[1]), 8);
    this.zoom(was / wide, (after[0] + after[1]) / 2);
  }

  up(event) {
    const { chart } = this;
    if (this.pointers.delete(event.pointerId) && event.type === "pointerup" && this.dragged < 4) {
      this.act.choose(chart.hit(event.offsetX, event.offsetY));
    }
    chart.box.classList.remove("moving");
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = {
      ArrowLeft: () => this.pan(-0.2, true),
      ArrowRight: () => this.pan(0.2, true),
      "+": () => this.zoom(0.5, undefined, true),
      "=": () => this.zoom(0.5, undefined, true),
      "-": () => this.zoom(2, undefined, true),
      0: () => this.all(),
      Home: () => this.pan(-1e6, true),
      End: () => this.pan(1e6, true),
      n: () => this.act.step(1),
      p: () => this.act.step(-1),
      f: () => this.act.step(1, KIND.failure),
      F: () => this.act.step(-1, KIND.failure),
      Enter: () => this.act.open(),
      ArrowUp: () => {
        this.chart.box.scrollTop -= LANE;
      },
      ArrowDown: () => {
        this.chart.box.scrollTop += LANE;
      },
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  /** Put what is shown under the pointer on the overview. */
  seek(event) {
    const { chart } = this,
      { extent, view } = chart,
      long = view.to - view.from;
    const at = extent.from + ((event.offsetX - chart.gutter) / chart.plot) * (extent.to - extent.from);
    if (long > (extent.to - extent.from) * 0.98) this.to(at - long / 10, at + long / 10, true);
    else this.to(at - long / 2, at + long / 2);
  }
}
