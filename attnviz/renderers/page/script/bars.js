// Numbers as bars and vectors as strips: the small pictures of Steps and of the arithmetic.

import { cssShade, isPrinting, themed } from "./colours.js";
import { make, sharpContext } from "./dom.js";

// A canvas with a bar for each of `values`, up or down from the middle line; `held` is the place of the one that counts.
export function barChart(values, { label, held = null, height = 64 }) {
  const canvas = make("canvas", { class: "bars", role: "img", "aria-label": label });
  const draw = () => {
    const width = canvas.parentElement?.clientWidth || 300;
    const pen = sharpContext(canvas, width, height);
    const [most, least] = [Math.max(0, ...values), Math.min(0, ...values)];
    const unit = (height - 6) / (most - least || 1);
    const zero = 3 + most * unit;
    const step = Math.min(36, width / values.length);
    Array.from(values).forEach((value, place) => {
      pen.fillStyle = held === null || held === place ? themed(value < 0 ? "down" : "accent") : themed("faint");
      const high = Math.max(1, Math.abs(value) * unit);
      pen.fillRect(place * step, value < 0 ? zero : zero - high, Math.max(1, step - (step > 4 ? 2 : 0)), high);
    });
    pen.fillStyle = themed("line");
    pen.fillRect(0, Math.round(zero), Math.min(width, step * values.length), 1);
  };
  (isPrinting() ? queueMicrotask : requestAnimationFrame)(draw); // when it is in the document, and so has a width
  return canvas;
}

// A vector as a row of shades, from −limit to limit.
export function strip(values, limit) {
  const shades = Array.from(values, (value) => {
    const cell = make("i", {});
    cell.style.backgroundColor = cssShade(Math.max(-1, Math.min(1, value / (limit || 1))), true);
    return cell;
  });
  return make("span", { class: "strip", "aria-hidden": "true" }, shades);
}

// One labelled bar of a list, `part` (−1 … 1) of the room long; `mark` is its number.
export function barRow(label, part, mark, hidden = false) {
  const bar = make("span", { class: "fill" });
  const track = make("span", { class: "track", "aria-hidden": "true" }, bar);
  const number = make("span", { class: "mark" }, mark);
  const row = make("button", { type: "button", class: "row" }, make("bdi", { class: "token" }, label), track, number);
  const set = (next, text, gone, signed) => {
    row.classList.toggle("gone", gone);
    row.classList.toggle("signed", signed);
    bar.classList.toggle("minus", next < 0);
    bar.style.width = `${Math.abs(next) * (signed ? 50 : 100)}%`;
    number.textContent = text;
  };
  set(part, mark, hidden, false);
  return { row, item: make("li", {}, row), set };
}
