// How heads and their layers are called.

import { groups, record, namesOf, roleOf } from "./data.js";
import { say } from "./lessons.js";
import { sideOf } from "./partners.js";

export function titleOf(layer) {
  const title = /^layer /.test(layer.title)
    ? say("label.layer", { layer: layer.index })
    : layer.title[0].toUpperCase() + layer.title.slice(1);
  return sideOf(layer) ? `${sideOf(layer)} · ${title}` : title;
}

export function headName(layer, head) {
  const own = say("label.head", { head: layer.heads[head] }) + wornBy(layer, head);
  return groups.length > 1 ? `${titleOf(layer)}, ${own[0].toLowerCase()}${own.slice(1)}` : own;
}

// Whose map of a step it is: a head's, or a layer's.
export function ownerOf(layer, head, step) {
  return step === "summed" ? titleOf(layer) : headName(layer, head);
}

// What stands behind the number of a head: " · syntax (proved)", and the names that it has earned, " · induction (0.71)", or
// without their numbers where a pattern beside them has one.
export function wornBy(layer, head, numbered = true) {
  const role = roleOf(layer, head);
  const earned = namesOf(layer, head).map(([name, value]) => {
    const title = say(`names.${name}`);
    return numbered ? say("names.label", { title, value }) : title;
  });
  return [...(role ? [role.name] : []), ...earned].map((one) => ` · ${one}`).join("");
}

// What the page holds of a head, where it does not hold the same of all: every step, the weights, or cells of many tokens.
export function heldOf(layer) {
  if (record.layers.every(({ form }) => form === record.layers[0].form)) return null;
  return say(layer.computes ? "page.held_steps" : layer.pooled ? "page.held_cells" : "page.held_weights");
}
