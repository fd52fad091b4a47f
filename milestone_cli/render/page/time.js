"use strict";
/* Times for people: milliseconds since 1970, shown in local time or in UTC. */

const SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR;
const STEPS = [
  0.001,
  0.002,
  0.005,
  0.01,
  0.02,
  0.05,
  0.1,
  0.2,
  0.5,
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  28 * DAY,
  91 * DAY,
  182 * DAY,
  365 * DAY,
  1826 * DAY,
  3652 * DAY,
];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEK = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const two = (number) => String(number).padStart(2, "0");

const Times = {
  utc: false,

  /** Milliseconds that local time is ahead of UTC at a moment; 0 when UTC is shown. */
  offset(time) {
    return this.utc ? 0 : -new Date(time).getTimezoneOffset() * MINUTE;
  },

  /** A date whose UTC fields are what is shown. */
  shown(time) {
    return new Date(time + this.offset(time));
  },

  /** "14:03", with seconds and their fraction where asked. */
  clock(time, digits = 0) {
    const at = this.shown(time);
    const short = two(at.getUTCHours()) + ":" + two(at.getUTCMinutes());
    if (digits < 0) return short;
    const rest = (((time % 1000) + 1000) % 1000).toFixed(3).replace(".", "").padStart(6, "0");
    return short + ":" + two(at.getUTCSeconds()) + (digits ? "." + rest.slice(0, digits) : "");
  },

  /** "21 Nov", with weekday and year where asked. */
  date(time, whole = false) {
    const at = this.shown(time);
    const short = at.getUTCDate() + " " + MONTHS[at.getUTCMonth()];
    return whole ? WEEK[at.getUTCDay()] + " " + short + " " + at.getUTCFullYear() : short;
  },

  /** "UTC", "UTC+1", "UTC+5:30": what is shown at a moment. */
  zone(time) {
    const minutes = this.offset(time) / MINUTE,
      size = Math.abs(minutes);
    if (!minutes) return "UTC";
    return "UTC" + (minutes < 0 ? "−" : "+") + Math.floor(size / 60) + (size % 60 ? ":" + two(size % 60) : "");
  },

  /** A length in its two largest units: "3 h 12 m", "1.4 s", "230 ms". */
  span(length) {
    if (length < 1) return Math.round(length * 1000) + " µs";
    if (length < SECOND) return (length < 10 ? +length.toFixed(1) : Math.round(length)) + " ms";
    if (length < MINUTE) return +(length / SECOND).toFixed(length < 10 * SECOND ? 1 : 0) + " s";
    for (const [unit, name, part, small] of [
      [DAY, "d", HOUR, "h"],
      [HOUR, "h", MINUTE, "m"],
      [MINUTE, "m", SECOND, "s"],
    ]) {
      if (length < unit) continue;
      const rest = Math.floor((length % unit) / part);
      return Math.floor(length / unit) + " " + name + (rest ? " " + rest + " " + small : "");
    }
    return "";
  },

  /** Moments for the marks of an axis, at most so many, with a label; `major` where a day begins. */
  ticks(from, to, most) {
    const last = STEPS[STEPS.length - 1];
    const step = STEPS.find((one) => (to - from) / one <= most) || Math.ceil((to - from) / most / last) * last;
    const found = [];
    const offset = this.offset(from);
    for (let at = Math.ceil((from + offset) / step) * step; at - offset <= to && found.length < 200; at += step) {
      let time = at - offset;
      // Behind a change of the clocks the same wall time stands elsewhere.
      if (step >= HOUR) time = at - this.offset(time);
      const day = ((at % DAY) + DAY) % DAY === 0;
      found.push({ time, major: day, label: this.label(time, step, day) });
    }
    return found;
  },

  label(time, step, day) {
    if (step >= 182 * DAY) return MONTHS[this.shown(time).getUTCMonth()] + " " + this.shown(time).getUTCFullYear();
    if (day && step >= MINUTE) return this.date(time);
    if (step >= MINUTE) return this.clock(time, -1);
    if (step >= SECOND) return this.clock(time);
    return this.clock(time, step >= 100 ? 1 : step >= 10 ? 2 : step >= 1 ? 3 : 6);
  },
};
