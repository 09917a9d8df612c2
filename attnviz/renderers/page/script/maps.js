// Maps of heads, computed once and kept while there is room; and small ones, of some of their rows.

import { loaded } from "./data.js";
import { pause } from "./pause.js";
import { fillRows, fillWeights, roomFor } from "./rule.js";
import { shownKeys, shownQueries } from "./shown.js";

const ROOM = 24e6; // numbers: about 100 MB
const PATIENCE = 8; // milliseconds of work before the browser may paint, or do what else is asked of it
const AT_ONCE = 1 << 20; // cells of a map that nobody has to wait for
const BESIDE = 2; // maps that stay however large they are: one is subtracted from the other
const kept = new Map();
let used = 0;

// One step of a head, queries × keys in one row, NaN for hidden cells; null once it is no longer `wanted`.
export async function mapOf(place, head, step = "weights", wanted = () => true) {
  const layer = await loaded(place);
  const name = nameOf(place, head, step);
  if (!kept.has(name)) {
    const map = await computed(layer, head, step, wanted);
    if (!map) return null;
    if (!kept.has(name)) used += map.length;
    kept.set(name, map);
  }
  const map = kept.get(name);
  kept.delete(name); // the one that was used last stays longest
  kept.set(name, map);
  forget();
  return map;
}

// Whether a map is there already.
export function isKept(place, head, step) {
  return kept.has(nameOf(place, head, step));
}

// Whether a map of this layer takes so long that something is to be seen before.
export function isSlow(layer) {
  return layer.queries * layer.keys > AT_ONCE;
}

// The weights of a head in at most `most` × `most` cells, { values, width }: every so many of the queries that are shown, and
// the largest of their keys. Its layer is loaded.
export function smallMap(layer, head, most) {
  const [rows, columns] = [shownQueries(layer), shownKeys(layer)];
  const [height, width] = [Math.min(rows.length, most), Math.min(columns.length, most)];
  const values = new Float32Array(height * width).fill(NaN);
  const cells = Uint32Array.from(columns, (_, place) => Math.floor((place * width) / columns.length));
  const row = new Float32Array(layer.keys);
  for (let y = 0; y < height; y++) {
    fillWeights(row, 0, layer, head, rows[Math.floor(((y + 0.5) * rows.length) / height)]);
    for (let place = 0; place < columns.length; place++) {
      const weight = row[columns[place]];
      const cell = y * width + cells[place];
      if (weight >= 0 && !(values[cell] >= weight)) values[cell] = weight;
    }
  }
  return { values, width };
}

async function computed(layer, head, step, wanted) {
  const map = roomFor(layer, step);
  const rows = Math.max(1, Math.floor(65536 / layer.keys));
  let began = performance.now();
  for (let start = 0; start < layer.queries; start += rows) {
    fillRows(map, layer, head, step, start, Math.min(start + rows, layer.queries));
    if (performance.now() - began < PATIENCE) continue;
    await pause();
    if (!wanted()) return null;
    began = performance.now();
  }
  return map;
}

function nameOf(place, head, step) {
  return step === "summed" ? `${place} ${step}` : `${place} ${head} ${step}`; // that is one for all heads
}

function forget() {
  for (const [name, map] of kept) {
    if (used <= ROOM || kept.size <= BESIDE) return;
    kept.delete(name);
    used -= map.length;
  }
}
