// Matrix: the map of a head, and beside it a second one, if one is asked for: of another head, another layer or another
// step; where both are of one step, on one scale, and beside them their difference. What is pointed at or chosen in one is so
// in all.

import { scaleOfMap } from "./bitmap.js";
import { header } from "./choices.js";
import { layers, quoted } from "./data.js";
import { alike, isShared, slotsOf, subtracted } from "./difference.js";
import { writingOf } from "./digits.js";
import { make } from "./dom.js";
import { joined } from "./joined.js";
import { say } from "./lessons.js";
import { mapOf } from "./maps.js";
import { mapView } from "./matrix.js";
import { partner } from "./partners.js";
import { show } from "./readout.js";
import { change, state } from "./state.js";

const anyComputes = layers.some((one) => one.computes);

export function matrix() {
  const spotOfFirst = () => ({ layer: state.layer, head: state.head, step: state.step });
  const spotOfSecond = () => state.other ?? spotOfFirst();
  const first = mapView({
    id: "map",
    main: true,
    spot: spotOfFirst,
    hovered: (query, key) => pointElsewhere(first, query, key),
    told: (query, key, aloud) => tellBoth(everywhere(first, query, key), aloud),
    alongside: (wanted) => (second ? scaleAt(spotOfSecond(), wanted) : null),
  });
  const caption = make("h2", { class: "of-map", hidden: true });
  const element = make("div", { class: "maps" }, make("div", { class: "pane" }, caption, first.element));
  const nothing = make("p", { class: "quiet nothing-shared" });
  let [second, pane, third, slots] = [null, null, null, null];

  async function update() {
    if (state.other !== null && !second) open();
    if (state.other === null && second) close();
    const subtracts = second !== null && areAlike();
    slots = subtracts ? slotsBetween(layers[state.layer], layers[spotOfSecond().layer]) : null;
    if (slots && !third) openThird();
    if (!slots && third) closeThird();
    element.classList.toggle("two", second !== null);
    element.classList.toggle("three", third !== null);
    caption.hidden = second === null; // before the maps take their room
    nothing.textContent = subtracts && !slots ? say("beside.nothing_shared") : "";
    pane?.update();
    if (subtracts) for (const map of [first, second, third].filter(Boolean)) await map.update(); // each needs those before
    else await Promise.all([first.update(), second?.update()]);
    caption.textContent = first.title() ?? "";
    if (second && state.query !== null && state.key !== null) tellBoth(everywhere(first, state.query, state.key), false);
  }

  function open() {
    second = mapView({
      id: "other-map",
      main: false,
      spot: spotOfSecond,
      hovered: (query, key) => pointElsewhere(second, query, key),
      told: (query, key, aloud) => tellBoth(everywhere(second, query, key), aloud),
      alongside: (wanted) => scaleAt(spotOfFirst(), wanted),
      ...chosenThrough(() => second),
    });
    pane = header();
    element.append(make("div", { class: "pane" }, pane.element, second.element), nothing);
  }

  function close() {
    if (third) closeThird();
    second.close();
    second.element.parentNode.remove();
    nothing.remove();
    [second, pane] = [null, null];
  }

  function openThird() {
    third = mapView({
      id: "difference-map",
      main: false,
      spot: () => ({ ...spotOfFirst(), step: "difference", with: JSON.stringify([state.step, state.other]) }),
      read: async (_, wanted) => {
        const maps = await mapsOf([spotOfFirst(), spotOfSecond()], wanted);
        return maps && slots && { layer: slots.layer, map: subtracted(slots, ...maps) };
      },
      title: () => say("beside.difference"),
      explained: () => say(isWhole(slots) ? "beside.each_cell" : "beside.each_cell_lonely"),
      hovered: (query, key) => pointElsewhere(third, query, key),
      told: (query, key, aloud) => tellDifference(everywhere(third, query, key), aloud),
      ...chosenThrough(() => third),
    });
    element.append(make("div", { class: "pane of-difference" }, make("h2", { class: "of-map" }, say("beside.difference")), third.element));
  }

  function closeThird() {
    third.close();
    third.element.parentNode.remove();
    third = null;
  }

  // Of a map that is not the first: which of its cells is chosen, which the first one's texts say.
  function chosenThrough(map) {
    return {
      chosen: () => everywhere(first, state.query, state.key).get(map()) ?? [null, null],
      choose: (query, key) => {
        const there = everywhere(map(), query, key).get(first);
        if (!there.includes(null)) change({ query: there[0], key: there[1], detail: false });
      },
    };
  }

  // Whether the numbers of both maps mean the same.
  function areAlike() {
    const [one, other] = [spotOfFirst(), spotOfSecond()].map(({ layer, step }) => ({ layer: layers[layer], step }));
    return alike(one, other);
  }

  // The scale of a map beside another whose colours mean the same; null where they do not.
  async function scaleAt(spot, wanted) {
    if (!areAlike()) return null;
    const [found] = (await mapsOf([spot], wanted)) ?? [];
    return found ? scaleOfMap(found.layer, found.map, spot.step) : null;
  }

  // Where a cell of one map is in each: [query, key], null where its text has no such token.
  function everywhere(from, query, key) {
    const [one, other] = [spotOfFirst(), spotOfSecond()].map(({ layer }) => layers[layer]);
    const [left, right] = from === third && third ? halves(query, key) : from === second ? [through(other, one, query, key), [query, key]] : [[query, key], second ? through(one, other, query, key) : [null, null]];
    const found = new Map([[first, left]]);
    if (second) found.set(second, right);
    if (third) found.set(third, from === third ? [query, key] : placesOf(left, right));
    return found;
  }

  // The query and the key of a place of the difference in both.
  function halves(query, key) {
    const [row, column] = [slots?.queries[query], slots?.keys[key]];
    return [0, 1].map((side) => [row?.[side] ?? null, column?.[side] ?? null]);
  }

  // The way back.
  function placesOf(left, right) {
    return [slots?.queries, slots?.keys].map((all, side) => {
      const found = (all ?? []).findIndex(([one, other]) => (left[side] !== null && one === left[side]) || (right[side] !== null && other === right[side]));
      return found < 0 ? null : found;
    });
  }

  function pointElsewhere(from, query, key) {
    for (const [map, there] of everywhere(from, query, key)) if (map !== from) map.pointAt(...(query === null ? [null, null] : there));
  }

  // Say a cell of both maps, if there are two that have it; else false.
  function tellBoth(spots, aloud) {
    const [here, there] = [spots.get(first), spots.get(second)];
    if (!second || here.includes(null) || there.includes(null)) return false;
    const values = [first.valueAt(...here), second.valueAt(...there)];
    const [left, right] = [wordsOf(values[0], first.writes()), wordsOf(values[1], second.writes())];
    if (left === null || right === null) return false;
    const layer = layers[state.layer];
    const names = { query: quoted(layer.queryTexts, here[0]), key: quoted(layer.keyTexts, here[1]) };
    if (third && !values.every(Number.isNaN)) show("beside.cell_difference", { ...names, left, right, difference: differenceOf(values) }, aloud);
    else show("beside.cell", { ...names, left, right }, aloud);
    return true;
  }

  // Say a cell of the difference: of both maps, or where only one has it, of that.
  function tellDifference(spots, aloud) {
    if (tellBoth(spots, aloud)) return true;
    const one = [first, second].find((map) => !spots.get(map).includes(null));
    if (one) one.tell(...spots.get(one), aloud);
    else show("beside.apart", {}, aloud);
    return true;
  }

  // The first number minus the second, in the digits that both have; what is hidden is 0.
  function differenceOf(values) {
    const both = [spotOfFirst(), spotOfSecond()].map(({ layer }) => layers[layer]);
    const errors = both.some((layer) => layer.errors) ? {} : null;
    const step = spotOfFirst().step;
    const off = both.reduce((sum, layer) => sum + (layer.errors?.[step] ?? 0), 0);
    const [left, right] = values.map((value) => (Number.isNaN(value) ? 0 : value));
    return writingOf({ errors }, () => off).number(left - right);
  }

  return {
    element,
    controls: ["layer", "head", ...(anyComputes ? ["step"] : []), "beside", "scale", "first", "special", "threshold"],
    update,
    picture: () => [first, second, third].filter(Boolean).map((map) => map.picture()).reduce(joined),
    close: () => [first, second, third].forEach((map) => map?.close()),
  };
}

// The maps at these spots with their layers, one after the other; null once they are no longer wanted.
async function mapsOf(spots, wanted) {
  const found = [];
  for (const { layer, head, step } of spots) {
    const map = await mapOf(layer, head, step, wanted);
    if (!map) return null;
    found.push({ layer: layers[layer], map });
  }
  return found;
}

// The query and the key of one layer's texts as the other's have them: null where there is no such token.
function through(from, to, query, key) {
  return [partner(from, to, "query", query), partner(from, to, "key", key)];
}

// slotsOf, of the same two layers the same.
const known = new Map();
function slotsBetween(one, other) {
  const name = `${one.place} ${other.place}`;
  if (!known.has(name)) known.set(name, slotsOf(one, other));
  return known.get(name);
}

function isWhole({ queries, keys }) {
  return [queries, keys].every((all) => all.every(isShared));
}

function wordsOf(value, { number } = {}) {
  if (value === undefined) return null;
  return Number.isNaN(value) ? say("beside.hidden") : number(value);
}
