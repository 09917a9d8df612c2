// How heads and their layers are called.

import { groups, record, roleOf } from "./data.js";
import { say } from "./lessons.js";

export function titleOf(layer) {
  return /^layer /.test(layer.title)
    ? say("label.layer", { layer: layer.index })
    : layer.title[0].toUpperCase() + layer.title.slice(1);
}

export function headName(layer, head) {
  const role = roleOf(layer, head);
  const own = say("label.head", { head: layer.heads[head] }) + (role ? ` · ${role.name}` : "");
  return groups.length > 1 ? `${titleOf(layer)}, ${own[0].toLowerCase()}${own.slice(1)}` : own;
}

// What the page holds of a head, where it does not hold the same of all: every step, the weights, or cells of many tokens.
export function heldOf(layer) {
  if (record.layers.every(({ form }) => form === record.layers[0].form)) return null;
  return say(layer.computes ? "page.held_steps" : layer.pooled ? "page.held_cells" : "page.held_weights");
}
