// Maps as pixels: one for each cell that is shown, nothing where a cell is hidden.

import { pixelPlace, pixels } from "./colours.js";
import { allKeys, allQueries, contributes, isGraded, scaleOf, shownKeys, shownQueries, toneWith } from "./shown.js";
import { state } from "./state.js";

const SMALL = 1 << 14; // pixels

// { canvas, rows, columns, all, low, limit, diverging, graded, least } of a map, queries × keys in one row; `all` are the rows
// and columns of the whole text, however far it is read: its room and its colours stay the same while the map grows. `beside`
// is the scale of another map, whose colours are to mean the same.
export function bitmapOf(layer, map, step = "weights", beside = null) {
  const [rows, columns] = [shownQueries(layer), shownKeys(layer)];
  const all = { rows: allQueries(layer), columns: allKeys(layer) };
  const values = cellsOf(layer, map, rows, columns);
  return { rows, columns, all, ...painted(values, columns.length, both(scaleOfMap(layer, map, step), beside)) };
}

// The scale of a map: as weights have it, evenly up to its largest number, or alike on both sides of 0. What is along a
// direction, or a difference, has two sides, whatever its numbers are.
export function scaleOfMap(layer, map, step) {
  const values = cellsOf(layer, map, allQueries(layer), allKeys(layer));
  if (isGraded(layer, step)) return gradedScale(values, step === "weights" ? state.threshold : 0);
  const diverging = contributes(step) || step === "difference" || values.some((value) => value < 0);
  return { low: 0, limit: largestOf(values) || 1, diverging, graded: false };
}

function gradedScale(values, least) {
  return { ...scaleOf(values), diverging: false, graded: true, least };
}

// One scale for two.
function both(one, other) {
  if (!other) return one;
  return { ...one, low: Math.min(one.low, other.low), limit: Math.max(one.limit, other.limit), diverging: one.diverging || other.diverging };
}

function cellsOf(layer, map, rows, columns) {
  if (rows.length === layer.queries && columns.length === layer.keys) return map;
  const values = new map.constructor(rows.length * columns.length);
  let place = 0;
  for (const row of rows) for (const column of columns) values[place++] = map[row * layer.keys + column];
  return values;
}

// Any values, `width` in a row, as a canvas and its scale.
export function painted(values, width, scale = gradedScale(values, state.threshold)) {
  const canvas = document.createElement("canvas");
  paint(canvas, values, width, scale);
  return { canvas, ...scale };
}

// Paint values on a canvas, a pixel each.
export function paint(canvas, values, width, { low, limit, diverging = false, graded = true, least = state.threshold }) {
  const height = values.length / width;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const image = imageOf(context, width, height);
  const [shades, cells] = [pixels(diverging), new Uint32Array(image.data.buffer)];
  if (graded && !low) shadeLinear(cells, values, limit, shades, least);
  else {
    const toneAt = graded ? toneWith({ low, limit, least }) : (value) => value / limit;
    for (let place = 0; place < values.length; place++) {
      const value = values[place];
      if (value === value) cells[place] = shades[pixelPlace(toneAt(value), diverging)]; // NaN is not even itself
    }
  }
  context.putImageData(image, 0, 0);
}

// Pixels without colour; those of small maps, of which there are hundreds, are one image after the other.
let small = null;
function imageOf(context, width, height) {
  if (width * height > SMALL) return context.createImageData(width, height);
  if (small?.width !== width || small.height !== height) small = context.createImageData(width, height);
  small.data.fill(0);
  return small;
}

// The same for weights on the linear scale, of which a long text has millions: without a call for each.
function shadeLinear(cells, values, limit, shades, least) {
  const last = shades.length - 1;
  const factor = last / limit;
  for (let place = 0; place < values.length; place++) {
    const value = values[place];
    if (value >= least) cells[place] = shades[value < limit ? (value * factor + 0.5) | 0 : last];
    else if (value === value) cells[place] = shades[0];
  }
}

function largestOf(values) {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most;
}

// Thin lines across, for hidden cells: no colour of a scale has them.
export function hatch(context, colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const start of [-6, 0, 6]) {
    pen.moveTo(start, 6);
    pen.lineTo(start + 6, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}
