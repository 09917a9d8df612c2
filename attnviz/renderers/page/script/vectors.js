// Vectors as rows of a list: whose each one is, its numbers as shades, and the first of them written out.

import { strip } from "./bars.js";
import { make } from "./dom.js";
import { vector } from "./numbers.js";
import { hold, roving } from "./roving.js";

const MOST = 40; // rows: those around the one that is held
const NUMBERS = 6; // of a vector that are written out

// `words` writes their numbers; `rows` are { name: nodes, values, held, choose }, the last of them undefined where there is nothing to choose.
export function vectorList(rows, label, words = { vector }) {
  const shown = around(rows, rows.findIndex((row) => row.held));
  const limit = Math.max(...shown.flatMap(({ values }) => values.map(Math.abs)), 1e-12);
  const buttons = shown.map(({ name, values, held, choose }) =>
    make(
      "button",
      { type: "button", class: "vector-row", "aria-current": held ? "true" : null, disabled: !choose, onclick: choose },
      make("span", { class: "whose" }, name),
      strip(values, limit),
      make("span", { class: "vector" }, words.vector(values, NUMBERS)),
    ),
  );
  const element = make(
    "ul",
    { class: "rows vectors", "aria-label": label },
    buttons.map((button) => make("li", {}, button)),
  );
  const usable = buttons.filter((button) => !button.disabled);
  roving(element, () => usable);
  if (usable.length) hold(usable, buttons[shown.findIndex(({ held, choose }) => held && choose)] ?? usable[0]);
  return element;
}

// Of many rows, those around the one at `held`, or the first where none is.
export function around(rows, held) {
  const first = Math.max(0, Math.min(held - MOST / 2, rows.length - MOST));
  return rows.slice(first, first + MOST);
}
