// Which queries and keys are shown, and how a weight becomes a shade.

import { state } from "./state.js";

const DECADES = 4; // of the logarithmic scale, below its largest value
const TOWERING = 3; // times the 99th percentile: from there the largest weights leave the linear scale
const BINS = 2000;

export function shownQueries(layer) {
  return places(layer.queries, state.special ? [] : layer.queryTexts.special);
}

export function shownKeys(layer) {
  const hidden = state.special ? [] : layer.keyTexts.special;
  return places(layer.keys, state.first ? hidden : [...hidden, 0]);
}

// The largest value of the scale: of `values` (NaN for hidden cells), or where few tower over all others, what is usual.
export function limitOf(values) {
  let [largest, count] = [0, 0];
  for (const value of values) {
    if (value > largest) largest = value;
    if (!Number.isNaN(value)) count++;
  }
  if (!largest || state.scale === "log") return largest || 1;
  const bins = new Uint32Array(BINS + 1);
  for (const value of values) if (value >= 0) bins[Math.floor((value / largest) * BINS)]++;
  let [above, bin] = [0, BINS];
  while (bin > 0 && above + bins[bin] <= count / 100) above += bins[bin--];
  const usual = ((bin + 1) / BINS) * largest;
  return largest <= TOWERING * usual ? largest : usual;
}

// Where a weight lies on the scale, 0 … 1; 0 below the threshold.
export function toneOf(weight, limit) {
  if (!(weight >= state.threshold) || weight <= 0) return 0;
  if (state.scale === "log") return Math.max(0, Math.min(1, 1 + Math.log10(weight / limit) / DECADES));
  return Math.min(1, weight / limit);
}

// The smallest weight of such a tone, above 0.
export function weightOf(tone, limit) {
  return Math.max(state.threshold, limit * (state.scale === "log" ? 10 ** ((tone - 1) * DECADES) : tone));
}

// The smallest value that the scale tells from nothing.
export function floorOf(limit) {
  return state.scale === "log" ? limit / 10 ** DECADES : 0;
}

function places(count, hidden) {
  const left = Array.from({ length: count }, (_, place) => place).filter((place) => !hidden.includes(place));
  return left.length ? left : Array.from({ length: count }, (_, place) => place);
}
