// One head's map, tokens on both sides, which stay where they are while the map is scrolled; beside.js makes the Matrix of it.

import { absence } from "./absence.js";
import { bitmapOf, painted } from "./bitmap.js";
import { measured } from "./contributions.js";
import { loaded, record } from "./data.js";
import { writing } from "./digits.js";
import { eachFrame, make } from "./dom.js";
import { drawCrosshair, drawMap, gutters, mapPicture } from "./grid.js";
import { ownerOf } from "./heads.js";
import { listenTo } from "./gestures.js";
import { PHONE, ZOOM, clamp } from "./measure.js";
import { legend } from "./legend.js";
import { say } from "./lessons.js";
import { isKept, isSlow, mapOf, smallMap } from "./maps.js";
import { seen } from "./pause.js";
import { readout, show, showCell, voice } from "./readout.js";
import { rowOf } from "./rule.js";
import { allKeys, allQueries, shownKeys, shownQueries } from "./shown.js";
import { change, state } from "./state.js";

const [SMALLEST, LARGEST, FIRST] = [0.1, 128, 96]; // pixels of a cell: at the least, at the most, and at first at the most
const COARSE = 128; // cells across, of a map that is first drawn with few
const [BELOW, BESIDE] = [52, 13]; // pixels that the scale takes below the map, and the space beside the buttons

// What bitmapOf gives of a map, but of few of its cells, each large: soon there.
function coarse(layer, head) {
  const { values, width } = smallMap(layer, head, COARSE);
  const all = { rows: allQueries(layer), columns: allKeys(layer) };
  return { rows: shownQueries(layer), columns: shownKeys(layer), all, ...painted(values, width) };
}

// `own` has: id; spot(), the places of the layer and the head, and the step, that are shown, and what else tells it from others (`with`); main, whether the arithmetic is
// of this map; hovered(query, key) and told(query, key, aloud), which say in its place what is pointed at, or are missing;
// chosen() and choose(query, key), the query and the key of this map's texts that are chosen, where these are others than
// the main map's; alongside(), which gives the scale of a map whose colours mean the same; and, of a map of no head, read(), which
// gives { layer, map }, and title() and explained(), its words.
export function mapView(own) {
  const base = make("canvas", { "aria-hidden": "true" });
  const over = make("canvas", { "aria-hidden": "true" });
  const spacer = make("div", { class: "spacer" });
  const frame = make(
    "div",
    { class: "frame", role: "application", tabindex: "0", id: own.id },
    make("div", { class: "pinned" }, base, over),
    spacer,
  );
  const key = make("div", { class: "key" });
  const rule = make("p", { class: "quiet each-row" }); // what a row is
  const button = (name, sign, run) =>
    make("button", { type: "button", class: "tool", "aria-label": say(name), title: say(name), onclick: run }, sign);
  const zoomed = make(
    "div",
    { class: "zoom" },
    button("page.zoom_in", "+", () => zoom(ZOOM)),
    button("page.zoom_out", "−", () => zoom(1 / ZOOM)),
    button("page.fit", "⤢", () => fit()),
  );
  const note = make("div", { class: "aside", hidden: true }); // why a page of weights has no arithmetic, once it is asked for
  const element = make("div", { class: "matrix" }, rule, make("div", { class: "side-by-side" }, zoomed, frame, note), key);
  let found = null; // the query that was scrolled to: a person may then scroll away
  const view = { cell: 0, hover: null, touched: false };
  let [layer, map, drawn, closed] = [null, null, null, false];
  let beside = null; // the scale of the map that stands beside it

  const chosenHere = () => own.chosen?.() ?? [state.query, state.key];
  const chosenPair = () => (chosenHere().includes(null) ? null : chosenHere());
  const redraw = eachFrame(() => drawn && drawMap(base, frame, drawn, view));
  const point = eachFrame(() => drawn && crosshair());

  async function update() {
    const spot = own.spot();
    const wanted = () => !closed && isSame(spot, own.spot());
    const found = await (own.read ?? ofHead)(spot, wanted);
    if (!found || !wanted()) return;
    beside = (await own.alongside?.(wanted)) ?? null;
    if (!wanted()) return;
    lay(found.layer, { map: found.map, step: spot.step, ...bitmapOf(found.layer, found.map, spot.step, beside) });
    if (chosenPair()) tell(...chosenPair(), false);
    else if (own.main) show(layer.computes ? "page.idle_matrix" : "page.idle_map", {});
  }

  // The map of a head; of a long text first one of few cells.
  async function ofHead(spot, wanted) {
    const whole = await loaded(spot.layer);
    if (!wanted()) return null;
    if (spot.step === "weights" && isSlow(whole) && !isKept(spot.layer, spot.head, spot.step)) {
      lay(whole, { map: null, step: spot.step, ...coarse(whole, spot.head) });
      await seen();
    }
    const map = await mapOf(spot.layer, spot.head, spot.step, wanted);
    return map && { layer: whole, map };
  }

  // What the room that a map takes depends on: the whole text, however far it is read.
  function roomName() {
    return `${layer.place} ${drawn?.all.rows.length} ${drawn?.all.columns.length}`;
  }

  function eachRow() {
    return own.explained?.() ?? rowOfHead(layer, drawn.step);
  }

  // Which head this is, and what its map shows.
  function title() {
    return own.title?.() ?? `${ownerOf(layer, own.spot().head, drawn.step)}: ${measured(layer, drawn.step)}`;
  }

  // Scroll to the row of the chosen query, where it is another.
  function find() {
    const [query] = chosenHere();
    const row = drawn.rows.indexOf(query);
    const [top, room] = [row * view.cell, frame.clientHeight - view.gutter.top];
    const seen = top >= frame.scrollTop && top + view.cell <= frame.scrollTop + room;
    if (row >= 0 && query !== found && !seen) frame.scrollTop = top - room / 2;
    found = query;
  }

  // Show what is drawn of a layer.
  function lay(whole, what) {
    const before = layer && roomName();
    [layer, map, drawn] = [whole, what.map, { layer: whole, ...what }];
    frame.setAttribute("aria-label", say("page.map", { title: own.title?.() ?? ownerOf(layer, own.spot().head, drawn.step) }));
    if (map) key.replaceChildren(legend(drawn));
    note.replaceChildren(absence());
    rule.textContent = eachRow();
    if (before !== roomName()) fit();
    else resize();
    find();
  }

  function fit() {
    if (!drawn) return;
    const width = breadth();
    frame.style.maxWidth = `${width}px`;
    frame.style.maxHeight = `${room()}px`;
    view.gutter = gutters(base, { layer, ...drawn.all }, width);
    const [wide, high] = [width - view.gutter.left - 2, room() - view.gutter.top - 2];
    view.cell = clamp(Math.min(wide / drawn.all.columns.length, high / drawn.all.rows.length), SMALLEST, FIRST);
    frame.style.overflow = "hidden"; // a scroll bar of the size before would take room, and so be needed
    resize();
    frame.style.overflow = "";
  }

  function resize() {
    spacer.style.width = `${view.gutter.left + drawn.all.columns.length * view.cell}px`;
    spacer.style.height = `${view.gutter.top + drawn.all.rows.length * view.cell}px`;
    drawMap(base, frame, drawn, view);
    crosshair();
  }

  function zoom(factor, x = frame.clientWidth / 2, y = frame.clientHeight / 2) {
    if (!drawn) return;
    const { left, top } = view.gutter;
    const [column, row] = [(x - left + frame.scrollLeft) / view.cell, (y - top + frame.scrollTop) / view.cell];
    view.cell = clamp(view.cell * factor, SMALLEST, LARGEST);
    resize();
    frame.scrollTo(column * view.cell - x + left, row * view.cell - y + top);
    redraw();
  }

  function crosshair() {
    const chosen = chosenPair() && place(...chosenPair());
    const row = chosen || view.hover ? -1 : drawn.rows.indexOf(chosenHere()[0]);
    drawCrosshair(over, frame, drawn, view, view.hover ?? chosen, chosen, row);
  }

  // Where a query and a key are on the map, or null where they are not shown.
  function place(query, key) {
    const [row, column] = [drawn.rows.indexOf(query), drawn.columns.indexOf(key)];
    return row < 0 || column < 0 ? null : { row, column };
  }

  function cellAt(event) {
    const box = frame.getBoundingClientRect();
    const [x, y] = [
      event.clientX - box.left - frame.clientLeft - view.gutter.left,
      event.clientY - box.top - frame.clientTop - view.gutter.top,
    ];
    if (x < 0 || y < 0) return null;
    const [column, row] = [
      Math.floor((x + frame.scrollLeft) / view.cell),
      Math.floor((y + frame.scrollTop) / view.cell),
    ];
    return row < drawn.rows.length && column < drawn.columns.length ? { row, column } : null;
  }

  // The value of a cell: NaN where it is hidden, undefined where there is none such.
  function valueAt(query, key) {
    if (!map || !(query < layer.queries && key < layer.keys)) return undefined;
    const value = map[query * layer.keys + key];
    return layer.computes && !Number.isNaN(value) ? rowOf(layer, own.spot().head, query)[drawn.step][key] : value;
  }

  function tell(query, key, aloud) {
    if (!own.told?.(query, key, aloud)) tellOwn(query, key, aloud);
  }

  function tellOwn(query, key, aloud) {
    if (!map) return; // until all of it is computed
    const row = drawn.step === "weights" ? map.subarray(query * layer.keys, (query + 1) * layer.keys) : null;
    showCell(layer, query, key, valueAt(query, key), { aloud, row, step: drawn.step });
    if (view.touched && query === chosenHere()[0] && key === chosenHere()[1])
      readout.append(" ", make("span", { class: "quiet" }, say("page.tap_again")));
  }

  function choose({ row, column }, detail, byTouch = false) {
    const [query, key] = [drawn.rows[row], drawn.columns[column]];
    const opens = detail && layer.computes && own.main;
    note.hidden = layer.computes || !detail || Boolean(own.read);
    view.touched = byTouch && !detail && layer.computes && own.main;
    if (own.choose) own.choose(query, key);
    else change({ query, key, detail: opens });
    tell(query, key, true);
    if (!note.hidden) voice.append(" ", note.textContent);
    const { left, top } = view.gutter;
    const [x, y] = [column * view.cell, row * view.cell];
    frame.scrollTo(
      clamp(frame.scrollLeft, x + left + view.cell - frame.clientWidth, x),
      clamp(frame.scrollTop, y + top + view.cell - frame.clientHeight, y),
    );
  }

  function hover(cell) {
    if (cell?.row === view.hover?.row && cell?.column === view.hover?.column) return;
    view.hover = cell;
    point();
    own.hovered?.(cell && drawn.rows[cell.row], cell && drawn.columns[cell.column]);
    if (cell) tell(drawn.rows[cell.row], drawn.columns[cell.column], false);
    else if (chosenPair()) tell(...chosenPair(), false);
  }

  // Show what is pointed at in another map, at this map's query and key, null where there is none.
  function pointAt(query, key) {
    view.hover = drawn && query !== null && key !== null ? place(query, key) : null;
    point();
  }

  listenTo(frame, {
    cellAt,
    hover,
    choose,
    zoom,
    redraw: () => (redraw(), point()),
    current: () => chosenPair() && place(...chosenPair()),
    first: () => Math.max(0, drawn.rows.indexOf(chosenHere()[0])),
    size: () => drawn && { rows: drawn.rows.length, columns: drawn.columns.length },
    fit,
  });
  let width = 0; // of the room for the map: only another one asks for another size of its cells
  const observer = new ResizeObserver(
    eachFrame(() => {
      if (drawn && element.clientWidth !== width) fit();
      width = element.clientWidth;
    }),
  );
  observer.observe(element);
  // What is left of the window below the top of the map, and beside the buttons.
  const room = () => Math.max(300, window.innerHeight - (frame.getBoundingClientRect().top + window.scrollY) - BELOW);
  // On a phone the buttons stand below, as in the style sheet.
  const breadth = () => Math.max(120, element.clientWidth - (PHONE.matches ? 0 : zoomed.offsetWidth + BESIDE));

  return {
    element,
    update,
    valueAt,
    writes: () => (drawn ? writing(layer, drawn.step) : undefined),
    pointAt,
    tell: tellOwn,
    title: () => drawn && title(),
    picture: () => mapPicture(map ? { ...drawn, ...bitmapOf(layer, map, drawn.step, beside) } : drawn, title(), eachRow()),
    close: () => {
      closed = true;
      observer.disconnect();
    },
  };
}

// What a row of the map is. Its weights add up to 1, unless a sink takes a share or the row is not all here.
function rowOfHead(layer, step) {
  if (step === "contribution") return say(layer.signed ? "page.each_row_along" : "page.each_row_contribution");
  if (step === "summed") return say(layer.signed ? "page.each_row_summed_along" : "page.each_row_summed");
  if (step !== "weights") return say("page.each_row_step");
  if (layer.hasSinks) return say("page.each_row_sink");
  return say(layer.pooled || layer.alone || record.region ? "page.each_row_part" : "page.each_row");
}

function isSame(one, other) {
  return one.layer === other.layer && one.head === other.head && one.step === other.step && one.with === other.with;
}
