// A step of the player as a picture: its sentences, and its table, its vectors or a bar for each key.

import { themed } from "./colours.js";
import { plainOf } from "./dom.js";
import { apart } from "./measure.js";

const WIDTH = 820;
const BARS = [184, 380]; // where they begin, and how much room they have
const STRIP = 180; // pixels of a vector
const [SIDE, CELL] = [150, 78]; // of a table: where the numbers at its side end, and pixels of each of the others

// `story` and `chart` are the elements of the view.
export function pictureOf(story, chart) {
  const [ink, quiet] = [themed("ink"), themed("quiet")];
  const lines = [...story.children].flatMap((child) => folded(plainOf(child), 104));
  const items = lines.map((text, place) => ({
    text,
    x: 24,
    y: 34 + place * 20,
    size: place ? 13 : 17,
    fill: ink,
    bold: !place,
  }));
  let y = 50 + lines.length * 20;
  for (const row of chart.querySelectorAll("tr")) {
    items.push(...tableItems(row, y));
    y += 20;
  }
  for (const said of chart.querySelectorAll(".product > p, .chart > p.quiet:not(.rest)")) {
    for (const text of folded(said.textContent, 110)) items.push({ text, x: 40, y: (y += 18), size: 12, fill: quiet });
  }
  if (chart.querySelector("tr")) y += 36;
  for (const row of chart.querySelectorAll("li")) {
    items.push(...rowItems(row, y));
    y += 22;
  }
  const rest = chart.querySelector(".rest")?.textContent;
  if (rest) items.push({ text: rest, x: BARS[0], y: (y += 4), size: 13, fill: quiet });
  return { width: WIDTH, height: y + 8, items };
}

// A row of a list: its token, and a bar with its number, or a vector as shades and in numbers.
function rowItems(row, y) {
  const [ink, quiet] = [themed("ink"), themed("quiet")];
  const fill = row.querySelector(".fill");
  const words = [...(row.querySelector(".row, .vector-row") ?? row).children]
    .filter((child) => !child.matches(".track, .strip"))
    .map((child) => child.textContent);
  const items = [{ text: apart(words[0]), x: 170, y, size: 13, fill: ink, anchor: "end" }];
  if (fill) items.push(barItem(row, fill, y));
  const cells = [...row.querySelectorAll(".strip i")];
  const [mark, numbers] = words.length > 2 ? words.slice(1) : ["", words[1]];
  if (cells.length) items.push({ text: mark, x: 250, y, size: 13, fill: quiet, anchor: "end" });
  cells.forEach((cell, place) => {
    const wide = STRIP / cells.length;
    items.push({ rect: [262 + place * wide, y - 12, wide, 16], fill: cell.style.backgroundColor });
  });
  items.push({ text: numbers, x: fill ? 580 : 276 + STRIP, y, size: 13, fill: quiet });
  return items;
}

// The cells of a row of a table: what stands at its side, the sign, and the numbers, each at the right end of its column.
function tableItems(row, y) {
  const [bold, look] = [row.matches(".total"), { y, size: 12, fill: themed("ink") }];
  let column = 0;
  return [...row.children].map((cell) => {
    const text = cell.textContent;
    if (cell.matches(".left")) return { text, x: SIDE, anchor: "end", bold, ...look };
    if (cell.matches(".sign")) return { text, x: SIDE + 8, ...look };
    if (cell.colSpan > 1) return { text, x: SIDE + CELL - 40, ...look };
    column++;
    return { text, x: SIDE + 8 + column * CELL, anchor: "end", bold, ...look };
  });
}

// A bar as it stands in its track, whose middle is zero where some values are negative.
function barItem(row, fill, y) {
  const [left, room] = BARS;
  const width = (room * (parseFloat(fill.style.width) || 0)) / 100;
  const minus = fill.classList.contains("minus");
  const zero = row.querySelector(".signed") ? left + room / 2 : left;
  return { rect: [minus ? zero - width : zero, y - 11, width, 14], fill: themed(minus ? "down" : "accent") };
}

// A result stays in the line of its sign.
function folded(text, width) {
  const lines = [""];
  for (const word of text.split(/(?<! =) /)) {
    if (lines.at(-1) && lines.at(-1).length + word.length >= width) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines;
}
