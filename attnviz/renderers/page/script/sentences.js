// What explain says of each step of one query, as renderers/explain/ decides it (sentences.py, and sections.py for both ends
// of the way): [message, values] each.

import { byHand, lengthName, sumName, whatIsMeasured, whatIsSummed } from "./contributions.js";
import { quoted, record } from "./data.js";
import { exponentialError, writing, writingOf } from "./digits.js";
import { listed, say, told, tokenNodes } from "./lessons.js";
import { brief, general, number, vector } from "./numbers.js";
import { sumsOf } from "./rule.js";
import { SIDES, inputOf, projectionOf, tokenRow } from "./way.js";

const MOST_NAMED = 4; // keys, or pairs, named one by one when they tie
const EQUAL = 1e-9; // relative: numbers that are closer differ only by the rounding of their arithmetic

// { formula, hides, sentences } of a step of a head, told of the query whose `row` this is; `hides` says whether any of
// its cells is hidden.
export function tell(step, layer, head, query, row) {
  const name = (key) => quoted(layer.keyTexts, key);
  const about = { query: quoted(layer.queryTexts, query) };
  return TELL[step]({ layer, head, query, row, name, about });
}

// What is said of Q, K or V.
function side(name) {
  return ({ layer, head }) => {
    const letter = name[0].toUpperCase();
    const matrix = projectionOf(layer, name, head);
    const sentences = [[`${name}.what`]];
    if (layer.rotary && name !== "value") sentences.push([`${name}.rotated`]);
    if (layer.bare) sentences.push(["query.same"]);
    else if (!matrix) sentences.push(["way.given"]);
    return { formula: matrix ? `${letter} = X W_${letter}` : layer.bare ? `${letter} = X` : letter, sentences };
  };
}

const TELL = {
  embeddings({ layer, query, about }) {
    const values = tokenRow(layer, "embeddings", query);
    const alone = !layer.positions; // nothing is added to them
    const read = layer.index ? "embeddings.passed" : "embeddings.what";
    const sentences = [
      [alone ? read : "embeddings.placed", { dimension: values.length }],
      ["embeddings.here", { token: about.query, vector: vector(values) }],
    ];
    return { formula: alone ? "X" : "E", sentences: [...sentences, ...same(layer, alone)] };
  },

  inputs({ layer, query, about }) {
    const here = ["embeddings.here", { token: about.query, vector: vector(inputOf(layer, query)) }];
    return { formula: "X = E + P", sentences: [[record.sines ? "positions.what" : "positions.learned"], ["inputs.what"], here, ...same(layer, true)] };
  },

  ...Object.fromEntries(SIDES.map((name) => [name, side(name)])),

  concat({ layer }) {
    const dimension = layer.arrays.value.shape[2];
    const sizes = { heads: layer.headCount, dimension, width: layer.headCount * dimension };
    return { formula: say("concat.formula"), sentences: [["concat.what", sizes]] };
  },

  projected({ layer }) {
    const formula = `projected = ${layer.headCount > 1 ? "concat" : "output"} W_O`;
    return { formula, sentences: [["projected.what"], ...(layer.arrays.outputWeight ? [] : [["way.large"]])] };
  },

  scores({ layer, row, name, about }) {
    const best = largestOf(row.scores);
    const score = writing(layer, "scores").number(row.scores[best[0]]);
    const pair = (key) => told("scores.pair", { ...about, key: name(key) });
    const here =
      best.length === 1
        ? ["scores.here", { ...about, key: name(best[0]), score }]
        : ["scores.tie", { count: best.length.toLocaleString("en"), score, pairs: firstOf(best, pair) }];
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
    const [key] = largestOf(row.scores);
    const [scores, all] = [writing(layer, "scores"), writing(layer, "scaled")];
    const numbers = { score: scores.number(row.scores[key]), scaled: all.number(row.scaled[key]) };
    sentences.push(["scaled.here", { ...about, key: name(key), ...numbers }]);
    return { formula: `scaled = ${formula}`, sentences };
  },

  masked({ layer, head, row, about }) {
    const sentences = [];
    if (layer.hasBias && layer.slopes) sentences.push(["masked.alibi", { slope: number(layer.slopes[head]) }]);
    else if (layer.hasBias) sentences.push([record.bias]);
    if (layer.causal) sentences.push(["masked.causal"]);
    if (layer.window !== null) sentences.push(["masked.window", { window: layer.window }]);
    if (layer.hasMask) sentences.push(["masked.mask"]);
    const hidden = [...row.hidden.keys()].filter((key) => row.hidden[key]);
    if (hidden.length) sentences.push(["masked.why", { hidden: hidden.length, cells: layer.keys }]);
    if (row.lowered < Infinity) sentences.push(["masked.lowered", { value: brief(row.lowered) }]);
    if (row.blind) sentences.push(["masked.blind", about]);
    if (!sentences.length) sentences.push(["masked.nothing"]);
    const formula = `masked = scaled${layer.hasBias ? " + bias" : ""}`;
    return { formula, hides: hidden.length > 0, sentences };
  },

  weights({ layer, row, name, about }) {
    const sentences = [["weights.what"]];
    if (!row.blind) {
      const ties = largestOf(row.weights);
      const weight = writing(layer, "weights").share(row.weights[ties[0]]);
      if (ties.length === 1) sentences.push(["weights.here", { ...about, key: name(ties[0]), weight }]);
      else sentences.push(["weights.tie", { ...about, weight, keys: firstOf(ties, (key) => tokenNodes(name(key))) }]);
      if (!layer.hasSinks) sentences.push(["weights.sum"]);
      else {
        const left = 1 - row.weights.reduce((sum, weight) => sum + weight, 0);
        const { share } = writingOf(layer, (value) => exponentialError(value, 2 * layer.errors.scaled));
        sentences.push(["weights.sink", { ...about, share: share(left) }]);
      }
    }
    return { formula: "weights = softmax(masked)", sentences };
  },

  output({ layer, row, about }) {
    const sentences = [["output.what"]];
    if (!row.blind) sentences.push(["output.here", { ...about, vector: writing(layer, "output").vector(row.output) }]);
    return { formula: "output = weights V", sentences };
  },

  contribution({ layer, head, query, row, name, about }) {
    const sentences = whatIsMeasured(layer);
    if (!row.blind) {
      const { contribution, weights } = row;
      const most = firstLargest(contribution.map((value, key) => (row.hidden[key] ? -Infinity : value)));
      const heaviest = firstLargest(weights);
      sentences.push(["contribution.here", { ...about, key: name(most), sum: byHand(layer, head, query, most) }]);
      if (most !== heaviest) {
        const brought = writing(layer, "contribution").number(contribution[heaviest]);
        sentences.push(["contribution.other", { ...about, key: name(heaviest), contribution: brought }]);
      }
    }
    return { formula: `contribution = weights × ${lengthName(layer)}`, sentences };
  },

  summed({ layer, query, name, about }) {
    const [sentences, { summed, unseen }] = [whatIsSummed(layer), sumsOf(layer, query)];
    if (!unseen.every(Boolean)) {
      const most = firstLargest(summed.map((value, key) => (unseen[key] ? -Infinity : value)));
      sentences.push(["contribution.summed_here", { ...about, key: name(most), contribution: writing(layer, "summed").number(summed[most]) }]);
    }
    return { formula: `summed = ${sumName(layer)}`, sentences };
  },
};

// Where X is shown, that Q, K and V are the same, if they are.
function same(layer, isInput) {
  return isInput && layer.bare ? [["query.same"]] : [];
}

// The first key of the largest of these values.
function firstLargest(values) {
  return values.reduce((best, value, key) => (value > values[best] ? key : best), 0);
}

// The keys that have the largest of these values.
function largestOf(values) {
  const largest = values.reduce((one, other) => Math.max(one, other));
  return [...values.keys()].filter((key) => Math.abs(values[key] - largest) <= EQUAL * Math.abs(largest));
}

// The first of `keys`, as the nodes that `nodesOf` makes of each, and a sign that there are more.
function firstOf(keys, nodesOf) {
  return listed([...keys.slice(0, MOST_NAMED).map(nodesOf), ...(keys.length > MOST_NAMED ? [["…"]] : [])]);
}
