// Two maps of one step: what the first has more than the second, or less, at the same tokens; a token that only one of both
// texts has stands by itself, as renderers/difference/picture.py has it.

import { measured } from "./contributions.js";
import { nameOf } from "./data.js";
import { partner } from "./partners.js";
import { unfolds } from "./state.js";

const SUBTRACTED = ["weights", "contribution", "summed"]; // scores of two heads have no common scale
const LONELY = ["− ", "+ "]; // before a token that only the first text has, or only the second

// Whether the numbers of two maps, { layer, step } each, mean the same, so that they belong on one scale.
export function alike(one, other) {
  return one.step === other.step && SUBTRACTED.includes(one.step) && measured(one.layer, one.step) === measured(other.layer, other.step);
}

// Where the tokens of both are, { layer, queries, keys }: [position in the first, position in the second] of each place, null
// where there is none; and a layer that has these tokens. Null where the two have no token in common.
export function slotsOf(first, second) {
  const [queries, keys] = ["query", "key"].map((side) => places(first, second, side));
  if (![queries, keys].every((all) => all.some(isShared))) return null;
  const same = first.queryTexts === second.queryTexts && unfolds(first) && unfolds(second);
  const layer = {
    place: `${first.place} − ${second.place}`,
    computes: false,
    signed: true,
    queryTexts: textsOf(queries, first.queryTexts, second.queryTexts),
    keyTexts: textsOf(keys, first.keyTexts, second.keyTexts),
    queries: queries.length,
    keys: keys.length,
    ...(same ? { causal: true, apart: false, offset: 0 } : {}), // it grows with them
  };
  return { layer, queries, keys };
}

// The first map minus the second, queries × keys in one row; NaN where both are hidden, or one of both texts has no such token.
// What is hidden in one of them has the number 0 there.
export function subtracted({ layer, queries, keys }, first, second) {
  const map = new Float32Array(layer.queries * layer.keys).fill(NaN);
  queries.forEach(([one, other], row) => {
    if (!isShared([one, other])) return;
    keys.forEach(([left, right], column) => {
      if (!isShared([left, right])) return;
      const [more, less] = [first.map[one * first.layer.keys + left], second.map[other * second.layer.keys + right]];
      if (more === more || less === less) map[row * layer.keys + column] = (more || 0) - (less || 0); // NaN is not even itself
    });
  });
  return map;
}

// Whether both texts have a token at a place.
export function isShared([one, other]) {
  return one !== null && other !== null;
}

// All tokens of both in order, those that are the same in one place.
function places(first, second, side) {
  const counts = [first, second].map((layer) => (side === "query" ? layer.queries : layer.keys));
  const found = [];
  const next = [0, 0];
  const lonely = (ends) => {
    for (; next[0] < ends[0]; next[0]++) found.push([next[0], null]);
    for (; next[1] < ends[1]; next[1]++) found.push([null, next[1]]);
  };
  for (let place = 0; place < counts[0]; place++) {
    const other = partner(first, second, side, place);
    if (other === null || other >= counts[1]) continue;
    lonely([place, other]);
    found.push([place, other]);
    next[0]++;
    next[1]++;
  }
  lonely(counts);
  return found;
}

function textsOf(all, first, second) {
  const marked = (own) => all.map(([one, other]) => (other === null ? LONELY[0] + own(first, one) : one === null ? LONELY[1] + own(second, other) : own(first, one)));
  const special = all.map(([one, other]) => (one === null ? second.special.includes(other) : first.special.includes(one)));
  return {
    labels: marked((texts, place) => texts.labels[place]),
    names: marked(nameOf),
    special: [...special.keys()].filter((place) => special[place]),
  };
}
