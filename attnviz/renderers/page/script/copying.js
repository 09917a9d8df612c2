// Copying: a row or a cell as a table that a spreadsheet takes, and the link to what is shown.

import { loaded, nameOf } from "./data.js";
import { ownedNumber } from "./digits.js";
import { make } from "./dom.js";
import { Failure } from "./failure.js";
import { keepSaid, say } from "./lessons.js";
import { rowOf } from "./rule.js";
import { shownKeys } from "./shown.js";
import { currentLayer, lastQuery, mapSteps, state, stepNow } from "./state.js";

const FORMULA = /^[=+\-@＝＋－＠]/u; // what a spreadsheet would compute (OWASP, "CSV Injection"), as csv_format.py has it
const SHOWN = 2500; // milliseconds for which it is said that something was copied

// { element, update }; `attempt(work)` runs what may fail, and tells if it does.
export function copyButtons(attempt) {
  const button = (name, textOf) =>
    make("button", { type: "button", class: "small", id: `copy-${name}`, onclick: () => attempt(() => run(textOf)) });
  const buttons = { row: button("row", rowText), cell: button("cell", cellText), link: button("link", () => location.href) };
  const name = make("span", { class: "name" });
  const done = make("span", { class: "quiet", role: "status", id: "copied" });
  const element = make("div", { class: "control copy", role: "group" }, name, Object.values(buttons), done);

  let [isCopied, waiting] = [false, null];

  function sayDone() {
    done.textContent = isCopied ? say("page.copied") : "";
  }

  async function run(textOf) {
    await write(await textOf());
    isCopied = true;
    sayDone();
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      isCopied = false;
      sayDone();
    }, SHOWN);
  }

  keepSaid(() => {
    name.textContent = say("page.copy");
    element.setAttribute("aria-label", name.textContent);
    for (const [own, one] of Object.entries(buttons)) one.textContent = say(`page.copy_${own}`);
    sayDone();
  });
  return {
    element,
    update() {
      const inside = state.view !== "overview";
      buttons.row.disabled = !inside || (state.query === null && lastQuery(currentLayer()) === null);
      buttons.cell.disabled = !inside || state.query === null || state.key === null;
      buttons.link.hidden = location.protocol === "about:"; // a frame of a notebook has no address
    },
  };
}

// The row of the query that is looked at, at the step that is shown: a key and its number in each line.
async function rowText() {
  const layer = await loaded(state.layer);
  const query = state.query ?? lastQuery(layer);
  const step = stepNow();
  const row = rowOf(layer, state.head, query);
  const lines = shownKeys(layer).map((key) => [cellOf(layer.keyTexts, key), numberOf(layer, row, step, key)]);
  return table([[say("label.key"), `${say(`title.${step}`)}: ${nameOf(layer.queryTexts, query)}`], ...lines]);
}

// The chosen cell: its query, its key, and its number at every step that is known.
async function cellText() {
  const layer = await loaded(state.layer);
  const row = rowOf(layer, state.head, state.query);
  const steps = mapSteps(layer);
  return table([
    [say("label.query"), say("label.key"), ...steps.map((step) => say(`title.${step}`))],
    [
      cellOf(layer.queryTexts, state.query),
      cellOf(layer.keyTexts, state.key),
      ...steps.map((step) => numberOf(layer, row, step, state.key)),
    ],
  ]);
}

// All digits; nothing where a cell is hidden, as in JSON.
function numberOf(layer, row, step, key) {
  const hidden = step === "masked" && row.hidden[key];
  return hidden ? "" : String(ownedNumber(layer, step, row[step][key]));
}

function cellOf(texts, place) {
  const label = texts.labels[place];
  return FORMULA.test(label) ? `'${label}` : label;
}

function table(rows) {
  return rows.map((row) => row.join("\t")).join("\n");
}

// Into the clipboard; where the browser has no way to it but the old one (a frame without rights), by that.
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!selected(text)) throw new Failure("page.no_copy");
  }
}

function selected(text) {
  const held = document.activeElement;
  const area = make("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  held?.focus({ preventScroll: true });
  return copied;
}
