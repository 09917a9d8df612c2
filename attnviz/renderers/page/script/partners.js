// Where two traces stand beside each other: which tokens of one text are the same as which of the other.

import { record } from "./data.js";

// The position in the text of `to` of the token at `position` in that of `from`; null where it has no partner there.
// `side` is "query" or "key".
export function partner(from, to, side, position) {
  const name = `${side}Texts`;
  if (position === null || from[name] === to[name]) return position;
  const [one, other] = [from, to].map(({ place }) => record.layers[place][name]);
  for (const { texts, pairs } of record.partners ?? []) {
    const turned = texts[0] === other && texts[1] === one;
    if (!turned && !(texts[0] === one && texts[1] === other)) continue;
    const place = pairs[turned ? 1 : 0].indexOf(position);
    return place < 0 ? null : pairs[turned ? 0 : 1][place];
  }
  return null;
}

// Which of both a layer is of, as a person calls it; "" where there is only one.
export function sideOf(layer) {
  return record.sides?.[layer.side] ?? "";
}
