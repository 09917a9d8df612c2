// The player of the steps: back, play or pause, forward, and a link to each step. Steps that are not known here are passed
// over, and said.

import { make } from "./dom.js";
import { say } from "./lessons.js";
import { addressOf, currentLayer, stageNow } from "./state.js";
import { neighbour, stagesOf } from "./way.js";

// `go` shows a step, `toggle` plays or pauses.
export function playerOf({ go, toggle }) {
  const tool = (name, sign, run) =>
    make("button", { type: "button", class: "tool", "aria-label": say(name), title: say(name), onclick: run }, sign);
  const move = (by) => () => go(neighbour(currentLayer(), stageNow(), by));
  const [back, middle, forward] = [
    tool("page.back", "‹", move(-1)),
    tool("page.play", "▶", toggle),
    tool("page.forward", "›", move(1)),
  ];
  const links = make("ol", { class: "stages" });
  const skipped = make("p", { class: "quiet skipped" });
  const element = make(
    "div",
    { class: "player", role: "group", "aria-label": say("page.player") },
    make("div", { class: "buttons" }, back, middle, forward),
    links,
    skipped,
  );

  function link({ name, unknown }, place, current) {
    const follow = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // the browser's own: a tab of its own
      event.preventDefault();
      go(name);
    };
    const says = unknown ? [make("span", { class: "unseen" }, `, ${say("way.unknown")}`)] : [];
    const own = { class: unknown ? "stage unknown" : "stage", href: addressOf({ stage: name }), onclick: follow };
    const label = [make("b", {}, String(place + 1)), ` ${say(`title.${name}`)}`, ...says];
    return make("li", {}, make("a", { ...own, "aria-current": name === current ? "step" : null }, label));
  }

  function showLinks(stages, step) {
    const held = [...links.querySelectorAll("a")].indexOf(document.activeElement);
    links.replaceChildren(...stages.map((stage, place) => link(stage, place, step)));
    if (held >= 0) links.querySelectorAll("a")[Math.min(held, stages.length - 1)].focus({ preventScroll: true });
    const unknown = stages.filter((stage) => stage.unknown).map(({ name }) => say(`title.${name}`));
    skipped.textContent = unknown.length ? say("way.skipped", { steps: unknown.join(", ") }) : "";
  }

  // A narrow page has the steps in one line, which scrolls; the one that is shown then stands in its middle.
  function bringIntoSight() {
    const current = links.querySelector("[aria-current]")?.parentNode;
    if (!current || links.scrollWidth <= links.clientWidth) return;
    const [room, own] = [links.getBoundingClientRect(), current.getBoundingClientRect()];
    links.scrollLeft += own.left - room.left - (room.width - own.width) / 2;
  }

  return {
    element,
    show(step, playing) {
      const layer = currentLayer();
      showLinks(stagesOf(layer), step);
      middle.textContent = playing ? "❚❚" : "▶";
      middle.setAttribute("aria-label", say(playing ? "page.pause" : "page.play"));
      middle.title = say(playing ? "page.pause" : "page.play");
      const ends = (button, by) =>
        button.toggleAttribute("disabled", neighbour(layer, step, by) === step && document.activeElement !== button);
      ends(back, -1);
      ends(forward, 1);
      bringIntoSight();
    },
    press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
      if (event.target.closest("[role=listbox], .rows, .columns")) return;
      if (event.key === "ArrowRight") move(1)();
      else if (event.key === "ArrowLeft") move(-1)();
      else if (event.key === " " && !event.target.closest("button")) toggle();
      else return;
      event.preventDefault();
    },
  };
}
