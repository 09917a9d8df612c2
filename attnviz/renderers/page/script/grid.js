// Drawing a map: the part that is in sight, its labels, the crosshair, and the whole as a picture.

import { hatch } from "./bitmap.js";
import { inkOn, themed } from "./colours.js";
import { sharpContext } from "./dom.js";
import { legendItems } from "./legend.js";
import { clamp, fitted, shortened } from "./measure.js";
import { say } from "./lessons.js";
import { HIDDEN, fixed, general } from "./numbers.js";
import { toneOf } from "./shown.js";

const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
const [LABEL, SMALL, PAD] = [12, 10, 8]; // pixels: size of labels, of those that are close together, space beside them
const [ASIDE, ABOVE] = [62, 32]; // pixels that labels take at the least: those of "Query ↓" and "Key →" in the corner
const [MOST, HIGHEST] = [150, 104]; // and at the most, at the side and above
const VALUES_FROM = 34; // pixels of a cell that has room for its number
const DECIMALS_FROM = 0.1; // the largest number of a map of which two decimals say something, as in a picture (cell_values.py)

// How much room the labels need: { left, top, upright: whether those at the top stand on end }. Where the picture says so
// (`always`), they do, however short they are.
export function gutters(canvas, { layer, rows, columns }, width, always = false) {
  const pen = canvas.getContext("2d");
  pen.font = `600 ${LABEL}px ${FONT}`; // as wide as they get
  const widest = (texts, places) =>
    Math.max(...places.slice(0, 400).map((place) => pen.measureText(texts.labels[place]).width));
  const most = Math.min(MOST, width * 0.3);
  const left = clamp(widest(layer.queryTexts, rows) + 2 * PAD, ASIDE, Math.max(ASIDE, most));
  const needed = widest(layer.keyTexts, columns) + 2 * PAD;
  const upright = always || needed > Math.min(56, (width - left) / columns.length);
  return { left: Math.ceil(left), top: Math.ceil(upright ? clamp(needed, ABOVE, Math.max(ABOVE, Math.min(most, HIGHEST))) : ABOVE), upright };
}

export function drawMap(canvas, frame, drawn, view) {
  const [width, height] = [frame.clientWidth, frame.clientHeight];
  const pen = sharpContext(canvas, width, height);
  const { left, top } = view.gutter;
  const [x, y] = [left - frame.scrollLeft, top - frame.scrollTop];
  const [wide, high] = [drawn.columns.length * view.cell, drawn.rows.length * view.cell];
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width - left, height - top);
  pen.clip();
  pen.fillStyle = hatch(pen, themed("hatch"));
  pen.fillRect(x, y, wide, high);
  pen.imageSmoothingEnabled = view.cell < 2;
  pen.drawImage(drawn.canvas, x, y, wide, high);
  if (view.cell >= VALUES_FROM && drawn.map) drawValues(pen, drawn, view, x, y, width, height);
  if (drawn.rows.length < drawn.all.rows.length) drawRoom(pen, drawn, view, x, y);
  pen.restore();
  drawLabels(pen, drawn, view, { x, y, width, height });
}

// The edge of the room that the rest of the text will take.
function drawRoom(pen, { all }, { cell }, x, y) {
  pen.strokeStyle = themed("faint");
  pen.lineWidth = 1;
  pen.setLineDash([3, 4]);
  pen.strokeRect(x + 0.5, y + 0.5, all.columns.length * cell - 1, all.rows.length * cell - 1);
  pen.setLineDash([]);
}

// The crosshair through `at`, a frame around it and around the `chosen` cell, and their labels in full; or a frame around
// a `row` of which no cell is chosen.
export function drawCrosshair(canvas, frame, drawn, view, at, chosen, row = -1) {
  const [width, height] = [frame.clientWidth, frame.clientHeight];
  const pen = sharpContext(canvas, width, height);
  if (row >= 0) drawRow(pen, frame, drawn, view, row);
  if (!at && !chosen) return;
  const { left, top } = view.gutter;
  const cell = view.cell;
  const spot = ({ row, column }) => [left - frame.scrollLeft + column * cell, top - frame.scrollTop + row * cell];
  const edge = Math.max(cell, 3);
  if (at) {
    const [x, y] = spot(at);
    pen.save();
    pen.beginPath();
    pen.rect(left, top, width - left, height - top);
    pen.clip();
    pen.strokeStyle = themed("cross");
    pen.lineWidth = 1.5;
    const [far, deep] = [
      spot({ row: 0, column: drawn.columns.length })[0],
      spot({ row: drawn.rows.length, column: 0 })[1],
    ];
    pen.strokeRect(left - 2, y, far - left + 2, edge); // lines beside the cells, whose colours stay as they are
    pen.strokeRect(x, top - 2, edge, deep - top + 2);
    pen.restore();
    drawHeld(pen, drawn, view, at, x + cell / 2, y + cell / 2, width, height);
  }
  for (const [one, colour, thick] of [
    [chosen, "accent", 2],
    [at, "ink", 1.5],
  ]) {
    if (!one) continue;
    const [x, y] = spot(one);
    if (x + edge < left || y + edge < top) continue;
    pen.strokeStyle = themed(colour);
    pen.lineWidth = thick;
    pen.strokeRect(x, y, edge, edge);
  }
}

function drawRow(pen, frame, { layer, rows, columns }, { gutter, cell }, row) {
  const [x, y] = [gutter.left - frame.scrollLeft, gutter.top - frame.scrollTop + row * cell];
  if (y + cell < gutter.top) return;
  pen.strokeStyle = themed("accent");
  pen.lineWidth = 2;
  pen.strokeRect(Math.max(x, gutter.left) - 1, y, Math.min(columns.length * cell, frame.clientWidth - gutter.left) + 1, Math.max(cell, 3));
  sideLabel(pen, layer.queryTexts.labels[rows[row]], gutter, y + cell / 2);
}

// The label of a row, over those of its neighbours.
function sideLabel(pen, label, gutter, y) {
  pen.font = `600 ${LABEL}px ${FONT}`;
  pen.textBaseline = "middle";
  pen.fillStyle = themed("held");
  pen.fillRect(0, y - 9, gutter.left - 3, 18);
  pen.fillStyle = themed("ink");
  pen.textAlign = "right";
  pen.fillText(fitted(pen, label, gutter.left - 2 * PAD + 4), gutter.left - PAD, y);
}

// The whole map as a picture, every token labelled where there is room.
export function mapPicture(drawn, title, told) {
  const { layer, rows, columns, canvas } = drawn;
  const cell = clamp(720 / Math.max(rows.length, columns.length), 2, 40);
  const probe = document.createElement("canvas");
  const { left, top } = gutters(probe, drawn, 1000, true);
  const [ink, every] = [themed("ink"), Math.max(1, Math.ceil(LABEL / cell))];
  const [x, y] = [left + 16, top + 70];
  const axis = (text, at) => ({ text, x: x - 6, y: at, size: 11, fill: themed("quiet"), anchor: "end" });
  const legend = legendItems(drawn, 16, y + rows.length * cell + 28);
  const [wide, high] = [columns.length * cell, rows.length * cell];
  const items = [
    { text: title, x: 16, y: 26, size: 15, fill: ink, bold: true },
    { text: told, x: 16, y: 46, size: 12, fill: themed("quiet") },
    axis(say("page.axis_key"), y - 22),
    axis(say("page.axis_query"), y - 6),
    { hatch: [x, y, wide, high], stroke: themed("hatch") },
    { image: canvas, x, y, width: wide, height: high },
    ...(cell >= VALUES_FROM ? valueItems(drawn, x, y, cell) : []),
    ...legend.items,
  ];
  const label = (texts, place, room) => shortened(texts.labels[place], 11, room - PAD);
  rows.forEach((row, place) => {
    const at = y + (place + 0.5) * cell + 4;
    if (place % every === 0)
      items.push({ text: label(layer.queryTexts, row, left), x: x - 6, y: at, size: 11, fill: ink, anchor: "end" });
  });
  columns.forEach((column, place) => {
    const at = x + (place + 0.5) * cell + 4;
    if (place % every === 0)
      items.push({ text: label(layer.keyTexts, column, top), x: at, y: y - 6, size: 11, fill: ink, turn: -90 });
  });
  const width = Math.max(x + wide, legend.right, 224, 6.6 * told.length) + 16;
  return { width: Math.ceil(width), height: Math.ceil(y + high + 44), items };
}

// The numbers of all cells that are not hidden.
function valueItems({ layer, map, rows, columns, low, limit, diverging, graded, least }, x, y, cell) {
  return rows.flatMap((query, row) =>
    columns.flatMap((key, column) => {
      const value = map[query * layer.keys + key];
      if (Number.isNaN(value)) return [];
      const tone = graded ? toneOf(value, { low, limit, least }) : value / limit;
      const [across, down] = [x + (column + 0.5) * cell, y + (row + 0.5) * cell + 4];
      return [{ text: written(value, limit), x: across, y: down, size: valueSize(cell, limit, 11), fill: inkOn(tone, diverging), anchor: "middle" }];
    }),
  );
}

// A number as it stands in a cell of a map with this largest one.
function written(value, largest) {
  if (Math.abs(value) >= 1e5 || isSmall(largest)) return general(value, 2);
  return fixed(value, Math.abs(value) >= 100 ? 0 : 2);
}

// Its size in pixels: 6.2e-07 is nearly twice as long as 0.62.
function valueSize(cell, largest, most) {
  return Math.min(most, cell * (isSmall(largest) ? 0.19 : 0.27));
}

function isSmall(largest) {
  return largest > 0 && largest < DECIMALS_FROM;
}

function drawValues(pen, { layer, map, rows, columns, step, low, limit, diverging, graded, least }, { cell }, x, y, width, height) {
  pen.font = `${valueSize(cell, limit, 13)}px ${FONT}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const [firstRow, firstColumn] = [Math.max(0, Math.floor(-y / cell)), Math.max(0, Math.floor(-x / cell))];
  for (let row = firstRow; row < rows.length && y + row * cell < height; row++) {
    for (let column = firstColumn; column < columns.length && x + column * cell < width; column++) {
      const value = map[rows[row] * layer.keys + columns[column]];
      const hidden = Number.isNaN(value);
      const tone = hidden ? 0 : graded ? toneOf(value, { low, limit, least }) : value / limit;
      pen.fillStyle = hidden ? themed("quiet") : inkOn(tone, diverging);
      const text = hidden ? HIDDEN : written(value, limit);
      if (!hidden || step === "masked") pen.fillText(text, x + (column + 0.5) * cell, y + (row + 0.5) * cell);
    }
  }
}

function drawLabels(pen, { layer, rows, columns }, { cell, gutter }, { x, y, width, height }) {
  const size = clamp(cell - 1, SMALL, LABEL);
  const every = Math.max(1, Math.ceil((size + 1) / cell));
  pen.font = `${size}px ${FONT}`;
  pen.fillStyle = themed("ink");
  pen.textBaseline = "middle";
  for (let row = 0; row < rows.length; row += every) {
    const at = y + (row + 0.5) * cell;
    if (at < gutter.top || at > height) continue;
    pen.textAlign = "right";
    pen.fillText(fitted(pen, layer.queryTexts.labels[rows[row]], gutter.left - 2 * PAD), gutter.left - PAD, at);
  }
  drawAxes(pen, gutter);
  for (let column = 0; column < columns.length; column += every) {
    const at = x + (column + 0.5) * cell;
    if (at < gutter.left || at > width) continue;
    topLabel(pen, layer.keyTexts.labels[columns[column]], at, gutter, cell);
  }
}

// In the corner: what the rows are, and what the columns.
function drawAxes(pen, gutter) {
  pen.save();
  pen.font = `${SMALL + 1}px ${FONT}`;
  pen.fillStyle = themed("quiet");
  pen.textAlign = "right";
  pen.fillText(say("page.axis_key"), gutter.left - PAD, 9);
  pen.fillText(say("page.axis_query"), gutter.left - PAD, gutter.top - 9);
  pen.restore();
}

// The labels of the row and the column that are pointed at, over those of their neighbours.
function drawHeld(pen, { layer, rows, columns }, { gutter, cell }, at, x, y, width, height) {
  pen.font = `600 ${LABEL}px ${FONT}`;
  pen.textBaseline = "middle";
  if (y >= gutter.top && y <= height) {
    sideLabel(pen, layer.queryTexts.labels[rows[at.row]], gutter, y);
  }
  if (x < gutter.left || x > width) return;
  const text = layer.keyTexts.labels[columns[at.column]];
  const wide = gutter.upright ? 18 : Math.max(cell, Math.min(pen.measureText(text).width + 10, MOST));
  pen.fillStyle = themed("held");
  pen.fillRect(x - wide / 2, 0, wide, gutter.top - 3);
  pen.fillStyle = themed("ink");
  topLabel(pen, text, x, gutter, Math.max(cell, MOST));
}

function topLabel(pen, text, x, gutter, cell) {
  pen.save();
  pen.translate(x, gutter.top - PAD);
  if (gutter.upright) {
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "left";
    pen.fillText(fitted(pen, text, gutter.top - 2 * PAD), 0, 0);
  } else {
    pen.textAlign = "center";
    pen.fillText(fitted(pen, text, cell - 2), 0, -3);
  }
  pen.restore();
}
