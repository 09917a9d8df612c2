// What explain says of each step of one query, as renderers/heads.py decides it: [message, values] each.

import { nameOf } from "./data.js";
import { general, number, share, vector } from "./numbers.js";
import { listed } from "./lessons.js";
import { rowOf } from "./rule.js";

export const STEPS = ["scores", "scaled", "masked", "weights", "output"];
const MOST_BLIND = 3; // queries named one by one when they see nothing
const MOST_NAMED = 4; // keys named one by one when they tie

// { formula, sentences } of a step of a head, told of the query whose `row` this is.
export function tell(step, layer, head, query, row, facts) {
  const name = (key) => nameOf(layer.keyTexts, key);
  const about = { query: nameOf(layer.queryTexts, query) };
  return TELL[step]({ layer, head, query, row, facts, name, about });
}

// What the sentences say of the head as a whole: how many cells are hidden, which queries see nothing.
export function factsOf(layer, head) {
  const facts = { hidden: 0, lowered: Infinity, blind: [], cells: layer.queries * layer.keys };
  for (let query = 0; query < layer.queries; query++) {
    const row = rowOf(layer, head, query);
    if (row.blind) facts.blind.push(query);
    for (let key = 0; key < layer.keys; key++) {
      facts.hidden += row.hidden[key];
      if (row.hidden[key] && row.masked[key] > -Infinity) facts.lowered = Math.min(facts.lowered, row.masked[key]);
    }
  }
  return facts;
}

const TELL = {
  scores({ row, name, about }) {
    const key = argmax(row.scores);
    const here = ["scores.here", { ...about, key: name(key), score: number(row.scores[key]) }];
    return { formula: "scores = Q Kᵀ", sentences: [["scores.what"], here] };
  },

  scaled({ layer, row, name, about }) {
    const { scale, givenScale, softcap, dimension } = layer;
    let [formula, sentence] = ["scores / √d_k", ["scaled.root", { dimension, scale: number(scale) }]];
    if (givenScale && scale === 1) [formula, sentence] = ["scores", ["scaled.one"]];
    else if (givenScale) {
      [formula, sentence] = [`scores × ${number(scale)}`, ["scaled.given", { scale: number(scale), dimension }]];
    }
    const sentences = [sentence];
    if (softcap !== null) {
      const cap = general(softcap);
      formula = `${cap} · tanh(${formula} / ${cap})`;
      sentences.push(["scaled.softcap", { softcap: cap }]);
    }
    const key = argmax(row.scores);
    const numbers = { score: number(row.scores[key]), scaled: number(row.scaled[key]) };
    sentences.push(["scaled.here", { ...about, key: name(key), ...numbers }]);
    return { formula: `scaled = ${formula}`, sentences };
  },

  masked({ layer, head, facts }) {
    const sentences = [];
    if (layer.hasBias && layer.slopes) sentences.push(["masked.alibi", { slope: number(layer.slopes[head]) }]);
    else if (layer.hasBias) sentences.push(["masked.bias"]);
    if (layer.causal) sentences.push(["masked.causal"]);
    if (layer.window !== null) sentences.push(["masked.window", { window: layer.window }]);
    if (layer.hasMask) sentences.push(["masked.mask"]);
    if (facts.hidden) sentences.push(["masked.why", { hidden: facts.hidden, cells: facts.cells }]);
    if (facts.lowered < Infinity) sentences.push(["masked.lowered", { value: general(facts.lowered, 3) }]);
    for (const query of facts.blind.slice(0, MOST_BLIND)) {
      sentences.push(["masked.blind", { query: nameOf(layer.queryTexts, query) }]);
    }
    if (facts.blind.length > MOST_BLIND) {
      sentences.push(["label.more", { count: (facts.blind.length - MOST_BLIND).toLocaleString("en") }]);
    }
    if (!sentences.length) sentences.push(["masked.nothing"]);
    const formula = `masked = scaled${layer.hasBias ? " + bias" : ""}`;
    return { formula, hides: facts.hidden > 0, sentences };
  },

  weights({ layer, row, name, about }) {
    const sentences = [["weights.what"]];
    if (!row.blind) {
      const largest = row.weights[argmax(row.weights)];
      const ties = [...row.weights.keys()].filter((key) => Math.abs(row.weights[key] - largest) <= 1e-9 * largest);
      if (ties.length === 1) sentences.push(["weights.here", { ...about, key: name(ties[0]), weight: share(largest) }]);
      else {
        const keys = listed([...ties.slice(0, MOST_NAMED).map(name), ...(ties.length > MOST_NAMED ? ["…"] : [])]);
        sentences.push(["weights.tie", { ...about, weight: share(largest), keys }]);
      }
      if (!layer.hasSinks) sentences.push(["weights.sum"]);
      else {
        const left = 1 - row.weights.reduce((sum, weight) => sum + weight, 0);
        sentences.push(["weights.sink", { ...about, share: share(left) }]);
      }
    }
    return { formula: "weights = softmax(masked)", sentences };
  },

  output({ row, about }) {
    const sentences = [["output.what"]];
    if (!row.blind) sentences.push(["output.here", { ...about, vector: vector(row.output) }]);
    return { formula: "output = weights V", sentences };
  },
};

function argmax(values) {
  let best = 0;
  for (let place = 1; place < values.length; place++) if (values[place] > values[best]) best = place;
  return best;
}
