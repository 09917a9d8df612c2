// The sentences: messages of the chosen language with values in their places.

import { record } from "./data.js";
import { tokenElement } from "./dom.js";

const PLACE = /`\{(\w+)\}`|\{(\w+)\}/g;

// The message `name` as plain text; tokens stand between backticks, as explain prints them.
export function say(name, values = {}) {
  return record.messages[name].replace(/\{(\w+)\}/g, (_, field) => values[field]);
}

// The same as nodes, to be appended: tokens are elements of their own instead of standing between backticks.
export function told(name, values = {}) {
  const message = record.messages[name];
  const nodes = [];
  let end = 0;
  for (const place of message.matchAll(PLACE)) {
    nodes.push(message.slice(end, place.index), ...valueNodes(values[place[1] ?? place[2]], place[1] !== undefined));
    end = place.index + place[0].length;
  }
  return [...nodes, message.slice(end)];
}

// A list of tokens in a value, [token, …], is written with commas.
export function listed(tokens) {
  return { tokens, toString: () => tokens.map((token) => (token === "…" ? token : `\`${token}\``)).join(", ") };
}

function valueNodes(value, isToken) {
  if (isToken) return [tokenElement(value)];
  if (!value?.tokens) return [String(value)];
  return value.tokens.flatMap((token, place) => [place ? ", " : "", token === "…" ? token : tokenElement(token)]);
}
