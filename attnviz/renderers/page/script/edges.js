// The lines between tokens: which of them can be seen, and all of them as a picture.

import { headColour, headDash, themed } from "./colours.js";
import { say } from "./lessons.js";
import { clamp, shortened } from "./measure.js";
import { headName } from "./heads.js";
import { toneOf, weightOf } from "./shown.js";

export const ROW = matchMedia("(pointer: coarse), (max-width: 560px)").matches ? 40 : 26; // pixels: a finger needs more
const LEVELS = 100; // of opacity that can be told apart
const FAINTEST = 0.015; // opacity below which a line cannot be seen
const MOST = 20000; // lines that are drawn at once: the strongest
const [COARSE, HIDDEN] = [16, 0x7f800000]; // bits of a weight that its bin leaves out; from here on no number

// { query, key, head, weight, tone, row, column } of the strongest lines of the heads, whose `maps` are in their order.
export function strongestEdges(layer, heads, maps, rows, columns, sides, scale) {
  const bits = maps.map((map) => new Uint32Array(map.buffer, map.byteOffset, map.length));
  const least = bitsFrom(weightOf(FAINTEST, scale));
  const takes = takerOf(counted(bits, layer.keys, rows, columns, least));
  const edges = [];
  heads.forEach((head, number) => {
    for (const query of rows) {
      for (const key of columns) {
        const place = query * layer.keys + key;
        const own = bits[number][place];
        if (own < least || own >= HIDDEN || !takes(own >> COARSE)) continue;
        const [weight, row, column] = [maps[number][place], sides.rowAt.get(query), sides.columnAt.get(key)];
        edges.push({ query, key, head, weight, tone: toneOf(weight, scale), row, column });
      }
    }
  });
  return edges;
}

// How many weights can be seen in each bin. The bits of single precision are in the order of its positive numbers, so
// that the first of them are a bin: less than a hundredth of a weight wide.
function counted(bits, keys, rows, columns, least) {
  const counts = new Uint32Array(HIDDEN >> COARSE);
  for (const own of bits)
    for (const query of rows)
      for (const key of columns) {
        const weight = own[query * keys + key];
        if (weight >= least && weight < HIDDEN) counts[weight >> COARSE]++;
      }
  return counts;
}

// A function that says of a weight's bin whether to draw it: all of the largest, evenly so many of the last that have
// room, in the order in which it is asked.
function takerOf(counts) {
  let [last, above] = [counts.length - 1, 0];
  while (last > 0 && above + counts[last] <= MOST) above += counts[last--];
  const share = Math.min(1, (MOST - above) / counts[last]);
  let asked = 0;
  return (bin) => bin > last || (bin === last && Math.floor(++asked * share) > Math.floor((asked - 1) * share));
}

// The bits of the smallest number in single precision that is not below `weight`.
function bitsFrom(weight) {
  const single = new Float32Array([weight]);
  return new Uint32Array(single.buffer)[0] + (single[0] < weight ? 1 : 0);
}

// The lines that look alike, together: a browser strokes them as one, and hundreds one by one take it a second.
export function strokesOf(edges) {
  const groups = new Map();
  for (const edge of edges) {
    const name = edge.head * 1000 + Math.round(edge.tone * LEVELS);
    if (groups.has(name)) groups.get(name).push(edge);
    else groups.set(name, [edge]);
  }
  return groups.values();
}

// The four points, [x, y] each, of the part between `top` and `bottom` of the line from (0, from) to (width, to), a cubic
// curve that begins and ends level: y = from + (to − from)·(3t² − 2t³). Its ends may lie tens of thousands of pixels outside
// of what is drawn, where WebKit takes a second for some hundred of them.
export function partOfLine(width, from, to, top, bottom) {
  const points = [[0, from], [width / 2, from], [width / 2, to], [width, to]];
  const at = (y) => timeOf(clamp((y - from) / (to - from || 1), 0, 1));
  const [begin, end] = from < to ? [at(top), at(bottom)] : [at(bottom), at(top)];
  return begin <= 0 && end >= 1 ? points : [0, 1, 2, 3].map((last) => blossom(points, [0, 1, 2].map((one) => (one < 3 - last ? begin : end))));
}

// The t of 3t² − 2t³ = part.
function timeOf(part) {
  return 0.5 - Math.sin(Math.asin(1 - 2 * part) / 3);
}

// De Casteljau's construction with a time of its own for each of its steps: the points of a part of the curve.
function blossom(points, times) {
  const mixed = times.reduce((all, time) => all.slice(1).map((one, place) => one.map((value, axis) => all[place][axis] + (value - all[place][axis]) * time)), points);
  return mixed[0];
}

export function pictureOf(layer, heads, edges, { rows, columns }) {
  const [side, gap, top, ink] = [150, 280, 50, themed("ink")];
  const title = heads.length === 1 ? headName(layer, heads[0]) : heads.map((head) => layer.heads[head]).join(", ");
  const y = (place) => top + (place + 0.5) * ROW;
  const items = [
    {
      text: heads.length === 1 ? title : `${say("page.heads")} ${title}`,
      x: 16,
      y: 26,
      size: 15,
      fill: ink,
      bold: true,
    },
    ...edges.map(({ head, tone, row, column }) => ({
      curve: [side, y(row), side + gap, y(column)],
      stroke: headColour(head),
      dash: headDash(head),
      opacity: tone,
      thick: 1.75,
    })),
    ...rows.map((query, row) => ({
      text: shortened(layer.queryTexts.labels[query], 13, side - 16),
      x: side - 8,
      y: y(row) + 4,
      size: 13,
      fill: ink,
      anchor: "end",
    })),
    ...columns.map((key, column) => ({
      text: shortened(layer.keyTexts.labels[key], 13, side - 16),
      x: side + gap + 8,
      y: y(column) + 4,
      size: 13,
      fill: ink,
    })),
  ];
  return { width: 2 * side + gap, height: top + Math.max(rows.length, columns.length) * ROW + 16, items };
}
