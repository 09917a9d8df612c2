// The formula of attention, as attention/formula.py has it: softmax(softcap(Q Kᵀ · scale) + bias) V.
//
// Each step is rounded to the type that attend() computes this layer with: a row that a bias of −10⁹ lowers as a whole has
// other weights in single precision. `head` is the place of a head among those in its part of the page.

import { products } from "./products.js";

// All steps of one query: arrays over the keys, and the output. Of a page that holds only weights, the weights.
export function rowOf(layer, head, query) {
  return layer.arrays.levels || layer.arrays.weights ? weighed(layer, head, query) : computed(layer, head, query);
}

// One step of a whole head, queries × keys in one row, weights in single precision; a hidden cell is NaN.
export function computeMap(layer, head, step) {
  const map = roomFor(layer, step);
  fillRows(map, layer, head, step, 0, layer.queries);
  return map;
}

// Room for such a map.
export function roomFor(layer, step) {
  const cells = layer.queries * layer.keys;
  return step === "weights" ? new Float32Array(cells) : numbersOf(layer, cells);
}

// The rows of the queries start … stop − 1 of such a map.
export function fillRows(map, layer, head, step, start, stop) {
  const bare = step === "scores" || step === "scaled";
  for (let query = start; query < stop; query++) {
    const at = query * layer.keys;
    if (step === "weights") fillWeights(map, at, layer, head, query);
    else if (step === "contribution") {
      fillWeights(map, at, layer, head, query);
      const factors = factorsOf(layer, head, query);
      for (let key = 0; key < layer.keys; key++) map[at + key] *= factors[key];
    } else if (step === "summed") {
      const { summed, unseen } = sumsOf(layer, query);
      for (let key = 0; key < layer.keys; key++) map[at + key] = unseen[key] ? NaN : summed[key];
    } else {
      const row = rowOf(layer, head, query);
      for (let key = 0; key < layer.keys; key++) map[at + key] = !bare && row.hidden[key] ? NaN : row[step][key];
    }
  }
}

// What the weights of a query are multiplied with to be contributions, as trace/contribution.py has it, one for each key: how
// long its value is behind W_O, or how far that goes along a direction.
export function factorsOf(layer, head, query) {
  const { factors, divisors, pulled, value } = layer.arrays;
  if (pulled) {
    const [, rows, width] = pulled.shape;
    const start = (head * rows + query) * width;
    const found = numbersOf(layer);
    products(pulled.values.subarray(start, start + width), value.values, layer.kvIndices[head] * layer.keys * width, layer.keys, found, 0);
    return found;
  }
  const own = factors.values.subarray(head * layer.keys, (head + 1) * layer.keys);
  return divisors ? own.map((one) => one / divisors.values[query]) : own;
}

// What each key brings to a query through all heads of the layer together, as trace/summed.py has it, { summed, unseen }: how long the
// sum of their vectors is, of which `triangles` hold R of each key, row after row, ‖Σ α v W_O‖ = ‖R α‖; along a direction, the
// sum of their numbers. No head may look at what is unseen.
export function sumsOf(layer, query) {
  const { triangles } = layer.arrays;
  const weights = layer.heads.map(() => numbersOf(layer));
  weights.forEach((row, head) => fillWeights(row, 0, layer, head, query));
  const unseen = Uint8Array.from({ length: layer.keys }, (_, key) => weights.every((row) => Number.isNaN(row[key])));
  for (const row of weights) for (let key = 0; key < layer.keys; key++) if (Number.isNaN(row[key])) row[key] = 0;
  const summed = new Float64Array(layer.keys);
  if (triangles) for (let key = 0; key < layer.keys; key++) summed[key] = lengthOf(triangles, weights, key);
  else
    weights.forEach((row, head) => {
      const factors = factorsOf(layer, head, query);
      for (let key = 0; key < layer.keys; key++) summed[key] += row[key] * factors[key];
    });
  return { summed: summed.map((one) => one + 0), unseen }; // no −0
}

// ‖R α‖ of the weights α that all heads give a key.
function lengthOf({ values, shape }, weights, key) {
  let [place, squares] = [key * shape[1], 0];
  for (let row = 0; row < weights.length; row++) {
    let sum = 0;
    for (let head = row; head < weights.length; head++) sum += values[place++] * weights[head][key];
    squares += sum * sum;
  }
  return Math.sqrt(squares);
}

// The weights of one query alone, of only the keys that it sees, NaN for the others, in `target` from `at` on.
export function fillWeights(target, at, layer, head, query) {
  target.fill(NaN, at, at + layer.keys);
  if (layer.arrays.levels || layer.arrays.weights) return fillHeld(target, at, layer, head, query);
  const [from, to] = bandOf(layer, query);
  if (from >= to) return;
  const row = scratch(layer);
  scoresOf(layer, head, query, from, to, row, row);
  const largest = maskOf(layer, head, query, from, to, row, row);
  const total = exponentialsOf(row, largest, sinkOf(layer, head), from, to);
  const hides = layer.arrays.mask || layer.arrays.lowered || layer.arrays.bias || layer.arrays.biasByDistance;
  if (total > 0)
    for (let key = from; key < to; key++) target[at + key] = row[key] / total;
  if (hides) hide(target, at, layer, head, query, from, to);
}

// A vector of a token, as the page holds it.
export function vectorOf(layer, name, head, token) {
  const { values, shape } = layer.arrays[name];
  const place = name === "query" ? head : layer.kvIndices[head];
  const start = (place * shape[1] + token) * shape[2];
  return values.subarray(start, start + shape[2]);
}

// The logit of a head's sink, or null where there is none.
export function sinkOf(layer, head) {
  return layer.arrays.sinks?.values[head] ?? null;
}

// A number in the layer's type.
export function roundedFor(layer) {
  return layer.computed === "float32" ? Math.fround : (number) => number;
}

function computed(layer, head, query) {
  const [scores, scaled, masked] = [numbersOf(layer), numbersOf(layer), numbersOf(layer)];
  scoresOf(layer, head, query, 0, layer.keys, scores, scaled);
  const [from, to] = bandOf(layer, query);
  masked.fill(-Infinity);
  const lows = { lowered: Infinity };
  const largest = maskOf(layer, head, query, from, to, scaled, masked, lows);
  const hidden = Uint8Array.from(masked, (value) => value === -Infinity);
  const weights = masked.slice();
  const total = exponentialsOf(weights, largest, sinkOf(layer, head), 0, layer.keys);
  for (let key = 0; key < layer.keys; key++) weights[key] = total > 0 ? weights[key] / total : 0;
  return {
    ...{ scores, scaled, masked, weights, hidden, lowered: lows.lowered, blind: largest === -Infinity },
    get contribution() {
      const factors = factorsOf(layer, head, query);
      return weights.map((weight, key) => weight * factors[key] + 0); // no −0
    },
    get summed() {
      return sumsOf(layer, query).summed;
    },
    get output() {
      return outputOf(layer, head, weights); // only on demand: it takes as long as all the rest
    },
  };
}

// Room for numbers, one for each key; what is put in is rounded to the layer's type.
function numbersOf(layer, count = layer.keys) {
  return layer.computed === "float64" ? new Float64Array(count) : new Float32Array(count);
}

// The same, of which nothing stays.
const rooms = new Map();
function scratch(layer) {
  const name = `${layer.computed} ${layer.keys}`;
  if (!rooms.has(name)) rooms.set(name, numbersOf(layer));
  return rooms.get(name);
}

// The keys [from, to) that causal and window let a query see.
function bandOf({ causal, window, offset, keys }, query) {
  const place = query + offset;
  const from = window === null ? 0 : Math.max(0, place - window + 1);
  const to = causal ? place + 1 : window === null ? keys : place + window;
  return [from, Math.max(from, Math.min(keys, to))];
}

// Scores and scaled scores of the keys [from, to), which may be one array.
function scoresOf(layer, head, query, from, to, scores, scaled) {
  const { values, shape } = layer.arrays.key;
  const place = (layer.kvIndices[head] * shape[1] + from) * shape[2];
  products(vectorOf(layer, "query", head, query), values, place, to - from, scores, from);
  const rounded = roundedFor(layer);
  const [scale, cap] = [rounded(layer.scale), layer.softcap === null ? null : rounded(layer.softcap)];
  for (let key = from; key < to; key++) scaled[key] = scores[key] * scale;
  if (cap === null) return;
  for (let key = from; key < to; key++) scaled[key] = cap * rounded(Math.tanh(rounded(scaled[key] / cap)));
}

// What mask and bias make of the scaled scores of the keys [from, to); gives the largest. `lows.lowered` is told the lowest
// that a finite bias hides.
function maskOf(layer, head, query, from, to, scaled, masked, lows = {}) {
  const [shown, isLowered] = [layer.arrays.mask, layer.arrays.lowered].map((bits) => bitsOf(bits, head, query));
  const bias = biasOf(layer, head, query);
  let largest = -Infinity;
  for (let key = from; key < to; key++) {
    let value = scaled[key];
    if (bias) value = roundedFor(layer)(value + bias(key));
    if (shown && !shown(key)) value = -Infinity;
    else if (isLowered && isLowered(key) && value > -Infinity) {
      lows.lowered = Math.min(lows.lowered, value);
      value = -Infinity;
    }
    masked[key] = value;
    if (value > largest) largest = value;
  }
  return largest;
}

// Which keys are not hidden by what is no interval, as NaN.
function hide(target, at, layer, head, query, from, to) {
  const [shown, isLowered] = [layer.arrays.mask, layer.arrays.lowered].map((bits) => bitsOf(bits, head, query));
  const bias = biasOf(layer, head, query);
  for (let key = from; key < to; key++)
    if ((shown && !shown(key)) || isLowered?.(key) || bias?.(key) === -Infinity) target[at + key] = NaN;
}

// Of an array of bits, eight keys a byte, those of a query; null where there is none.
function bitsOf(bits, head, query) {
  if (!bits) return null;
  const start = rowStart(bits.shape, head, query);
  return (key) => (bits.values[start + (key >> 3)] >> (key & 7)) & 1;
}

// What is added to each scaled score, or null.
function biasOf(layer, head, query) {
  const { bias, biasByDistance } = layer.arrays;
  const rounded = roundedFor(layer);
  if (biasByDistance) {
    const [heads, width] = biasByDistance.shape;
    const start = (heads > 1 ? head * width : 0) + layer.queries - 1 - query;
    return (key) => rounded(biasByDistance.values[start + key]);
  }
  if (!bias) return null;
  const start = rowStart(bias.shape, head, query);
  const step = bias.shape.at(-1) > 1 ? 1 : 0;
  return (key) => rounded(bias.values[start + key * step]);
}

// Where the row of a query starts in an array (heads, queries, …), any of whose axes may be 1 or missing.
function rowStart(shape, head, query) {
  const [heads, queries, width] = [1, 1, 1, ...shape].slice(-3);
  return ((heads > 1 ? head : 0) * queries + (queries > 1 ? query : 0)) * width;
}

// e^(value − largest) in place of each masked score of the keys [from, to); gives their sum, with that of the sink.
function exponentialsOf(row, largest, sink, from, to) {
  if (sink !== null && sink > largest) largest = sink;
  if (largest === -Infinity) return 0;
  let total = sink === null ? 0 : Math.exp(sink - largest);
  for (let key = from; key < to; key++) {
    row[key] = Math.exp(row[key] - largest);
    total += row[key];
  }
  return total;
}

function outputOf(layer, head, weights) {
  const { values, shape } = layer.arrays.value;
  const output = new Float64Array(shape[2]);
  let place = layer.kvIndices[head] * shape[1] * shape[2];
  for (let key = 0; key < shape[1]; key++) {
    for (let dimension = 0; dimension < output.length; dimension++) output[dimension] += weights[key] * values[place++];
  }
  return output;
}

function weighed(layer, head, query) {
  const weights = new Float64Array(layer.keys);
  fillHeld(weights.fill(NaN), 0, layer, head, query);
  const hidden = Uint8Array.from(weights, Number.isNaN);
  for (let key = 0; key < layer.keys; key++) if (hidden[key]) weights[key] = 0;
  return { weights, hidden, blind: hidden.every(Boolean) };
}

// Weights that are held as they are, NaN where hidden; or as steps up to the largest of their row: what is hidden is left as it is.
function fillHeld(target, at, layer, head, query) {
  const { weights, levels, scales } = layer.arrays;
  const row = head * layer.queries + query;
  if (weights) return target.set(weights.values.subarray(row * layer.keys, (row + 1) * layer.keys), at);
  const step = scales.values[row] / layer.levelCount; // level 0 is a hidden cell, 1 the weight 0
  const place = row * layer.keys;
  for (let key = 0; key < layer.keys; key++) {
    const level = levels.values[place + key];
    if (level > 0) target[at + key] = (level - 1) * step;
  }
}
