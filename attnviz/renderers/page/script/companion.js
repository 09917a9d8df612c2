// Beside the map, where the window is wide: the steps of the chosen query, until the arithmetic of a cell takes their room.

import { make } from "./dom.js";
import { say } from "./lessons.js";
import { isSlow } from "./maps.js";
import { seen } from "./pause.js";
import { currentLayer, state } from "./state.js";
import { steps } from "./steps.js";

const WIDE = matchMedia("(min-width: 1200px)"); // as in the style sheet

// { element, update, close, onWidth }: after `close` it begins anew, in the language and the colours of then.
export function companion() {
  const element = make("aside", { class: "companion", id: "companion", hidden: true });
  let [own, turn] = [null, 0];

  function close() {
    own?.close();
    own = null;
    element.replaceChildren();
  }

  async function update() {
    const wanted = WIDE.matches && state.view === "matrix" && currentLayer().computes && !state.detail && state.other === null;
    element.hidden = !wanted;
    document.body.classList.toggle("accompanied", wanted);
    if (!wanted) return close();
    if (!own) {
      own = steps({ beside: true });
      element.setAttribute("aria-label", say("page.steps"));
      element.replaceChildren(own.element);
    }
    const mine = ++turn;
    if (isSlow(currentLayer())) await afterThePicture();
    if (mine === turn) await own?.update();
  }

  return { element, update, close, onWidth: (run) => WIDE.addEventListener("change", run) };
}

// The first picture of a long text's map comes before its steps: it is drawn for the next frame, and seen by the one after.
async function afterThePicture() {
  await seen();
  await seen();
}
