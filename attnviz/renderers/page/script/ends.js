// The charts of both ends of the way: tokens → X → Q, K, V, and all heads' outputs → Concat → W_O.

import { writing } from "./digits.js";
import { make } from "./dom.js";
import { nameOf, quoted } from "./data.js";
import { say, told, tokenNodes } from "./lessons.js";
import { aligned } from "./numbers.js";
import { product } from "./product.js";
import { shownKeys, shownQueries } from "./shown.js";
import { change } from "./state.js";
import { around, vectorList } from "./vectors.js";
import { SIDES, inputOf, multiplied, outputProjection, outputsOf, projectedOf, projectionOf, sideOf, tokenRow } from "./way.js";

const MOST_NUMBERS = 6; // of a vector in a table

// The chart of a step, as elements; null where the step is none of the two ends. `at` is { layer, head, query, key, column },
// `pick` takes another column.
export function endChart(stage, at, pick) {
  if (SIDES.includes(stage)) return sideChart(stage, at, pick);
  return CHARTS[stage]?.(at, pick) ?? null;
}

const CHARTS = {
  embeddings: (at) => [ofTokens(at, "query", (token) => tokenRow(at.layer, "embeddings", token), say("title.embeddings"))],

  inputs(at) {
    const { layer, query } = at;
    const lines = [
      ["E", tokenRow(layer, "embeddings", query), null],
      ["P", tokenRow(layer, "positions", query), "+"],
      ["X", inputOf(layer, query), "="],
    ];
    return [addition(lines), ofTokens(at, "query", (token) => inputOf(layer, token), say("title.inputs"))];
  },

  concat({ layer, head, query }) {
    const rows = outputsOf(layer, query).map((values, number) => ({
      name: [say("label.head", { head: number })],
      values,
      held: layer.heads[head] === number,
      choose: layer.heads.includes(number) ? () => change({ head: layer.heads.indexOf(number), heads: null }) : undefined,
    }));
    return [vectorList(rows, say("title.concat"), writing(layer, "output"))];
  },

  projected({ layer, query, column }, pick) {
    const result = { name: "projected", values: projectedOf(layer, query), words: writing(layer, "projected") };
    if (!layer.arrays.outputWeight) return [one(result)];
    const matrix = { name: "W_O", ...outputProjection(layer) };
    const left = { name: layer.headCount > 1 ? "concat" : "output", values: outputsOf(layer, query).flat(), words: writing(layer, "output") };
    return [product({ left, matrix, result, column: Math.min(column, matrix.columns - 1), pick }), one(result)];
  },
};

// Q, K or V: one token's row times the matrix, where both are known, and below it the vectors of all tokens.
function sideChart(side, at, pick) {
  const { layer, head, column } = at;
  const token = side === "query" ? at.query : at.key;
  const texts = side === "query" ? layer.queryTexts : layer.keyTexts;
  const matrix = projectionOf(layer, side, head);
  const all = ofTokens(at, side, (place) => sideOf(layer, side, head, place), say(`title.${side}`), writing(layer, "vectors"));
  if (!matrix) return [all];
  const letter = side[0].toUpperCase();
  const left = { name: ["x ", tokenNodes(quoted(texts, token))], values: inputOf(layer, token) };
  const result = { name: side[0], values: multiplied(left.values, matrix) };
  const written = product({
    ...{ left, result, pick },
    matrix: { name: `W_${letter}`, ...matrix },
    column: Math.min(column, matrix.columns - 1),
  });
  const turned = layer.rotary && side !== "value" ? [make("p", { class: "quiet" }, ...told("way.turned"))] : [];
  return [written, ...turned, all];
}

// The vectors of all tokens that are shown; a click chooses the token.
function ofTokens({ layer, query, key }, side, vectorOf, label, words) {
  const ofQueries = side === "query";
  const [places, texts, held] = ofQueries
    ? [shownQueries(layer), layer.queryTexts, query]
    : [shownKeys(layer), layer.keyTexts, key];
  const rows = around(places, places.indexOf(held)).map((place) => ({
    name: [make("bdi", { class: "token" }, nameOf(texts, place))],
    values: vectorOf(place),
    held: place === held,
    choose: () => change(ofQueries ? { query: place, key: null } : { query, key: place }),
  }));
  return vectorList(rows, label, words);
}

// Vectors below each other that are added up, number by number.
function addition(lines) {
  const count = Math.min(MOST_NUMBERS, lines[0][1].length);
  const numbers = aligned(lines.flatMap(([, values]) => values.slice(0, count)));
  const more = lines[0][1].length > count ? make("td", { class: "quiet" }, "…") : null;
  const rows = lines.map(([name, values, sign], line) =>
    make(
      "tr",
      { class: sign === "=" ? "total" : null },
      make("th", { scope: "row", class: "left" }, name),
      make("td", { class: "sign" }, sign),
      values.slice(0, count).map((_, place) => make("td", {}, numbers[line * count + place])),
      more?.cloneNode(true) ?? null,
    ),
  );
  return make("div", { class: "product" }, make("div", { class: "wide" }, make("table", {}, make("tbody", {}, rows))));
}

// One vector alone, as the step leaves it.
function one(result) {
  return vectorList([{ name: [result.name], values: result.values, held: true }], result.name, result.words);
}
