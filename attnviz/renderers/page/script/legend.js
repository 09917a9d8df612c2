// The colour scale in words: from which value to which.

import { cssShade } from "./colours.js";
import { make } from "./dom.js";
import { say } from "./lessons.js";
import { general } from "./numbers.js";
import { floorOf } from "./shown.js";

export function legend({ limit, diverging, step, map }) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" });
  const tones = Array.from({ length: 13 }, (_, place) => (diverging ? place / 6 - 1 : place / 12));
  bar.style.background = `linear-gradient(to right, ${tones.map((tone) => cssShade(tone, diverging)).join(", ")})`;
  const low = step === "weights" ? floorOf(limit) : diverging ? -limit : 0;
  const above = step === "weights" && map.some((value) => value > limit * 1.001) ? "≥ " : "";
  const hides = step !== "scores" && step !== "scaled" && map.some(Number.isNaN);
  return make(
    "p",
    { class: "legend" },
    make("span", { class: "quiet" }, say(`title.${step}`)),
    make("span", {}, general(low, 2)),
    bar,
    make("span", {}, above + general(limit, 2)),
    hides
      ? make(
          "span",
          { class: "quiet" },
          make("span", { class: "swatch hatched", "aria-hidden": "true" }),
          ` ${say("label.hidden")}`,
        )
      : null,
  );
}
