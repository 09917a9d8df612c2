// The line that says what is pointed at, and the voice that says what was chosen.

import { quoted } from "./data.js";
import { writing } from "./digits.js";
import { make } from "./dom.js";
import { say, told } from "./lessons.js";
import { fixed } from "./numbers.js";
import { state } from "./state.js";
import { shownKeys } from "./shown.js";

export const readout = make("p", { class: "readout", id: "readout" });
export const voice = make("p", { class: "unseen", role: "status", "aria-live": "polite", id: "voice" });

// Show a message; `aloud` also speaks it, for what a person has chosen rather than brushed past.
export function show(message, values, aloud = false) {
  readout.replaceChildren(...told(message, values));
  if (aloud) voice.textContent = say(message, values).replaceAll("`", "");
}

// Say one cell: the query, the key and the value of a step.
export function showCell(layer, query, key, value, { aloud = false, row = null, step = "weights" } = {}) {
  const names = { query: quoted(layer.queryTexts, query), key: quoted(layer.keyTexts, key) };
  const { number } = writing(layer, step);
  if (Number.isNaN(value)) show("page.cell_hidden", names, aloud);
  else if (step === "weights") show("page.cell", { ...names, weight: number(value) }, aloud);
  else show("page.cell_step", { ...names, step: say(`title.${step}`), value: number(value) }, aloud);
  const left = row && step === "weights" ? leftOut(layer, row) : 0;
  if (left >= 0.005)
    readout.append(" ", make("span", { class: "quiet" }, ...told("page.left_out", { share: fixed(left, 2) })));
}

// The part of a row of weights that goes to tokens which are not shown.
function leftOut(layer, row) {
  if (state.first && state.special) return 0;
  const shown = new Set(shownKeys(layer));
  return row.reduce((sum, weight, key) => (shown.has(key) || Number.isNaN(weight) ? sum : sum + weight), 0);
}
