"use strict";
/*
 * The events of the page, as columns: numbers in typed arrays, names in tables, and what else an event says as one line
 * of JSON, which is parsed only when it is looked at.
 */

const KIND = { activity: 0, state: 1, checkpoint: 2, session: 3, failure: 4 };
const KINDS = Object.keys(KIND);
/** Members of an event's data that speak for themselves. */
const PLAIN = new Set(["tool", "target", "checkpoint_name", "session_id", "reason", "text", "message", "error"]);
const LABELS = {
  activity: "Activity",
  state: "State changed",
  checkpoint: "Checkpoint",
  session: "Session",
  failure: "Failure",
};

class Log {
  /** From the two blocks of data in the page. */
  constructor(columns, lines) {
    const count = columns.times.length;
    Object.assign(this, { title: columns.title, count, types: columns.types, said: columns.said });
    this.lanes = columns.lanes.map(([milestone, session, agent]) => ({ milestone, session, agent }));
    this.lines = lines ? lines.slice(1).split("\n") : [];
    this.lower = null;
    this.end = new Float64Array(count);
    this.start = new Float64Array(count);
    this.lane = Uint16Array.from(columns.lane);
    this.type = Uint16Array.from(columns.type);
    this.kindOfType = Uint8Array.from(columns.types, ([, kind]) => kind);
    let at = columns.base || 0;
    for (let i = 0; i < count; i++) {
      at += columns.times[i];
      this.end[i] = at / 1000;
      this.start[i] = (at - columns.durations[i]) / 1000;
    }
    this.first = columns.first === null ? columns.made : columns.first / 1000;
    this.last = columns.first === null ? columns.made : columns.last / 1000;
    this.older = columns.older.counts.map(([lane, kind, pairs]) => ({ lane, kind, pairs }));
    this.olderStart = (columns.older.start || 0) / 1000;
    this.olderWidth = columns.older.width / 1000;
    this.several = new Set(this.lanes.map((lane) => lane.milestone)).size > 1;
  }

  static read() {
    const text = (id) => document.getElementById(id).textContent;
    return new Log(JSON.parse(text("columns")), text("lines"));
  }

  kind(i) {
    return this.kindOfType[this.type[i]];
  }
  name(i) {
    return this.types[this.type[i]][0];
  }
  took(i) {
    return this.end[i] - this.start[i];
  }
  /** A line is the data, a tab, and the other members. */
  data(i) {
    return JSON.parse(this.lines[i].slice(0, this.lines[i].indexOf("\t")) || "null");
  }
  rest(i) {
    return JSON.parse(this.lines[i].slice(this.lines[i].indexOf("\t") + 1));
  }

  /** The agent for people; the system is nobody in particular. */
  agent(i) {
    return this.lanes[this.lane[i]].agent;
  }

  /** What an event says, in one line. */
  summary(i) {
    if (this.said[i] !== undefined) return flat(this.said[i]);
    const data = this.data(i);
    if (data === null) return "";
    if (typeof data !== "object" || Array.isArray(data)) return flat(JSON.stringify(data));
    const words = [];
    for (const [name, value] of Object.entries(data)) {
      if (name === "duration_ms" || name === "state_file" || name === "checkpoint_file" || name === "sha256") continue;
      if (name === "outcome" && (value === "ok" || value === "failed")) continue;
      const shown = typeof value === "string" ? value : JSON.stringify(value);
      words.push(PLAIN.has(name) ? shown : name + " " + shown);
      if (words.length === 12) break;
    }
    const text = words.join(" · ");
    return flat(text.length > 400 ? text.slice(0, 400) + "…" : text);
  }

  /** Where an event can be found again: its id, else its place. */
  anchor(i) {
    return this.rest(i).event_id || "n=" + i;
  }

  /** The event that an anchor names, or -1. */
  find(anchor) {
    if (!anchor) return -1;
    if (anchor.startsWith("n=")) return Number(anchor.slice(2)) < this.count ? Number(anchor.slice(2)) : -1;
    const needle = '"event_id":' + JSON.stringify(anchor);
    return this.lines.findIndex((line) => line.includes(needle));
  }

  /** The whole event as JSON text, with the names that the log has for it. */
  json(i) {
    const { milestone, session, agent } = this.lanes[this.lane[i]];
    const [data, others] = this.lines[i].split("\t");
    const known = {
      timestamp: this.stamp(i),
      milestone_id: milestone,
      session_id: session || "no-session",
      event_type: this.name(i),
      agent_id: agent,
    };
    const rest = this.rest(i);
    for (const name of Object.keys(known)) if (name in rest) delete known[name];
    const isMissing = Object.values(rest).includes(null);
    const said = isMissing ? JSON.stringify(rest, (name, value) => (value === null ? undefined : value)) : others;
    const parts = [JSON.stringify(known).slice(1, -1), data && '"data":' + data, said.slice(1, -1)];
    return "{" + parts.filter(Boolean).join(",") + "}";
  }

  /** RFC 3339 in UTC, to the microsecond. */
  stamp(i) {
    const at = this.end[i],
      micro = Math.round((at - Math.floor(at)) * 1000);
    return (
      new Date(Math.floor(at) + (micro === 1000 ? 1 : 0)).toISOString().slice(0, -1) +
      String(micro % 1000).padStart(3, "0") +
      "Z"
    );
  }

  /** The numbers of the events that pass: every word of the text, type, agent, failures. */
  select({ text, type, agent, failures }) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const types = this.types.map(([name, kind]) => (!type || name === type) && (!failures || kind === KIND.failure));
    const lanes = this.lanes.map((lane) => !agent || lane.agent === agent.slice(1));
    const found = new Uint32Array(this.count);
    let count = 0;
    if (words.length && !this.lower) this.lower = this.lines.map((line, i) => this.searched(line, i));
    const tests = words.map((word) => this.test(word));
    for (let i = 0; i < this.count; i++) {
      if (types[this.type[i]] && lanes[this.lane[i]] && tests.every((test) => test(i))) found[count++] = i;
    }
    return found.subarray(0, count);
  }

  /** What of a line can be found: the data, what is said of it, and the id. */
  searched(line, i) {
    const at = line.indexOf("\t"),
      id = line.indexOf('"event_id":"', at);
    return (
      (this.said[i] || "") +
      line.slice(0, at) +
      (id < 0 ? "" : line.slice(id + 11, line.indexOf('"', id + 12)))
    ).toLowerCase();
  }

  /** Whether an event has a word anywhere; lines are searched as the JSON they are, so the word is written so too. */
  test(word) {
    const needle = JSON.stringify(word)
      .slice(1, -1)
      .replace(/[<>&]/g, (one) => "\\u00" + one.charCodeAt(0).toString(16));
    const has = (name) => name.toLowerCase().includes(word);
    const types = this.types.map(([name]) => has(name));
    const lanes = this.lanes.map((lane) => has(lane.agent) || has(lane.session) || has(lane.milestone));
    return (i) => types[this.type[i]] || lanes[this.lane[i]] || this.lower[i].includes(needle);
  }

  /** The first event among these that ends at a time or later. */
  static lowest(items, end, time) {
    let low = 0,
      high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (end[items[middle]] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
