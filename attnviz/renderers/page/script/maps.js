// Maps of heads, computed once and kept while there is room.

import { loaded } from "./data.js";
import { computeMap } from "./rule.js";

const ROOM = 24e6; // numbers: about 100 MB
const kept = new Map();
let used = 0;

// One step of a head, queries × keys in one row, NaN for hidden cells. Its layer is loaded first.
export async function mapOf(place, head, step = "weights") {
  const layer = await loaded(place);
  const name = `${place} ${head} ${step}`;
  if (!kept.has(name)) {
    kept.set(name, computeMap(layer, head, step));
    used += kept.get(name).length;
  }
  const map = kept.get(name);
  kept.delete(name); // the one that was used last stays longest
  kept.set(name, map);
  forget();
  return map;
}

function forget() {
  for (const [name, map] of kept) {
    if (used <= ROOM || kept.size === 1) return;
    kept.delete(name);
    used -= map.length;
  }
}
