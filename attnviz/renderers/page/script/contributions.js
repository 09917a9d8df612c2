// Contributions in words: what of a value a weight is multiplied with, and one of them by hand, as
// renderers/explain/contribution.py has it.

import { aboutIn, writing, writingOf } from "./digits.js";
import { say } from "./lessons.js";
import { vector } from "./numbers.js";
import { factorsOf, rowOf, sumsOf } from "./rule.js";
import { contributes } from "./shown.js";
import { carriedOf } from "./way.js";

const OUTPUT = "@output"; // as a direction: that of the layer's own output
const MOST_NUMBERS = 8; // of a vector that is written out

// What a map of a step shows, in full.
export function measured(layer, step) {
  if (step === "difference") return say("beside.measure");
  if (!contributes(step)) return say(`title.${step}`);
  if (!layer.signed) return say(`picture.${step}`);
  return layer.toward === OUTPUT ? say(`picture.${step}_output`) : say(`picture.${step}_toward`, { logit: layer.toward });
}

// What contributions are and along what they are measured, as [message, values].
export function whatIsMeasured(layer) {
  const what = layer.signed ? alongWhat(layer) : ["contribution.what"];
  return [what, ...(layer.unprojected ? [["contribution.unprojected"]] : [])];
}

// The same of those of all heads added up.
export function whatIsSummed(layer) {
  return layer.signed ? [["contribution.summed_along"], alongWhat(layer)] : [["contribution.summed"]];
}

function alongWhat(layer) {
  return layer.toward === OUTPUT ? ["contribution.output"] : ["contribution.toward", { token: layer.toward }];
}

// What becomes of the values, in a formula.
function carriedName(layer) {
  return layer.unprojected ? "V" : "V W_O";
}

// How the contributions of all heads are added up, as a formula.
export function sumName(layer) {
  return layer.signed ? `Σ(weights × ${carriedName(layer)} · u)` : `‖Σ(weights × ${carriedName(layer)})‖`;
}

// What is measured of each value.
export function lengthName(layer) {
  const carried = carriedName(layer);
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

// What each head brings of a cell, [name, number in words] each, and in one line what becomes of them together.
export function headsByHand(layer, query, key) {
  const [own, all] = [writing(layer, "contribution"), writing(layer, "summed")];
  const numbers = layer.heads.map((_, head) => rowOf(layer, head, query).contribution[key]);
  const total = all.significant(sumsOf(layer, query).summed[key]);
  const named = layer.heads.map((number, head) => [say("label.head", { head: number }), own.significant(numbers[head])]);
  const apart = writingOf(layer, () => layer.heads.length * layer.errors.contribution);
  const line = layer.signed ? `Σ(α v W_O · u) = ${total}` : `‖Σ α v W_O‖ = ${total} ≤ ${apart.significant(numbers.reduce((sum, one) => sum + one, 0))} = Σ ‖α v W_O‖`;
  return { named, line: aboutIn(layer.unprojected ? line.replaceAll("v W_O", "v") : line) };
}
