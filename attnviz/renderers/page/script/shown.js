// Which queries and keys are shown, and how a weight becomes a shade.

import { lastRead, state } from "./state.js";

const DECADES = 4; // that lines fade over on the logarithmic scale, below the largest weight
const RANGE = 6; // that a map's logarithmic scale has at the most; at the least it has one
const LEAST = 0.01; // part of the weights that lie below a map's logarithmic scale, which ends with the largest
const TOWERING = 3; // times the 99th percentile: from there the largest weights leave the linear scale
const BINS = 2000;
const [FINE, DEEP] = [200, 16]; // bins of a decade, and decades below the largest weight, where quantiles are looked for

export function shownQueries(layer) {
  return read(layer, allQueries(layer));
}

export function shownKeys(layer) {
  return read(layer, allKeys(layer));
}

// The same of the whole text, however far it is read.
export function allQueries(layer) {
  return places(layer.queries, state.special ? [] : layer.queryTexts.special);
}

export function allKeys(layer) {
  const hidden = state.special ? [] : layer.keyTexts.special;
  return places(layer.keys, state.first ? hidden : [...hidden, 0]);
}

// Those that are read already; one at the least.
function read(layer, all) {
  const last = lastRead(layer);
  if (last === null) return all;
  const some = all.filter((place) => place <= last);
  return some.length ? some : all.slice(0, 1);
}

// Whether a step shows contributions: of a head, or of all heads added up.
export function contributes(step) {
  return step === "contribution" || step === "summed";
}

// Whether the colours of a step are those of weights: its numbers are never below 0, and a few may tower over all others.
export function isGraded(layer, step) {
  return step === "weights" || (contributes(step) && !layer.signed);
}

// { low, limit }: the ends of the scale of weights (NaN for hidden cells). low is 0 where it is linear; where it grows by
// factors the weights themselves say where it begins: the means of a long causal text fall as 1 / position.
export function scaleOf(values) {
  let largest = 0;
  for (let place = 0; place < values.length; place++) if (values[place] > largest) largest = values[place];
  if (!largest) return upTo(1);
  if (state.scale !== "log") return { low: 0, limit: usual(values, largest) };
  return { low: Math.min(Math.max(smallest(values, largest), largest / 10 ** RANGE), largest / 10), limit: largest };
}

// The scale of lines, whose faintest need not be told apart.
export function upTo(limit) {
  return { low: state.scale === "log" ? limit / 10 ** DECADES : 0, limit };
}

// The largest of the values, or where few tower over all others, what is usual.
function usual(values, largest) {
  let count = 0;
  const bins = new Uint32Array(BINS + 1);
  const factor = BINS / largest;
  for (let place = 0; place < values.length; place++) {
    const value = values[place];
    if (!(value >= 0)) continue;
    count++;
    bins[Math.floor(value * factor)]++;
  }
  let [above, bin] = [0, BINS];
  while (bin > 0 && above + bins[bin] <= count / 100) above += bins[bin--];
  const end = ((bin + 1) / BINS) * largest;
  return largest <= TOWERING * end ? largest : end;
}

// What few of the weights above 0 are below.
function smallest(values, largest) {
  const bins = new Uint32Array(FINE * DEEP + 1);
  let count = 0;
  for (const value of values) {
    if (!(value > 0)) continue;
    bins[Math.min(FINE * DEEP, Math.floor(-Math.log10(value / largest) * FINE))]++;
    count++;
  }
  let [above, bin] = [0, 0];
  while (above + bins[bin] < count - Math.round((count - 1) * LEAST)) above += bins[bin++];
  return largest * 10 ** (-(bin + 1) / FINE);
}

// Where a weight lies on the scale, 0 … 1; 0 below the threshold.
export function toneOf(weight, scale) {
  return toneWith(scale)(weight);
}

// The same as a function of the weight, for many of them; what is below `least` has no colour.
export function toneWith({ low, limit, least = state.threshold }) {
  const factor = low ? 1 / Math.log(limit / low) : 1 / limit;
  return (weight) => {
    if (!(weight >= least) || weight <= 0) return 0;
    const tone = low ? Math.log(weight / low) * factor : weight * factor;
    return tone < 0 ? 0 : tone > 1 ? 1 : tone;
  };
}

// The smallest weight of such a tone, above 0.
export function weightOf(tone, { low, limit }) {
  return Math.max(state.threshold, low ? low * (limit / low) ** tone : limit * tone);
}

function places(count, hidden) {
  const [all, out] = [Array.from({ length: count }, (_, place) => place), new Set(hidden)];
  const left = out.size ? all.filter((place) => !out.has(place)) : all;
  return left.length ? left : all;
}
