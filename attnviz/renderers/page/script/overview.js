// Overview: every head of every layer as a small map, layer by layer in a strict grid, or sorted by what is measured of them.

import { isPrinting, themed } from "./colours.js";
import { groups, headsOf, layers, loaded, roleOf } from "./data.js";
import { make } from "./dom.js";
import { enlarger } from "./enlarged.js";
import { headName, heldOf, titleOf, wornBy } from "./heads.js";
import { keepSaid, say } from "./lessons.js";
import { shortened } from "./measure.js";
import { number } from "./numbers.js";
import { asking, meaningOf, patternOf } from "./pattern.js";
import { pause } from "./pause.js";
import { show } from "./readout.js";
import { hold, roving } from "./roving.js";
import { change, state } from "./state.js";
import { isPainted, paintThumb } from "./thumbs.js";

const FEW = 24; // cards that there is room for with their words; more are cells, which enlarge
const [LARGE, SMALL] = [96, 40]; // cells across a map on a card, and in a cell of the grid
const PATIENCE = 16; // milliseconds of work before the browser may paint

const all = layers.flatMap((layer) => layer.heads.map((_, head) => ({ layer, head })));
const isFew = all.length <= FEW;
const numbers = [...new Set(groups.flatMap(headsOf))]; // of the heads, a column each
if (groups.some((parts) => headsOf(parts).length < numbers.length)) numbers.sort((one, other) => one - other);
const cards = new Map(); // made once, with their canvases
let laid = ""; // how they lie in the view
let run = 0;

const element = make("div", { class: isFew ? "overview few" : "overview many" });
const enlarged = isFew ? null : enlarger(element, captionOf);
roving(element, () => buttonsOf(ordered()));
keepSaid(() => {
  cards.clear(); // their words are of another language; the small maps stay
  laid = "";
});

export function overview() {
  return {
    element,
    controls: ["sort", "scale", "first", "special", "threshold"],
    update,
    picture: () => (isFew || state.sort !== "place" ? cardsPicture(ordered()) : gridPicture(ordered())),
    close: () => {
      run++;
      enlarged?.hide();
    },
  };
}

function update() {
  const own = ordered();
  if (laid !== state.sort) lay(own);
  laid = state.sort;
  const current = own.find((one) => one.layer.place === state.layer && one.head === state.head) ?? own[0];
  if (current.button.tabIndex !== 0) hold(buttonsOf(own), current.button);
  show("page.idle_overview", {});
  enlarged?.repaint();
  return paintAll(own, ++run);
}

// Paint what is in sight first. What is painted as it is to be is left.
async function paintAll(own, turn) {
  const waiting = inSightFirst(own.filter((one) => !isPainted(one.canvas, one.layer, one.head, isFew ? LARGE : SMALL)));
  let began = performance.now();
  for (const [place, one] of waiting.entries()) {
    if (!one.layer.arrays) {
      const next = waiting.slice(place).find((other) => other.layer !== one.layer && !other.layer.arrays);
      const here = loaded(one.layer.place);
      if (next) loaded(next.layer.place).catch(() => {}); // told when its turn comes
      await here;
    }
    if (turn !== run) return;
    paintThumb(one.canvas, one.layer, one.head, isFew ? LARGE : SMALL);
    if (performance.now() - began < PATIENCE || isPrinting()) continue;
    await pause();
    if (turn !== run) return;
    began = performance.now();
  }
}

function buttonsOf(own) {
  return own.map((one) => one.button);
}

function boxesOf(own) {
  return own.map((one) => one.box);
}

// The browser tells which those are; before it did, they are looked for.
const inSight = new Map(); // by their buttons
const eyes = new IntersectionObserver((changes) => changes.forEach((one) => inSight.set(one.target, one.isIntersecting)));

function inSightFirst(own) {
  if (own.length <= FEW) return own;
  const isSeen = ({ button }) => inSight.get(button) ?? button.getBoundingClientRect().top < window.innerHeight;
  const seen = own.map(isSeen);
  return [...own.filter((_, place) => seen[place]), ...own.filter((_, place) => !seen[place])];
}

// All cards, sorted as they are to be.
function ordered() {
  const own = all.map(({ layer, head }) => cardOf(layer, head));
  const byPlace = (one, other) => one.layer.of - other.layer.of || numbers.indexOf(one.number) - numbers.indexOf(other.number);
  if (state.sort === "place") return own.sort(byPlace);
  const value = ({ layer, head }) => layer.metrics[state.sort][head] ?? -Infinity;
  return own.sort((one, other) => value(other) - value(one));
}

function lay(own) {
  for (const one of own) one.say();
  const byPlace = state.sort === "place";
  element.classList.toggle("by-place", byPlace);
  element.style.setProperty("--heads", byPlace ? numbers.length : Math.min(own.length, 24));
  const buttons = (some) => make("div", { class: "cards" }, boxesOf(some));
  const rows = byPlace ? groups.map((parts, of) => row(parts[0], own.filter((one) => one.layer.of === of))) : [buttons(own)];
  const top = byPlace && !isFew ? [header()] : [];
  const beside = enlarged ? [wornHeads(own), enlarged.element] : [];
  element.replaceChildren(make("div", { class: "scroller" }, ...top, ...rows), ...beside);
}

// The heads that wear a role, by name: a cell of the grid has no room for it.
function wornHeads(own) {
  const worn = own.filter(({ layer, head }) => roleOf(layer, head));
  const buttons = worn.map(({ layer, head, name, button }) =>
    make("button", { type: "button", class: "small", title: roleOf(layer, head).evidence, onclick: () => button.click() }, name),
  );
  return make("div", { class: "worn-heads" }, ...buttons);
}

// The numbers of the heads above their columns.
function header() {
  return make("div", { class: "numbers", "aria-hidden": "true" }, ...numbers.map((one) => make("span", {}, String(one))));
}

// A layer: its title, and each head in the column of its number.
function row(layer, own) {
  for (const one of own) one.box.style.setProperty("--column", numbers.indexOf(one.number) + 1);
  const title = make("h2", {}, titleOf(layer));
  const cards = make("div", { class: "cards" }, boxesOf(own));
  return make("section", { class: "layer", "aria-label": titleOf(layer) }, title, cards);
}

function cardOf(layer, head) {
  const name = `${layer.place} ${head}`;
  if (!cards.has(name)) cards.set(name, card(layer, head));
  return cards.get(name);
}

function card(layer, head) {
  const canvas = make("canvas", { class: "thumb", width: 1, height: 1, "aria-hidden": "true" });
  const caption = make("span", { class: "caption" });
  const role = roleOf(layer, head);
  const open = () => change({ view: "matrix", layer: layer.place, head, heads: null });
  const button = make("button", { class: "card", type: "button", title: isFew ? role?.evidence : null, onclick: open });
  button.append(canvas, caption);
  button.classList.toggle("worn", role !== null);
  button.classList.toggle("held", layer.computes && heldOf(layer) !== null);
  const asked = isFew && patternOf(layer, head) ? asking(layer, head) : null;
  const box = asked ? make("div", { class: "spot" }, button, asked.button, asked.bubble) : button;
  if (asked) listenTo(box, asked);
  const one = { layer, head, number: layer.heads[head], name: headName(layer, head), button, box, canvas };
  enlarged?.add(one);
  eyes.observe(button);
  one.say = () => {
    caption.replaceChildren(...captionOf(one));
    if (state.sort === "place") button.setAttribute("aria-label", [one.name, heldOf(layer)].filter(Boolean).join(", "));
    else button.removeAttribute("aria-label");
  };
  return one;
}

// The "?" of a card is reached from the card alone, else there were twice as many stops of the Tab key; Escape shuts it.
function listenTo(box, asked) {
  box.addEventListener("focusin", () => (asked.button.tabIndex = 0));
  box.addEventListener("focusout", (event) => {
    if (box.contains(event.relatedTarget)) return;
    asked.button.tabIndex = -1;
    asked.hide();
  });
  box.addEventListener("keydown", (event) => event.key === "Escape" && asked.hide());
}

// What is said of a head below its map: how it is called, and by what it is sorted.
function captionOf({ layer, head }) {
  const [worn, held] = [wornBy(layer, head, false), heldOf(layer)];
  const name = make("span", {}, shortName(layer, head), worn ? make("span", { class: "role" }, worn) : null);
  const kept = held && !isFew ? make("span", { class: "kept" }, held) : null;
  const words = patternOf(layer, head);
  const told = words && [make("span", { class: "pattern" }, words), isFew ? "" : make("span", { class: "quiet" }, meaningOf(layer, head))];
  if (state.sort === "place") return [name, ...(told ?? []), ...(kept ? [kept] : [])];
  const meaning = make("span", { class: "unseen" }, `, ${say(`page.sort_${state.sort}`)} `);
  return [name, meaning, make("b", {}, sortedBy(layer, head)), ...(told ?? []), ...(kept ? [kept] : [])];
}

function shortName(layer, head) {
  const own = say("label.head", { head: layer.heads[head] });
  if (groups.length === 1 || (isFew && state.sort === "place")) return own;
  return `${titleOf(layer)} · ${layer.heads[head]}`;
}

function sortedBy(layer, head) {
  if (state.sort === "place") return "";
  const value = layer.metrics[state.sort][head];
  return value === null ? "—" : number(value).slice(0, 5);
}

// Cards with their names, as many in a row as a layer has heads.
function cardsPicture(own) {
  const [size, gap, top] = [120, 16, 64];
  const columns = Math.min(Math.max(4, Math.min(12, state.sort === "place" ? numbers.length : 12)), own.length);
  const maps = own.flatMap(({ layer, head, name, canvas }, place) => {
    const [x, y] = [gap + (place % columns) * (size + gap), top + Math.floor(place / columns) * (size + gap + 14)];
    const value = sortedBy(layer, head);
    const text = shortened(value ? shortName(layer, head) : name, 11, size - (value ? 42 : 0));
    const bold = { text: value, x: x + size, y: y - 5, size: 11, fill: themed("ink"), anchor: "end", bold: true };
    return [{ text, x, y: y - 5, size: 11, fill: themed("quiet") }, ...(value ? [bold] : []), ...mapItems(canvas, x, y, size)];
  });
  return {
    width: Math.max(gap + columns * (size + gap), 420),
    height: top + Math.ceil(own.length / columns) * (size + gap + 14),
    items: [heading(gap), ...maps],
  };
}

// The grid: a row a layer, a column a head.
function gridPicture(own) {
  const [size, gap, left, top] = [40, 4, 96, 72];
  const at = (place) => place * (size + gap);
  const [quiet, middle] = [{ size: 11, fill: themed("quiet") }, size / 2 + 4];
  const columns = numbers.map((one, place) => ({ text: String(one), x: left + at(place) + size / 2, y: top - 8, anchor: "middle", ...quiet }));
  const rows = groups.map(([layer], place) => ({ text: shortened(titleOf(layer), 11, left - 24), x: 16, y: top + at(place) + middle, ...quiet }));
  const maps = own.flatMap((one) =>
    mapItems(one.canvas, left + at(numbers.indexOf(one.number)), top + at(one.layer.of), size),
  );
  return {
    width: Math.max(left + at(numbers.length) + 16, 420),
    height: top + at(groups.length) + 16,
    items: [heading(16), ...columns, ...rows, ...maps],
  };
}

function heading(x) {
  const sorted = state.sort === "place" ? "" : `: ${say(`page.sort_${state.sort}`)}`;
  return { text: `${say("page.overview")}${sorted}`, x, y: 28, size: 15, fill: themed("ink"), bold: true };
}

function mapItems(canvas, x, y, size) {
  return [
    { hatch: [x, y, size, size], stroke: themed("hatch") },
    { image: canvas, x, y, width: size, height: size },
  ];
}
