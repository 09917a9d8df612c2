// What the foot of the page says: which numbers it holds of the head that is shown, and how far they are from the trace.

import { layers, record } from "./data.js";
import { say } from "./lessons.js";
import { general } from "./numbers.js";
import { currentLayer } from "./state.js";

export function exactness() {
  const layer = currentLayer();
  return [heldOf(layer), layer.singleWay ? say("page.single_way") : "", othersOf()].filter(Boolean).join(" ");
}

function heldOf(layer) {
  const error = written(layer.error);
  const region = record.region ? `${say("page.region", { region: record.region })} ` : "";
  if (layer.form === "exact" || (layer.computes && !layer.errors)) return say("page.exact", { type: record.type });
  if (layer.computes) return say(`page.rounded_${layer.form}`) + ` ${say("page.digits", errorsOf(layer))}${layer.contributes ? ` ${say("page.digits_contribution", errorsOf(layer))}` : ""}${layer.sums ? ` ${say("page.digits_summed", errorsOf(layer))}` : ""}`;
  if (layer.form === "given") return say("page.given");
  if (layer.pooled) {
    const [down, across, high, wide] = layer.pooled;
    const pooled = record.pool === "max" ? "page.pooled_max" : "page.pooled";
    return region + say(pooled, { cells: `${down} × ${across}`, tokens: `${high} × ${wide}`, error });
  }
  return layer.form === "pooled" ? region + say("page.weights_fine", { error }) : say("page.weights_only", { error });
}

// Of how many heads the page holds Query, Key and Value, where it does not hold them of all that could have them.
function othersOf() {
  const count = (some) => some.reduce((sum, layer) => sum + layer.heads.length, 0);
  const [computed, all] = [count(layers.filter((layer) => layer.computes)), count(layers)];
  return computed && computed < all ? say("page.some_computed", { computed, all }) : "";
}

function errorsOf(layer) {
  return Object.fromEntries(Object.entries(layer.errors).map(([name, error]) => [name, written(error)]));
}

function written(error) {
  return error ? general(error, 2) : "0";
}
