// Overview: every head of every layer as a small map.

import { themed } from "./colours.js";
import { painted } from "./bitmap.js";
import { layers, loaded, record, roleOf } from "./data.js";
import { make } from "./dom.js";
import { say } from "./lessons.js";
import { shortened } from "./measure.js";
import { number } from "./numbers.js";
import { show } from "./readout.js";
import { hold, roving } from "./roving.js";
import { rowOf } from "./rule.js";
import { shownKeys, shownQueries } from "./shown.js";
import { change, state } from "./state.js";

const MOST = 96; // pixels of a small map; of a longer text every so many queries, and the largest of their keys
const PATIENCE = 12; // milliseconds of work before the browser may paint

export function overview() {
  const element = make("div", { class: "overview" });
  let [cards, run] = [[], 0];

  function build() {
    cards = ordered().map(card);
    const groups =
      state.sort === "place"
        ? layers.map((layer) => group(layer, cards))
        : [
            make(
              "div",
              { class: "cards" },
              cards.map((one) => one.button),
            ),
          ];
    element.replaceChildren(...groups);
    element.style.setProperty("--heads", Math.max(...layers.map((layer) => layer.heads.length)));
    const current = cards.find((one) => one.layer.place === state.layer && one.head === state.head);
    hold(
      cards.map((one) => one.button),
      (current ?? cards[0]).button,
    );
    show("page.idle_overview", {});
    return paintAll(++run);
  }

  async function paintAll(own) {
    let began = performance.now();
    for (const one of cards) {
      const layer = await loaded(one.layer.place);
      if (own !== run) return;
      one.paint(layer);
      if (performance.now() - began < PATIENCE) continue;
      await new Promise((done) => setTimeout(done));
      began = performance.now();
    }
  }

  roving(element, () => cards.map((one) => one.button));
  return {
    element,
    controls: ["sort", "scale", "first", "special", "threshold"],
    update: build,
    picture: () => pictureOf(cards),
    close: () => run++,
  };
}

function ordered() {
  const all = layers.flatMap((layer) => layer.heads.map((_, head) => ({ layer, head })));
  if (state.sort === "place") return all;
  const value = ({ layer, head }) => layer.metrics[state.sort][head] ?? -Infinity;
  return all.sort((one, other) => value(other) - value(one));
}

function group(layer, cards) {
  const title = make("h2", {}, titleOf(layer));
  const own = cards.filter((one) => one.layer === layer).map((one) => one.button);
  return make("section", { class: "layer", "aria-label": titleOf(layer) }, title, make("div", { class: "cards" }, own));
}

function card({ layer, head }) {
  const value = state.sort === "place" ? null : layer.metrics[state.sort][head];
  const [name, role] = [headName(layer, head), roleOf(layer, head)];
  const sorted = state.sort !== "place";
  const short =
    sorted && layers.length > 1
      ? `${titleOf(layer)} · ${layer.heads[head]}`
      : say("label.head", { head: layer.heads[head] });
  const shown = sorted ? (value === null ? "—" : number(value).slice(0, 5)) : "";
  const canvas = make("canvas", { class: "thumb", width: 1, height: 1, "aria-hidden": "true" });
  const meaning = make("span", { class: "unseen" }, `, ${say(`page.sort_${state.sort}`)} `);
  const caption = make(
    "span",
    { class: "caption" },
    make("span", {}, short, role ? make("span", { class: "role" }, ` · ${role.name}`) : null),
    sorted ? [meaning, make("b", {}, shown)] : null,
  );
  const open = () => change({ view: "matrix", layer: layer.place, head, heads: null });
  const button = make(
    "button",
    { class: "card", type: "button", "aria-label": sorted ? null : name, title: role?.evidence, onclick: open },
    canvas,
    caption,
  );
  const paint = (ready) => {
    const small = smallMap(ready, head);
    [canvas.width, canvas.height] = [small.width, small.height];
    canvas.getContext("2d").drawImage(small, 0, 0);
  };
  return { layer, head, name, short, shown, button, canvas, paint };
}

export function titleOf(layer) {
  return /^layer /.test(layer.title)
    ? say("label.layer", { layer: layer.index })
    : layer.title[0].toUpperCase() + layer.title.slice(1);
}

export function headName(layer, head) {
  const role = roleOf(layer, head);
  const own = say("label.head", { head: layer.heads[head] }) + (role ? ` · ${role.name}` : "");
  return record.layers.length > 1 ? `${titleOf(layer)}, ${own[0].toLowerCase()}${own.slice(1)}` : own;
}

function smallMap(layer, head) {
  const [rows, columns] = [shownQueries(layer), shownKeys(layer)];
  const [height, width] = [Math.min(rows.length, MOST), Math.min(columns.length, MOST)];
  const values = new Float32Array(height * width).fill(NaN);
  for (let y = 0; y < height; y++) {
    const row = rowOf(layer, head, rows[Math.floor((y * rows.length) / height)]);
    for (let place = 0; place < columns.length; place++) {
      const key = columns[place];
      if (row.hidden[key]) continue;
      const cell = y * width + Math.floor((place * width) / columns.length);
      if (!(values[cell] >= row.weights[key])) values[cell] = row.weights[key];
    }
  }
  return painted(values, width).canvas;
}

function pictureOf(cards) {
  const [size, gap, across] = [
    120,
    16,
    Math.max(4, Math.min(12, state.sort === "place" ? layers[0].heads.length : 12)),
  ];
  const columns = Math.min(across, cards.length);
  const top = 64;
  const sorted = state.sort === "place" ? "" : `: ${say(`page.sort_${state.sort}`)}`;
  const title = { text: `${say("page.overview")}${sorted}`, x: gap, y: 28, size: 15, fill: themed("ink"), bold: true };
  const maps = cards.flatMap((one, place) => {
    const [x, y] = [gap + (place % columns) * (size + gap), top + Math.floor(place / columns) * (size + gap + 14)];
    const room = size - (one.shown ? 42 : 0);
    return [
      { text: shortened(one.shown ? one.short : one.name, 11, room), x, y: y - 5, size: 11, fill: themed("quiet") },
      ...(one.shown
        ? [{ text: one.shown, x: x + size, y: y - 5, size: 11, fill: themed("ink"), anchor: "end", bold: true }]
        : []),
      { hatch: [x, y, size, size], stroke: themed("hatch") },
      { image: one.canvas, x, y, width: size, height: size },
    ];
  });
  return {
    width: Math.max(gap + columns * (size + gap), 420),
    height: top + Math.ceil(cards.length / columns) * (size + gap + 14),
    items: [title, ...maps],
  };
}
