// One row times one matrix, written out: each number of the row beside its row of the matrix, and their products added up
// down the column that is chosen.

import { aboutIn } from "./digits.js";
import { make } from "./dom.js";
import { say } from "./lessons.js";
import { PHONE, clamp } from "./measure.js";
import { aligned, factor, number } from "./numbers.js";
import { cut } from "./paper.js";

const PLAIN = { aligned, factor, number };
const MOST_ROWS = 8; // of a matrix that are written out, at both ends
const [MOST_COLUMNS, FEW_COLUMNS] = [6, 4]; // around the chosen one; and on a phone, where more would be cut

// `left` and `result` are { name: nodes, values, words }, `words` what writes the values where they may be off, `matrix` is { name, rows, columns, at, bias }; `pick` takes a column.
export function product({ left, matrix, result, column, pick }) {
  const [rows, columns] = [atBothEnds(matrix.rows), around(column, matrix.columns)];
  const chosen = (place) => (place === column ? "chosen" : null);
  const numbers = aligned(rows.flatMap((row) => columns.map((place) => (row === null ? 0 : matrix.at(row, place)))));
  const factors = (left.words ?? PLAIN).aligned(left.values);
  const cells = (row, at) => columns.map((place, number) => make("td", { class: chosen(place) }, at(place, number)));
  const head = make(
    "tr",
    {},
    make("th", { scope: "col", class: "left" }, left.name),
    make("th", { class: "sign", "aria-hidden": "true" }),
    make("th", { scope: "colgroup", colspan: columns.length }, matrix.name),
  );
  const lines = rows.map((row, place) =>
    row === null
      ? make("tr", { class: "cut" }, make("td", { colspan: columns.length + 2 }, say("label.more", { count: matrix.rows - MOST_ROWS })))
      : make(
          "tr",
          {},
          make("th", { scope: "row", class: "left" }, factors[row]),
          make("td", { class: "sign", "aria-hidden": "true" }, "×"),
          cells(row, (_, number) => numbers[place * columns.length + number]),
        ),
  );
  const added = matrix.bias ? aligned(columns.map((place) => matrix.bias[place])) : null;
  const bias = added
    ? make("tr", {}, make("th", { scope: "row", class: "left" }, say("way.bias")), make("td", { class: "sign" }, "+"), cells(null, (_, number) => added[number]))
    : null;
  const sums = (result.words ?? PLAIN).aligned(result.values);
  const button = (place) =>
    make(
      "button",
      { type: "button", "aria-pressed": String(place === column), tabindex: place === column ? 0 : -1, onclick: () => pick(place) },
      sums[place],
    );
  const total = make(
    "tr",
    { class: "total" },
    make("th", { scope: "row", class: "left" }, result.name),
    make("td", { class: "sign", "aria-hidden": "true" }, "="),
    cells(null, button),
  );
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, lines, bias), make("tfoot", {}, total));
  const sum = make("p", { class: "sum" }, sumOf(left, matrix, result, column));
  const element = make("div", { class: "product columns" }, make("div", { class: "wide" }, table), more(columns, matrix.columns), sum);
  element.addEventListener("keydown", (event) => moved(event, column, matrix.columns, pick));
  return element;
}

// The products of one column, added up.
function sumOf(left, matrix, result, column) {
  const terms = left.values.map((value, row) => `${(left.words ?? PLAIN).factor(value)}×${factor(matrix.at(row, column))}`);
  const bias = matrix.bias ? [factor(matrix.bias[column])] : [];
  return aboutIn(`${[...cut(terms), ...bias].join(" + ")} = ${(result.words ?? PLAIN).number(result.values[column])}`);
}

function moved(event, column, count, pick) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey || !event.target.closest("tfoot")) return;
  event.preventDefault();
  event.stopPropagation(); // else the player would move on
  pick(clamp(column + by, 0, count - 1), true);
}

// All of so many places, or some at both ends with a null between them.
function atBothEnds(count) {
  const all = Array.from({ length: count }, (_, place) => place);
  if (count <= MOST_ROWS) return all;
  return [...all.slice(0, MOST_ROWS / 2), null, ...all.slice(count - MOST_ROWS / 2)];
}

// The places around the chosen one, as many as are shown.
function around(place, count) {
  const most = PHONE.matches ? FEW_COLUMNS : MOST_COLUMNS;
  const first = clamp(place - most / 2, 0, Math.max(0, count - most));
  return Array.from({ length: Math.min(count, most) }, (_, number) => first + number);
}

// Which of the columns are shown, where they are not all.
function more(shown, count) {
  if (shown.length === count) return null;
  return make("p", { class: "quiet" }, say("way.columns", { first: shown[0], last: shown.at(-1), count }));
}
