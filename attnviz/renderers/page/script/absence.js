// What a page that holds only weights says instead of the steps and the arithmetic.

import { record } from "./data.js";
import { make } from "./dom.js";
import { say } from "./lessons.js";
import { currentLayer, state } from "./state.js";

// Why they are not here, and what to select to have them for the head that is shown.
export function absence() {
  if (currentLayer().alone) return make("p", { class: "note" }, say("page.alone"));
  if (currentLayer().pooled) return make("p", { class: "note" }, say("page.no_arithmetic_pooled"));
  if (record.region) return make("p", { class: "note" }, say("page.no_arithmetic_region"));
  const layer = currentLayer();
  const select = say("page.select", { layer: layer.index, head: layer.heads[state.head] });
  return make("p", { class: "note" }, `${say("page.no_arithmetic")} ${select}`);
}
