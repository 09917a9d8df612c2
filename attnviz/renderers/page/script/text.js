// Text: the sentence itself, tinted by how much a token looks at the others, or they at it.

import { cssShade, inkOn, themed } from "./colours.js";
import { loaded, quoted } from "./data.js";
import { writing } from "./digits.js";
import { make, reveal, wear } from "./dom.js";
import { apart, directionOf } from "./measure.js";
import { say } from "./lessons.js";
import { mapOf } from "./maps.js";
import { headName } from "./heads.js";
import { layPatches, spotOfPatch } from "./patches.js";
import { show, showCell } from "./readout.js";
import { scaleOf, shownKeys, shownQueries, toneOf, upTo } from "./shown.js";
import { change, state } from "./state.js";
import { rowOf } from "./rule.js";
import { tokenList } from "./words.js";

const LINE = 760; // pixels of a line of the picture
const FAINTEST = 0.02; // a shade below it cannot be told from none

export function text() {
  const element = make("div", { class: "text" });
  let [layer, lists, spoken, closed] = [null, null, false, false];
  let found = ""; // the token that was scrolled to: a person may then scroll away
  let weights = null; // of the chosen token's row or column, NaN where hidden

  async function update() {
    const own = { place: state.layer, head: state.head };
    const [ready, map] = [await loaded(own.place), state.towards ? await mapOf(own.place, own.head) : null];
    if (closed || own.place !== state.layer || own.head !== state.head || (state.towards && !map)) return;
    layer = ready;
    build();
    const place = chosen();
    weights = place === null ? null : state.towards ? columnOf(map, place) : rowFrom(place);
    tint();
    find(place);
    if (place === null) show("page.idle_text", {});
    else tellMost(place, spoken);
    spoken = false;
  }

  // Scroll to the chosen token, where it is another.
  function find(place) {
    const name = `${layer.place} ${state.towards} ${place}`;
    const side = state.towards ? "key" : "query";
    if (name !== found) reveal(element, lists[side].at(place));
    found = name;
  }

  function build() {
    const [rows, columns] = [shownQueries(layer), shownKeys(layer)];
    const name = `${layer.place} ${layer.apart}`;
    const one = !layer.apart && layer.queries === layer.keys; // the key that is left out stays, untinted
    if (lists?.name !== name) open(name, one);
    Object.assign(lists, { rows, columns });
    lists.query.lay(rows);
    if (!one) lists.key.lay(columns);
  }

  function open(name, one) {
    const query = listOf("query", layer.queryTexts);
    lists = { name, one, query, key: one ? query : listOf("key", layer.keyTexts) };
    const titled = (side) => [make("h2", {}, say(`label.${side}`)), lists[side].element];
    if (layer.apart) element.replaceChildren(...titled("query"), ...titled("key"));
    else element.replaceChildren(...(one ? [lists.query.element] : [...titled("query"), ...titled("key")]));
  }

  function listOf(side, texts) {
    const list = tokenList({
      labels: texts.labels,
      label: say(`label.${side}`),
      direction: directionOf(texts),
      className: "prose",
      choose: (place) => choose(side, place),
      point: (place) => point(side, place),
    });
    const lay = (places) => (list.lay(places), layPatches(list, texts));
    return { ...list, lay };
  }

  // The token that looks, or is looked at.
  function chosen() {
    return state.towards ? state.key : state.query;
  }

  function choose(side, place) {
    const towards = lists.one ? state.towards : side === "key";
    spoken = true;
    change({ towards, query: towards ? null : place, key: towards ? place : null });
  }

  // Whom the query looks at: its row alone, however long the text is.
  function rowFrom(query) {
    const row = rowOf(layer, state.head, query);
    return row.weights.map((weight, key) => (row.hidden[key] ? NaN : weight));
  }

  // Who looks at the key.
  function columnOf(map, key) {
    return Float64Array.from({ length: layer.queries }, (_, query) => map[query * layer.keys + key]);
  }

  function point(side, other) {
    const place = chosen();
    if (place === null || weights === null || (!lists.one && (side === "key") === state.towards)) return;
    if (other === null) return tellMost(place, false);
    const [query, key] = state.towards ? [other, place] : [place, other];
    showCell(layer, query, key, weights[other]);
  }

  function tellMost(place, aloud) {
    const others = state.towards ? lists.rows : lists.columns;
    const best = others.reduce((most, other) => (weights[other] > (weights[most] || 0) ? other : most), others[0]);
    const weight = weights[best];
    const texts = state.towards ? layer.keyTexts : layer.queryTexts;
    if (!(weight > 0))
      return show(`page.nothing_${state.towards ? "key" : "query"}`, { token: quoted(texts, place) }, aloud);
    const [query, key] = state.towards ? [best, place] : [place, best];
    show(
      "page.most",
      {
        query: quoted(layer.queryTexts, query),
        key: quoted(layer.keyTexts, key),
        weight: writing(layer, "weights").number(weight),
        head: layer.heads[state.head],
      },
      aloud,
    );
  }

  function tones() {
    const place = chosen();
    if (place === null) return new Map();
    const others = state.towards ? lists.rows : lists.columns;
    const own = Float64Array.from(others, (other) => weights[other]);
    const scale = state.scale === "log" ? scaleOf(own) : upTo(largest(own));
    return new Map(others.map((other) => [other, toneOf(weights[other], scale)]));
  }

  function largest(values) {
    return values.reduce((most, value) => (value > most ? value : most), 0) || 1;
  }

  function tint() {
    const shades = tones();
    for (const side of ["query", "key"]) {
      if (lists.one && side === "key") continue;
      const own = lists.one || (side === "key") !== state.towards;
      lists[side].each((place, option) => {
        const tone = own ? (shades.get(place) ?? 0) : 0;
        const [ground, ink] = tone >= FAINTEST ? [cssShade(tone), inkOn(tone)] : ["", ""];
        wear(option, ground, (style) => ([style.backgroundColor, style.color] = [ground, ink]));
      });
      lists[side].select(lists.one || (side === "key") === state.towards ? chosen() : null);
    }
  }

  return {
    element,
    controls: ["layer", "head", "towards", "scale", "first", "special", "threshold"],
    update,
    picture: () => pictureOf(layer, lists, tones(), chosen()),
    close: () => (closed = true),
  };
}

// The tokens as they stand in the view: in lines, or in the grid of an image's patches.
function pictureOf(layer, lists, shades, chosen) {
  const [places, texts] = state.towards || lists.one ? [lists.rows, layer.queryTexts] : [lists.columns, layer.keyTexts];
  const spots = texts.grid ? inGrid(places, texts) : inLines(places, texts);
  const title = { text: headName(layer, state.head), x: 16, y: 26, size: 15, fill: themed("ink"), bold: true };
  const items = spots.flatMap(({ place, x, y, wide, high, size }) => {
    const tone = shades.get(place) ?? 0;
    const fill = tone >= FAINTEST ? inkOn(tone) : themed("ink");
    const text = { text: apart(texts.labels[place]), x: x + 5, y: y + high / 2 + size / 3, size, fill };
    const ground = tone >= FAINTEST ? [{ rect: [x, y, wide, high], fill: cssShade(tone) }] : [];
    return [...ground, ...(place === chosen ? [{ rect: [x, y + high, wide, 2], fill: themed("accent") }] : []), text];
  });
  const width = Math.max(LINE, ...spots.map(({ x, wide }) => x + wide + 16));
  return { width, height: Math.max(...spots.map(({ y, high }) => y + high)) + 22, items: [title, ...items] };
}

function inLines(places, texts) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "15px system-ui";
  let [x, y] = [16, 44];
  return places.map((place) => {
    const wide = pen.measureText(apart(texts.labels[place])).width + 10;
    if (x + wide > LINE - 16) [x, y] = [16, y + 30];
    const left = directionOf(texts) === "rtl" ? LINE - x - wide : x;
    x += wide + 4;
    return { place, x: left, y, wide, high: 24, size: 15 };
  });
}

function inGrid(places, texts) {
  return places.map((place) => {
    const { row, column } = spotOfPatch(texts, place);
    return { place, x: 16 + column * 44, y: 44 + row * 44, wide: 42, high: 42, size: 10 };
  });
}
