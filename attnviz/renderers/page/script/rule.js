// The formula of attention, as attention/formula.py has it: softmax(softcap(Q Kᵀ · scale) + bias) V.
//
// Each step is rounded to the type that attend() computes this layer with: a row that a bias of −10⁹ lowers as a whole has
// other weights in single precision. `head` is the place of a head among those in the page.

// All steps of one query: arrays over the keys, and the output. Of a page that holds only weights, the weights.
export function rowOf(layer, head, query) {
  return layer.arrays.levels ? weighed(layer, head, query) : computed(layer, head, query);
}

// One step of a whole head, queries × keys in one row, weights in single precision; a hidden cell is NaN.
export function computeMap(layer, head, step) {
  const cells = layer.queries * layer.keys;
  const map = step === "weights" ? new Float32Array(cells) : numbersOf(layer, cells);
  const bare = step === "scores" || step === "scaled";
  for (let query = 0; query < layer.queries; query++) {
    const row = rowOf(layer, head, query);
    const [values, start] = [row[step], query * layer.keys];
    for (let key = 0; key < layer.keys; key++) map[start + key] = !bare && row.hidden[key] ? NaN : values[key];
  }
  return map;
}

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

function computed(layer, head, query) {
  const [scores, scaled] = scored(layer, head, query);
  const [masked, hidden] = [numbersOf(layer), new Uint8Array(layer.keys)];
  const [visible, bias, isLowered] = [visibleOf, biasOf, loweredOf].map((of) => of(layer, head, query));
  let [largest, lowered] = [-Infinity, Infinity];
  for (let key = 0; key < layer.keys; key++) {
    masked[key] = visible(key) ? scaled[key] + bias(key) : -Infinity;
    if (isLowered(key) && masked[key] > -Infinity) {
      lowered = Math.min(lowered, masked[key]);
      masked[key] = -Infinity;
    }
    hidden[key] = masked[key] === -Infinity;
    if (masked[key] > largest) largest = masked[key];
  }
  const weights = softmax(layer, masked, largest, sinkOf(layer, head));
  return {
    ...{ scores, scaled, masked, hidden, lowered, weights, blind: largest === -Infinity },
    get output() {
      return outputOf(layer, head, weights); // only on demand: it takes as long as all the rest
    },
  };
}

// Room for numbers, one for each key; what is put in is rounded to the layer's type.
function numbersOf(layer, count = layer.keys) {
  return layer.computed === "float64" ? new Float64Array(count) : new Float32Array(count);
}

// A number in the layer's type.
export function roundedFor(layer) {
  return layer.computed === "float32" ? Math.fround : (number) => number;
}

function scored(layer, head, query) {
  const vector = vectorOf(layer, "query", head, query);
  const { values, shape } = layer.arrays.key;
  const [scores, scaled] = [numbersOf(layer), numbersOf(layer)];
  const rounded = roundedFor(layer);
  const [scale, cap] = [rounded(layer.scale), layer.softcap === null ? null : rounded(layer.softcap)];
  let place = layer.kvIndices[head] * shape[1] * shape[2];
  for (let key = 0; key < layer.keys; key++) {
    let sum = 0;
    for (let dimension = 0; dimension < vector.length; dimension++) sum += vector[dimension] * values[place++];
    scores[key] = sum;
    scaled[key] = scores[key] * scale;
    if (cap !== null) scaled[key] = cap * rounded(Math.tanh(rounded(scaled[key] / cap)));
  }
  return [scores, scaled];
}

// Which keys the query may look at.
function visibleOf(layer, head, query) {
  const { causal, window, offset } = layer;
  const shown = bitsOf(layer.arrays.mask, head, query);
  return (key) => {
    const distance = query + offset - key;
    if (causal && distance < 0) return false;
    if (window !== null && Math.abs(distance) >= window) return false;
    return !shown || shown(key);
  };
}

// Which keys the bias hides though its number is finite, as attention/visibility.py decides it.
function loweredOf(layer, head, query) {
  return bitsOf(layer.arrays.lowered, head, query) ?? (() => false);
}

// Of an array of bits, eight keys a byte, those of a query; null where there is none.
function bitsOf(bits, head, query) {
  if (!bits) return null;
  const start = rowStart(bits.shape, head, query);
  return (key) => (bits.values[start + (key >> 3)] >> (key & 7)) & 1;
}

// What is added to each scaled score.
function biasOf(layer, head, query) {
  const { bias, biasByDistance } = layer.arrays;
  const rounded = roundedFor(layer);
  if (biasByDistance) {
    const [heads, width] = biasByDistance.shape;
    const start = (heads > 1 ? head * width : 0) + layer.queries - 1 - query;
    return (key) => rounded(biasByDistance.values[start + key]);
  }
  if (!bias) return () => 0;
  const start = rowStart(bias.shape, head, query);
  const step = bias.shape.at(-1) > 1 ? 1 : 0;
  return (key) => rounded(bias.values[start + key * step]);
}

// Where the row of a query starts in an array (heads, queries, …), any of whose axes may be 1 or missing.
function rowStart(shape, head, query) {
  const [heads, queries, width] = [1, 1, 1, ...shape].slice(-3);
  return ((heads > 1 ? head : 0) * queries + (queries > 1 ? query : 0)) * width;
}

function softmax(layer, masked, largest, sink) {
  if (sink !== null && sink > largest) largest = sink;
  const weights = numbersOf(layer);
  if (largest === -Infinity) return weights;
  let total = sink === null ? 0 : Math.exp(sink - largest);
  for (let key = 0; key < masked.length; key++) {
    weights[key] = Math.exp(masked[key] - largest);
    total += weights[key];
  }
  for (let key = 0; key < masked.length; key++) weights[key] /= total;
  return weights;
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
  const { levels, scales } = layer.arrays;
  const row = head * layer.queries + query;
  const step = scales.values[row] / layer.levelCount; // level 0 is a hidden cell, 1 the weight 0
  const weights = new Float64Array(layer.keys);
  const hidden = new Uint8Array(layer.keys);
  let seen = false;
  for (let key = 0; key < layer.keys; key++) {
    const level = levels.values[row * layer.keys + key];
    hidden[key] = level === 0;
    weights[key] = level === 0 ? 0 : (level - 1) * step;
    seen ||= level > 0;
  }
  return { weights, hidden, blind: !seen };
}
