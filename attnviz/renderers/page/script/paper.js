// One query and one key written out as on paper, line for line as renderers/explain/arithmetic.py has it.
//
// Each part is { title: [message, values], lines: [text], … } with the numbers that its picture needs.

import { byHand, headsByHand } from "./contributions.js";
import { nameOf, quoted } from "./data.js";
import { exponentialError, writing, writingOf } from "./digits.js";
import { say } from "./lessons.js";
import { HIDDEN, factor, general, number } from "./numbers.js";
import { rowOf, sinkOf, sumsOf, vectorOf } from "./rule.js";

const MOST = 16; // terms of a sum that are written out
const LARGEST_EXPONENT = 20; // above it, e^x is no number to write on paper: the row is shifted by its largest value

// Where its contribution is asked for, that ends them; those of all heads, added up, stand alone.
export function onPaper(layer, head, query, key, step = "weights") {
  if (step === "summed") return [summedPart(layer, query, key)];
  const pair = { layer, head, query, key, row: rowOf(layer, head, query), sink: sinkOf(layer, head) };
  const parts = [scorePart(pair), ...scaledParts(pair), maskedPart(pair)];
  if (pair.row.blind) return [...parts, { kind: "note", title: ["pair.blind"], lines: [] }];
  const last = step === "contribution" ? [contributionPart(pair)] : [];
  return [...parts, exponentialsPart(pair), weightPart(pair), outputPart(pair), ...last];
}

// What the pair is, as [message, values].
export function titleOf({ layer, head, query, key }, step = "weights") {
  const hidden = step === "summed" ? sumsOf(layer, query).unseen[key] : rowOf(layer, head, query).masked[key] === -Infinity;
  const names = { query: quoted(layer.queryTexts, query), key: quoted(layer.keyTexts, key) };
  return [hidden ? "title.hidden_pair" : "title.pair", names];
}

// The sentences above: where the two stand.
export function positions({ layer, query, key }) {
  const names = { query: nameOf(layer.queryTexts, query), key: nameOf(layer.keyTexts, key) };
  const sentences = [["pair.position", { ...names, query_position: query, key_position: key }]];
  if (layer.offset) sentences.push(["pair.offset", { position: query + layer.offset }]);
  if (layer.rotary) sentences.push(["pair.turned"]); // the page holds no angles
  return [...sentences, ["pair.rounded"]];
}

function scorePart({ layer, head, query, key, row }) {
  const [left, right] = [vectorOf(layer, "query", head, query), vectorOf(layer, "key", head, key)];
  const vectors = writing(layer, "vectors");
  const products = Array.from(left, (value, place) => `${vectors.factor(value)}×${vectors.factor(right[place])}`);
  const lines = [`${cut(products).join(" + ")} = ${writing(layer, "scores").number(row.scores[key])}`];
  return { kind: "products", title: ["pair.score"], lines, left, right };
}

function scaledParts({ layer, key, row }) {
  const [scores, numbers] = [writing(layer, "scores"), writing(layer, "scaled")];
  const [score, scaled] = [scores.factor(row.scores[key]), numbers.number(row.scaled[key])];
  const before = layer.softcap === null ? scaled : numbers.number(row.scores[key] * layer.scale);
  const { dimension } = layer;
  const parts = layer.givenScale
    ? [
        {
          title: ["pair.scaled", { scale: number(layer.scale) }],
          lines: [`${score} × ${factor(layer.scale)} = ${before}`],
        },
      ]
    : [
        {
          title: ["pair.root", { dimension }],
          lines: [`${score} / √${dimension} = ${score} / ${number(Math.sqrt(dimension))} = ${before}`],
        },
      ];
  if (layer.softcap !== null) {
    const cap = general(layer.softcap);
    parts.push({ title: ["pair.softcap", { softcap: cap }], lines: [`${cap} · tanh(${before} / ${cap}) = ${scaled}`] });
  }
  return parts;
}

function maskedPart({ layer, key, row }) {
  if (row.masked[key] === -Infinity) return { title: ["pair.hidden"], lines: [] };
  if (!layer.hasBias) return { title: ["pair.visible"], lines: [] };
  const bias = factor(row.masked[key] - row.scaled[key]);
  const numbers = writing(layer, "scaled");
  return { title: ["pair.bias"], lines: [`${numbers.number(row.scaled[key])} + ${bias} = ${numbers.number(row.masked[key])}`] };
}

function exponentialsPart(pair) {
  const shift = shiftOf(pair);
  const [logits, exponentials] = [writing(pair.layer, "scaled"), exponentialsOf(pair)];
  const title = shift ? ["pair.shifted", { largest: logits.factor(shift) }] : ["pair.exponentials"];
  const all = entries(pair);
  const lines = all.map(([name, logit]) => {
    const power = logit === -Infinity ? HIDDEN : logits.number(logit - shift);
    return [name, `e^${power} = ${exponentials.significant(Math.exp(logit - shift))}`];
  });
  const sums = all.map(([, logit]) => exponentials.significant(Math.exp(logit - shift)));
  return {
    kind: "row",
    title,
    named: cut(lines, (more) => [more, ""]),
    lines: [`${cut(sums).join(" + ")} = ${exponentials.significant(totalOf(pair))}`],
    weights: pair.row.weights,
  };
}

function weightPart(pair) {
  const exponentials = exponentialsOf(pair);
  const exponential = exponentials.significant(Math.exp(pair.row.masked[pair.key] - shiftOf(pair)));
  const weight = writing(pair.layer, "weights").significant(pair.row.weights[pair.key]);
  return { title: ["pair.weight"], lines: [`${exponential} / ${exponentials.significant(totalOf(pair))} = ${weight}`] };
}

function outputPart({ layer, head, row }) {
  const values = Array.from({ length: layer.keys }, (_, key) => vectorOf(layer, "value", head, key));
  const [weights, vectors] = [writing(layer, "weights"), writing(layer, "vectors")];
  const terms = cut([...values.keys()]).map((key) =>
    typeof key === "string" ? key : `${weights.significant(row.weights[key])}×${vectors.vector(values[key], 8)}`,
  );
  const lines = [terms.join(" + "), `= ${writing(layer, "output").vector(row.output, 8)}`];
  return { kind: "values", title: ["pair.output"], lines, values, weights: row.weights, output: row.output };
}

function contributionPart({ layer, head, query, key }) {
  const title = layer.signed ? "pair_along" : layer.unprojected ? "pair_unprojected" : "pair";
  return { title: [`contribution.${title}`], lines: [byHand(layer, head, query, key)] };
}

function summedPart(layer, query, key) {
  const { named, line } = headsByHand(layer, query, key);
  return { title: [layer.signed ? "page.pair_summed_along" : "page.pair_summed"], named: cut(named, (more) => [more, ""]), lines: [line] };
}

// How e^x of the row, and their sum, are written: x is a scaled score, or its difference from the largest.
function exponentialsOf(pair) {
  const { layer } = pair;
  const differences = shiftOf(pair) ? 2 : 1;
  return writingOf(layer, (value) => exponentialError(value, differences * layer.errors.scaled));
}

// What shares the row's mass: every key, and the sink if there is one, each with its logit.
function entries({ layer, row, sink }) {
  const named = Array.from(row.masked, (logit, key) => [quoted(layer.keyTexts, key), logit]);
  return sink === null ? named : [...named, [say("pair.sink"), sink]];
}

// 0 where e^x can be written on paper, as it can where it is 0, else the largest value of the row.
function shiftOf(pair) {
  const logits = entries(pair).map(([, logit]) => logit);
  const largest = Math.max(...logits);
  const smallest = Math.min(...logits.filter((logit) => logit > -Infinity));
  return Math.max(Math.abs(smallest), Math.abs(largest)) > LARGEST_EXPONENT ? largest : 0;
}

function totalOf(pair) {
  const shift = shiftOf(pair);
  return entries(pair).reduce((sum, [, logit]) => sum + Math.exp(logit - shift), 0);
}

// A long list cut in the middle, the cut said in words.
export function cut(words, mark = (more) => more) {
  if (words.length <= MOST) return words;
  const more = say("label.more", { count: (words.length - MOST).toLocaleString("en") });
  return [...words.slice(0, MOST / 2), mark(more), ...words.slice(words.length - MOST / 2)];
}
