// The colour scale in words: from which value to which.

import { cssShade, themed } from "./colours.js";
import { measured } from "./contributions.js";
import { make } from "./dom.js";
import { say } from "./lessons.js";
import { general } from "./numbers.js";

const STEP = 10; // pixels of a shade in the picture

export function legend(drawn) {
  const { low, high, hides, tones } = scaleOf(drawn);
  const hidden = blank(drawn);
  const bar = make("span", { class: "bar", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(to right, ${tones.map((tone) => cssShade(tone, drawn.diverging)).join(", ")})`;
  return make(
    "p",
    { class: "legend" },
    make("span", { class: "quiet" }, measured(drawn.layer, drawn.step)),
    make("span", {}, low),
    bar,
    make("span", {}, high),
    hides
      ? make(
          "span",
          { class: "quiet" },
          make("span", { class: "swatch hatched", "aria-hidden": "true" }),
          ` ${hidden}`,
        )
      : null,
  );
}

// The same for a picture, its words standing on the line `y`: { items, right: where it ends }.
export function legendItems(drawn, x, y) {
  const { low, high, hides, tones } = scaleOf(drawn);
  const items = [];
  const text = (words) => {
    items.push({ text: words, x, y, size: 12, fill: themed("ink") });
    x += 8 + 7 * words.length;
  };
  text(low);
  tones.forEach((tone, place) => {
    items.push({ rect: [x + place * STEP, y - 10, STEP, 10], fill: cssShade(tone, drawn.diverging) });
  });
  x += tones.length * STEP + 8;
  text(high);
  if (hides) {
    items.push({ hatch: [x + 8, y - 10, 16, 10], stroke: themed("hatch") });
    x += 32;
    text(blank(drawn));
  }
  return { items, right: x };
}

// What a cell without a colour is.
function blank({ step }) {
  return say(step === "difference" ? "beside.blank" : "label.hidden");
}

function scaleOf({ low, limit, diverging, graded, step, map }) {
  const below = low && map.some((value) => value > 0 && value < low * 0.999) ? "≤ " : "";
  const above = graded && map.some((value) => value > limit * 1.001) ? "≥ " : "";
  return {
    low: below + general(diverging ? -limit : low, 2),
    high: above + general(limit, 2),
    hides: step !== "scores" && step !== "scaled" && map.some(Number.isNaN),
    tones: Array.from({ length: 13 }, (_, place) => (diverging ? place / 6 - 1 : place / 12)),
  };
}
