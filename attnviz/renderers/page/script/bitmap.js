// Maps as pixels: one for each cell that is shown, nothing where a cell is hidden.

import { pixelPlace, pixels } from "./colours.js";
import { scaleOf, shownKeys, shownQueries, toneWith } from "./shown.js";
import { state } from "./state.js";

// { canvas, rows, columns, low, limit, diverging } of a map, queries × keys in one row.
export function bitmapOf(layer, map, step = "weights") {
  const [rows, columns] = [shownQueries(layer), shownKeys(layer)];
  return { rows, columns, ...painted(shownOf(layer, map, rows, columns), columns.length, step) };
}

// The cells of a map that are shown, in one row.
function shownOf(layer, map, rows, columns) {
  if (rows.length === layer.queries && columns.length === layer.keys) return map;
  const values = new map.constructor(rows.length * columns.length);
  let place = 0;
  for (const row of rows) for (const column of columns) values[place++] = map[row * layer.keys + column];
  return values;
}

// The same of any values, `width` in a row.
export function painted(values, width, step = "weights") {
  const diverging = step !== "weights" && values.some((value) => value < 0);
  const { low, limit } = step === "weights" ? scaleOf(values) : { low: 0, limit: largestOf(values) || 1 };
  const canvas = document.createElement("canvas");
  paint(canvas, values, width, { low, limit, diverging, step });
  return { canvas, low, limit, diverging };
}

// Paint values on a canvas, a pixel each.
export function paint(canvas, values, width, { low, limit, diverging = false, step = "weights" }) {
  const height = values.length / width;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const [shades, cells] = [pixels(diverging), new Uint32Array(image.data.buffer)];
  if (step === "weights" && !low) shadeLinear(cells, values, limit, shades);
  else {
    const toneAt = step === "weights" ? toneWith({ low, limit }) : (value) => value / limit;
    for (let place = 0; place < values.length; place++) {
      const value = values[place];
      if (value === value) cells[place] = shades[pixelPlace(toneAt(value), diverging)]; // NaN is not even itself
    }
  }
  context.putImageData(image, 0, 0);
}

// The same for weights on the linear scale, of which a long text has millions: without a call for each.
function shadeLinear(cells, values, limit, shades) {
  const [last, least] = [shades.length - 1, state.threshold];
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
