// Maps as pixels: one for each cell that is shown, nothing where a cell is hidden.

import { pixelPlace, pixels } from "./colours.js";
import { allKeys, allQueries, scaleOf, shownKeys, shownQueries, toneOf } from "./shown.js";

// { canvas, rows, columns, all, low, limit, diverging } of a map, queries × keys in one row; `all` are the rows and columns
// of the whole text, however far it is read: its room and its colours stay the same while the map grows.
export function bitmapOf(layer, map, step = "weights") {
  const [rows, columns] = [shownQueries(layer), shownKeys(layer)];
  const all = { rows: allQueries(layer), columns: allKeys(layer) };
  const values = cellsOf(layer, map, rows, columns);
  const whole = rows.length === all.rows.length ? values : cellsOf(layer, map, all.rows, all.columns);
  return { rows, columns, all, ...painted(values, columns.length, step, whole) };
}

function cellsOf(layer, map, rows, columns) {
  const values = new map.constructor(rows.length * columns.length);
  let place = 0;
  for (const row of rows) for (const column of columns) values[place++] = map[row * layer.keys + column];
  return values;
}

// The same of any values, `width` in a row, in the colours of the `whole` that they are a part of.
export function painted(values, width, step = "weights", whole = values) {
  const diverging = step !== "weights" && whole.some((value) => value < 0);
  const largest = () => whole.reduce((most, value) => Math.max(most, Math.abs(value) || 0), 0) || 1;
  const { low, limit } = step === "weights" ? scaleOf(whole) : { low: 0, limit: largest() };
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, values.length / width];
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const [shades, cells] = [pixels(diverging), new Uint32Array(image.data.buffer)];
  for (let place = 0; place < values.length; place++) {
    if (Number.isNaN(values[place])) continue;
    const tone = step === "weights" ? toneOf(values[place], { low, limit }) : values[place] / limit;
    cells[place] = shades[pixelPlace(tone, diverging)];
  }
  context.putImageData(image, 0, 0);
  return { canvas, low, limit, diverging };
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
