// Maps as pixels: one for each cell that is shown, nothing where a cell is hidden.

import { pixelPlace, pixels } from "./colours.js";
import { allKeys, allQueries, isGraded, scaleOf, shownKeys, shownQueries, toneWith } from "./shown.js";
import { state } from "./state.js";

const SMALL = 1 << 14; // pixels

// { canvas, rows, columns, all, low, limit, diverging } of a map, queries × keys in one row; `all` are the rows and columns
// of the whole text, however far it is read: its room and its colours stay the same while the map grows.
export function bitmapOf(layer, map, step = "weights") {
  const [rows, columns] = [shownQueries(layer), shownKeys(layer)];
  const all = { rows: allQueries(layer), columns: allKeys(layer) };
  const values = cellsOf(layer, map, rows, columns);
  const whole = rows.length === all.rows.length ? values : cellsOf(layer, map, all.rows, all.columns);
  return { rows, columns, all, ...painted(values, columns.length, lookOf(layer, step, whole), whole) };
}

// How a step is coloured: as weights are, evenly up to its largest number, or alike on both sides of 0. What is along a
// direction has two sides, whatever its numbers are.
function lookOf(layer, step, values) {
  if (isGraded(layer, step)) return { graded: true, least: step === "weights" ? state.threshold : 0 };
  return { graded: false, diverging: step === "contribution" || values.some((value) => value < 0) };
}

function cellsOf(layer, map, rows, columns) {
  if (rows.length === layer.queries && columns.length === layer.keys) return map;
  const values = new map.constructor(rows.length * columns.length);
  let place = 0;
  for (const row of rows) for (const column of columns) values[place++] = map[row * layer.keys + column];
  return values;
}

// The same of any values, `width` in a row, in the colours of the `whole` that they are a part of.
export function painted(values, width, { graded, diverging = false, least } = { graded: true }, whole = values) {
  const { low, limit } = graded ? scaleOf(whole) : { low: 0, limit: largestOf(whole) || 1 };
  const canvas = document.createElement("canvas");
  const scale = { low, limit, diverging, graded, least };
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
