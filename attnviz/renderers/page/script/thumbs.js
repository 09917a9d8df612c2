// Small maps, computed once for each head and for each choice of what is shown, and painted once for each look.

import { paint } from "./bitmap.js";
import { isDark } from "./colours.js";
import { smallMap } from "./maps.js";
import { scaleOf } from "./shown.js";
import { state } from "./state.js";

const MOST = 4096; // small maps that are kept
const kept = new Map();
const looks = new WeakMap(); // of canvases: what is painted on each

// Whether a canvas shows the head as it is to be shown now.
export function isPainted(canvas, layer, head, cells) {
  return looks.get(canvas) === lookOf(layer, head, cells);
}

// Paint a head on a canvas, in at most `cells` × `cells` cells. Its layer is loaded.
export function paintThumb(canvas, layer, head, cells) {
  if (isPainted(canvas, layer, head, cells)) return;
  const { values, width, scales } = thumbOf(layer, head, cells);
  scales[state.scale] ??= scaleOf(values);
  paint(canvas, values, width, scales[state.scale]);
  looks.set(canvas, lookOf(layer, head, cells));
}

function thumbOf(layer, head, cells) {
  const name = nameOf(layer, head, cells);
  if (!kept.has(name)) kept.set(name, { ...smallMap(layer, head, cells), scales: {} });
  if (kept.size > MOST) kept.delete(kept.keys().next().value);
  return kept.get(name);
}

// Which numbers a small map is of …
function nameOf(layer, head, cells) {
  return `${layer.place} ${head} ${cells} ${state.first} ${state.special}`;
}

// … and how they are coloured.
function lookOf(layer, head, cells) {
  return `${nameOf(layer, head, cells)} ${state.scale} ${state.threshold} ${isDark()}`;
}
