// The sentences: messages of the chosen language with values in their places.

import { record, wordsIn } from "./data.js";
import { make, tokenElement } from "./dom.js";

const PLACE = /`\{(\w+)\}`|\{(\w+)\}/g;
const known = new Map([[record.language, record]]); // what the record says in each language that was spoken
const standing = [];

// Run what writes words that stand outside of the views: now, and again whenever the language is another.
export function keepSaid(write) {
  standing.push(write);
  write();
}

// Say everything in another language from now on.
export async function speak(language) {
  if (language === record.language) return;
  if (!known.has(language)) {
    const words = await wordsIn(language);
    const own = Object.fromEntries(Object.keys(words).map((name) => [name, record[name]]));
    known.set(record.language, own).set(language, words);
  }
  Object.assign(record, known.get(language), { language });
  document.documentElement.lang = language;
  for (const write of standing) write();
}

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

// A text as nodes, an option of the command line in one piece: a browser breaks a line behind its dashes.
export function unbroken(text) {
  const pieces = text.split(/(--[a-z][\w-]*)/); // every second one is an option
  return pieces.map((piece, place) => (place % 2 ? make("span", { class: "option" }, piece) : piece));
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
