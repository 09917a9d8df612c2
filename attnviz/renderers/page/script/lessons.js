// The sentences: messages of the chosen language with values in their places.

import { record } from "./data.js";
import { tokenElement } from "./dom.js";

const PLACE = /`\{(\w+)\}`|\{(\w+)\}/g;

// The message `name` as plain text; tokens stand between backticks, as explain prints them.
export function say(name, values = {}) {
  return record.messages[name].replace(PLACE, (_, token, field) =>
    token ? `\`${values[token].name ?? values[token]}\`${positionOf(values[token])}` : values[field],
  );
}

// The same as nodes, to be appended: tokens are elements of their own instead of standing between backticks.
export function told(name, values = {}) {
  const message = record.messages[name];
  const nodes = [];
  let end = 0;
  for (const place of message.matchAll(PLACE)) {
    const [, token, field] = place;
    nodes.push(message.slice(end, place.index), ...(token ? tokenNodes(values[token]) : valueNodes(values[field])));
    end = place.index + place[0].length;
  }
  return [...nodes, message.slice(end)];
}

// A token as nodes: a name, or { name, position }.
export function tokenNodes(token) {
  return [tokenElement(token.name ?? token), positionOf(token)];
}

// A list in a value, of nodes each, is written with commas.
export function listed(all) {
  return { all };
}

function positionOf(token) {
  return token.position === undefined || token.position === null ? "" : ` @${token.position}`;
}

function valueNodes(value) {
  return value?.all ? value.all.flatMap((nodes, place) => [place ? ", " : "", ...nodes]) : [String(value)];
}
