// The way through a layer, from the tokens to W_O: which steps there are of it, which of them are known, and the numbers of
// its two ends. What lies between them, from the scores to the output of a head, is rule.js.

import { rowOf, roundedFor, vectorOf } from "./rule.js";

export const STAGES = [
  ...["embeddings", "inputs", "query", "key", "value"],
  ...["scores", "scaled", "masked", "weights", "output"],
  ...["concat", "projected", "contribution", "summed"],
];
export const SIDES = ["query", "key", "value"];

// Whether there is such a step of a layer at all: one without positions adds none, one head has nothing to join, and one
// without projections ends with its output.
const EXISTS = {
  inputs: (layer) => Boolean(layer.positions),
  concat: (layer) => layer.headCount > 1,
  projected: (layer) => !layer.bare,
  contribution: (layer) => layer.contributes,
  summed: (layer) => layer.sums === true,
};

// Why the numbers of a step are not here, as a message, or null.
const UNKNOWN = {
  embeddings: (layer) => (layer.embeddings ? null : layer.leftOut ? "way.room" : "way.embeddings"),
  concat: (layer) => (allHeads(layer) ? null : "way.concat"),
  projected: (layer) => (layer.outputWeight || layer.projectedRows ? null : lacksRoom(layer) ? "way.room" : "way.projected"),
};

// The steps of a layer in their order: { name, unknown }.
export function stagesOf(layer) {
  return STAGES.filter((name) => EXISTS[name]?.(layer) ?? true).map((name) => ({
    name,
    unknown: UNKNOWN[name]?.(layer) ?? null,
  }));
}

// The next step (by 1 or −1) whose numbers are known, or the one at hand where there is none.
export function neighbour(layer, stage, by) {
  const stages = stagesOf(layer);
  for (let place = stages.findIndex(({ name }) => name === stage) + by; stages[place]; place += by)
    if (!stages[place].unknown) return stages[place].name;
  return stage;
}

// The step nearest to what an address asks for, among those that the layer has.
export function stageOf(layer, wanted) {
  const names = stagesOf(layer).map(({ name }) => name);
  return names.includes(wanted) ? wanted : wanted === "inputs" ? "embeddings" : "output";
}

// What a token is to the layer: its embedding, and its position where one is added.
export function inputOf(layer, token) {
  const [embedding, position] = ["embeddings", "positions"].map((name) => tokenRow(layer, name, token));
  const rounded = roundedFor(layer);
  return position ? embedding.map((value, place) => rounded(value + position[place])) : embedding;
}

export function tokenRow(layer, name, token) {
  const array = layer.arrays[name];
  return array ? Array.from(array.values.subarray(token * array.shape[1], (token + 1) * array.shape[1])) : null;
}

// The columns of W_Q, W_K or W_V that a head reads, as { rows, columns, at(row, column), bias }; null where they, or what
// they multiply, are not known.
export function projectionOf(layer, side, head) {
  const weight = layer.arrays[`${side}Weight`];
  if (!weight || !layer.arrays.embeddings || (side !== "query" && layer.apart)) return null;
  return matrixOf(weight, layer.arrays[`${side}Bias`], side === "query" ? head : layer.kvIndices[head]);
}

// W_O, in the same form.
export function outputProjection(layer) {
  const { outputWeight, outputBias } = layer.arrays;
  return outputWeight ? matrixOf(outputWeight, outputBias, 0) : null;
}

// What the value of a key becomes on its way through a head's rows of W_O, { values, gain }: `gain` is how many times what a
// value is off by a number of it may be; null where W_O is not here.
export function carriedOf(layer, head, key) {
  const value = vectorOf(layer, "value", head, key);
  if (layer.unprojected) return { values: value, gain: 1 };
  const matrix = outputProjection(layer);
  if (!matrix) return null;
  const first = layer.heads[head] * value.length;
  const columns = Array.from({ length: matrix.columns }, (_, column) => Array.from(value, (_, place) => matrix.at(first + place, column)));
  const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);
  return {
    values: columns.map((column) => sum(column.map((one, place) => one * value[place]))),
    gain: Math.max(...columns.map((column) => sum(column.map(Math.abs)))),
  };
}

function matrixOf({ values, shape }, bias, place) {
  const [rows, columns] = shape.slice(-2);
  const start = place * rows * columns;
  return {
    rows,
    columns,
    at: (row, column) => values[start + row * columns + column],
    bias: bias ? Array.from(bias.values.subarray(place * columns, (place + 1) * columns)) : null,
  };
}

// What W_O makes of all heads' outputs for one query.
export function projectedOf(layer, query) {
  const matrix = outputProjection(layer);
  return matrix ? multiplied(outputsOf(layer, query).flat(), matrix) : tokenRow(layer, "projectedRows", query);
}

// A row times a matrix, and the bias added.
export function multiplied(row, matrix) {
  return Array.from({ length: matrix.columns }, (_, column) =>
    row.reduce((sum, value, place) => sum + value * matrix.at(place, column), matrix.bias?.[column] ?? 0),
  );
}

// Query, Key or Value of a token, as the head reads it.
export function sideOf(layer, side, head, token) {
  return Array.from(vectorOf(layer, side, head, token));
}

// The outputs of all heads for one query, by their numbers in the layer.
export function outputsOf(layer, query) {
  return Array.from({ length: layer.headCount }, (_, number) => {
    const place = layer.heads.indexOf(number);
    if (place >= 0) return Array.from(rowOf(layer, place, query).output);
    const { values, shape } = layer.arrays.otherOutputs;
    const start = (layer.otherHeads.indexOf(number) * shape[1] + query) * shape[2];
    return Array.from(values.subarray(start, start + shape[2]));
  });
}

function lacksRoom(layer) {
  return layer.leftOut || layer.rowsLeftOut;
}

function allHeads(layer) {
  return layer.heads.length + layer.otherHeads.length >= layer.headCount;
}
