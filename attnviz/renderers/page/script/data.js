// The record of the page, and its arrays, unpacked when their layer is looked at.

import { Failure } from "./failure.js";

export const record = JSON.parse(document.getElementById("record").textContent);

const VECTORS = ["query", "key", "value", "pulled"];
const ARRAYS = [
  ...[...VECTORS, "mask", "lowered", "bias", "biasByDistance", "sinks", "weights", "levels", "scales"],
  ...["embeddings", "positions", "queryWeight", "queryBias", "keyWeight", "keyBias", "valueWeight", "valueBias"],
  ...["outputWeight", "outputBias", "otherOutputs", "projectedRows", "factors", "divisors", "triangles"],
];
const COMPUTING = ["exact", "float32", "int16"]; // forms with Q, K and V, not only weights
const TYPES = { float64: Float64Array, float32: Float32Array, float16: Uint16Array, uint16: Uint16Array, uint8: Uint8Array };
const waiting = new Map();

// The parts of the page: heads of one layer that are held in one form. A layer may have several, one after the other.
export const layers = record.layers.map((layer, place) => {
  const [queryTexts, keyTexts] = [record.texts[layer.queryTexts], record.texts[layer.keyTexts]];
  return {
    ...layer,
    place,
    computes: COMPUTING.includes(layer.form),
    contributes: Boolean(layer.factors ?? layer.pulled), // whether it is known what becomes of its values: W_O
    signed: Boolean(layer.toward), // whether contributions are along a direction, and so have a sign
    queryTexts,
    keyTexts,
    queries: queryTexts.labels.length,
    keys: keyTexts.labels.length,
    arrays: null,
  };
});

// The parts of each layer.
export const groups = [];
for (const layer of layers) (groups[layer.of] ??= []).push(layer);

// The numbers of all heads of a layer: as they were selected, or in order where they are in several parts.
export function headsOf(parts) {
  const all = parts.flatMap((part) => part.heads);
  return parts.length > 1 ? all.sort((one, other) => one - other) : all;
}

// Where the head of this number is among the parts of the layer of `part`, { layer, head } in places; or undefined.
export function spotOf(part, number) {
  const layer = groups[part.of].find((one) => one.heads.includes(number));
  return layer && { layer: layer.place, head: layer.heads.indexOf(number) };
}

// The layer at `place` with its arrays; the same promise for everybody who asks, until one fails.
export function loaded(place) {
  if (!waiting.has(place)) {
    waiting.set(place, unpack(layers[place]));
    waiting.get(place).catch(() => waiting.delete(place));
  }
  return waiting.get(place);
}

// The role that a head wears, { name, looks, evidence }, or null.
export function roleOf(layer, head) {
  return record.roles?.[layer.place][head] ?? null;
}

// The names that a head has earned on this text, [[name, number], …]: by a threshold, not by a proof.
export function namesOf(layer, head) {
  return layer.names?.[head] ?? [];
}

// How a sentence names a token: short.
export function nameOf(texts, place) {
  return texts.names[place] ?? texts.labels[place];
}

// The same as a sentence quotes it, { name, position }: with its position where another token has the same name.
export function quoted(texts, place) {
  texts.often ??= counted(texts.labels.map((_, other) => nameOf(texts, other)));
  const name = nameOf(texts, place);
  return { name, position: texts.often.get(name) > 1 ? place : null };
}

function counted(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

async function unpack(layer) {
  const known = record.layers[layer.place];
  const names = ARRAYS.filter((name) => known[name]?.blob !== undefined);
  const arrays = await Promise.all(
    names.map((name) =>
      layer.form === "int16" && VECTORS.includes(name) ? short(known[name], known[`${name}Ends`]) : array(known[name]),
    ),
  );
  layer.arrays = Object.fromEntries(names.map((name, place) => [name, arrays[place]]));
  return layer;
}

// The words of another language: what the record says in it.
export function wordsIn(language) {
  return unpacked(record.others[language], (response) => response.json());
}

// { values, shape }: the numbers in one row, and how many there are along each axis.
async function array({ blob, type, shape }) {
  const values = await unpacked(
    document.getElementById(`blob-${blob}`).textContent,
    async (response) => new TYPES[type](await response.arrayBuffer()),
  );
  return { values: type === "float16" ? singles(values) : values, shape };
}

// What `read` makes of the bytes that a text packs: base64 of a zlib stream.
async function unpacked(base64, read) {
  if (!window.DecompressionStream) throw new Failure("page.old_browser");
  try {
    const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return await read(new Response(stream));
  } catch (error) {
    throw new Failure("page.damaged", { reason: error.message });
  }
}

// Numbers in 16 bits, (heads, tokens, d), and both ends of each dimension, (2, heads, d): the lowest number and a step.
async function short(levels, ends) {
  const [{ values, shape }, { values: both }] = await Promise.all([array(levels), array(ends)]);
  const [heads, tokens, dimensions] = shape;
  const numbers = new Float32Array(values.length);
  let place = 0;
  for (let head = 0; head < heads; head++) {
    const low = both.subarray(head * dimensions, (head + 1) * dimensions);
    const step = both.subarray((heads + head) * dimensions, (heads + head + 1) * dimensions);
    for (let token = 0; token < tokens; token++)
      for (let dimension = 0; dimension < dimensions; dimension++, place++)
        numbers[place] = low[dimension] + values[place] * step[dimension];
  }
  return { values: numbers, shape };
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return bytes;
}

// Half precision (IEEE 754 binary16), as 16 bits each, in single precision.
function singles(halves) {
  const values = new Float32Array(halves.length);
  for (let place = 0; place < halves.length; place++) {
    const half = halves[place];
    const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
    if (exponent === 0) values[place] = sign * fraction * 2 ** -24;
    else if (exponent === 31) values[place] = fraction ? NaN : sign * Infinity;
    else values[place] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return values;
}
