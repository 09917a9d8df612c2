// The lines between tokens: which of them can be seen, and all of them as a picture.

import { headColour, headDash, themed } from "./colours.js";
import { say } from "./lessons.js";
import { shortened } from "./measure.js";
import { headName } from "./overview.js";
import { toneOf } from "./shown.js";

export const ROW = matchMedia("(pointer: coarse), (max-width: 560px)").matches ? 40 : 26; // pixels: a finger needs more
const FAINTEST = 0.015; // opacity below which a line cannot be seen
const MOST = 20000; // lines that are drawn at once: the strongest

// { query, key, head, weight, tone, row, column } of each line of a head that can be seen.
export function edgesOfHead(layer, map, head, rows, columns, sides, limit = 1) {
  const edges = [];
  for (const query of rows) {
    for (const key of columns) {
      const weight = map[query * layer.keys + key];
      const tone = toneOf(weight, limit);
      if (tone < FAINTEST) continue;
      edges.push({ query, key, head, weight, tone, row: sides.rowAt.get(query), column: sides.columnAt.get(key) });
    }
  }
  return edges;
}

export function strongest(edges) {
  return edges.length <= MOST ? edges : edges.sort((one, other) => other.tone - one.tone).slice(0, MOST);
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
