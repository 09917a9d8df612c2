// The player of the steps: back, play or pause, forward, and a button for each step.

import { make } from "./dom.js";
import { say } from "./lessons.js";
import { STEPS } from "./sentences.js";
import { state } from "./state.js";

// `go` shows a step, `toggle` plays or pauses.
export function playerOf({ go, toggle }) {
  const move = (by) => () => go(STEPS[Math.max(0, Math.min(STEPS.length - 1, STEPS.indexOf(state.stage) + by))]);
  const tool = (name, sign, run) =>
    make("button", { type: "button", class: "tool", "aria-label": say(name), title: say(name), onclick: run }, sign);
  const [back, middle, forward] = [
    tool("page.back", "‹", move(-1)),
    tool("page.play", "▶", toggle),
    tool("page.forward", "›", move(1)),
  ];
  const stages = STEPS.map((step, place) =>
    make(
      "button",
      { type: "button", class: "stage", onclick: () => go(step) },
      make("b", {}, String(place + 1)),
      ` ${say(`title.${step}`)}`,
    ),
  );
  const element = make(
    "div",
    { class: "player", role: "group", "aria-label": say("page.player") },
    make("div", { class: "buttons" }, back, middle, forward),
    make("div", { class: "stages" }, stages),
  );
  return {
    element,
    show(step, playing) {
      stages.forEach((stage, place) =>
        STEPS[place] === step ? stage.setAttribute("aria-current", "step") : stage.removeAttribute("aria-current"),
      );
      middle.textContent = playing ? "❚❚" : "▶";
      middle.setAttribute("aria-label", say(playing ? "page.pause" : "page.play"));
      middle.title = say(playing ? "page.pause" : "page.play");
      back.toggleAttribute("disabled", step === STEPS[0] && document.activeElement !== back);
      forward.toggleAttribute("disabled", step === STEPS.at(-1) && document.activeElement !== forward);
    },
    press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
      if (event.target.closest("[role=listbox], .rows")) return;
      if (event.key === "ArrowRight") move(1)();
      else if (event.key === "ArrowLeft") move(-1)();
      else if (event.key === " " && !event.target.closest("button")) toggle();
      else return;
      event.preventDefault();
    },
  };
}
