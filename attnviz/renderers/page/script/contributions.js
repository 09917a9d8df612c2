// Contributions in words: what of a value a weight is multiplied with, and one of them by hand, as
// renderers/explain/contribution.py has it.

import { aboutIn, writing, writingOf } from "./digits.js";
import { say } from "./lessons.js";
import { vector } from "./numbers.js";
import { factorsOf, rowOf } from "./rule.js";
import { carriedOf } from "./way.js";

const OUTPUT = "@output"; // as a direction: that of the layer's own output
const MOST_NUMBERS = 8; // of a vector that is written out

// What a map of a step shows, in full.
export function measured(layer, step) {
  if (step === "difference") return say("beside.measure");
  if (step !== "contribution") return say(`title.${step}`);
  if (!layer.signed) return say("picture.contribution");
  return layer.toward === OUTPUT ? say("picture.contribution_output") : say("picture.contribution_toward", { logit: layer.toward });
}

// What contributions are and along what they are measured, as [message, values].
export function whatIsMeasured(layer) {
  const what = !layer.signed ? ["contribution.what"] : layer.toward === OUTPUT ? ["contribution.output"] : ["contribution.toward", { token: layer.toward }];
  return [what, ...(layer.unprojected ? [["contribution.unprojected"]] : [])];
}

// What is measured of each value.
export function lengthName(layer) {
  const carried = layer.unprojected ? "V" : "V W_O";
  return layer.signed ? `${carried} · u` : `‖${carried}‖`;
}

// One cell, as on paper: 0.31 × ‖[0.4 0.2]‖ = 0.31 × 0.4472 = 0.1386; without the vector where the page does not hold W_O.
export function byHand(layer, head, query, key) {
  const row = rowOf(layer, head, query);
  const weight = writing(layer, "weights").significant(row.weights[key]);
  const length = writingOf(layer, () => layer.errors.carried).significant(factorsOf(layer, head, query)[key]);
  const sum = `${weight} × ${length} = ${writing(layer, "contribution").significant(row.contribution[key])}`;
  const carried = layer.signed ? null : carriedOf(layer, head, key);
  if (!carried) return aboutIn(sum);
  const written = layer.errors ? writingOf(layer, () => layer.errors.vectors * carried.gain).vector : vector;
  return aboutIn(`${weight} × ‖${written(carried.values, MOST_NUMBERS)}‖ = ${sum}`);
}
