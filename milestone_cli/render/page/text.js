"use strict";
/* Text that is not ours, made harmless to look at, and elements made from it: never from markup. */

const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** Controls, what reorders a line, and half characters, as `\xNN` and `\uNNNN`. */
function clean(text) {
  return text.replace(HARMFUL, (one) => {
    const code = one.charCodeAt(0);
    return code < 256 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16).padStart(4, "0");
  });
}

/** The same in one line. */
function flat(text) {
  return clean(text.replace(/\n/g, "\\n").replace(/\t/g, " "));
}

/** The same of JSON, which stays what it was. */
function cleanJson(text) {
  return text.replace(HARMFUL, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** JSON, indented by its text, so that every number keeps its digits. */
function indented(text) {
  let out = "",
    depth = 0,
    opened = false;
  const wrap = () => "\n" + "  ".repeat(depth);
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g)) {
    if (token === "}" || token === "]") {
      depth--;
      out += (opened ? "" : wrap()) + token;
      opened = false;
      continue;
    }
    if (opened) out += wrap();
    opened = token === "{" || token === "[";
    if (opened) depth++;
    out +=
      token === ","
        ? "," + wrap()
        : token === ":"
          ? ": "
          : token[0] === '"'
            ? token.replace(/\\(u003c|u003e|u0026|.)/g, (all, code) => MARKUP[code] || all)
            : token;
  }
  return out;
}
const MARKUP = { u003c: "<", u003e: ">", u0026: "&" };

/** An element with attributes and children, which are elements or text. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
