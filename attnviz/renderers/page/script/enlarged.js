// The head that the pointer or the keyboard is at in the grid of the Overview: its map enlarged, beside its cell, and its words.

import { loaded } from "./data.js";
import { make } from "./dom.js";
import { clamp } from "./measure.js";
import { paintThumb } from "./thumbs.js";

const CELLS = 128; // across the map
const APART = 10; // pixels from the cell

// Listens to the cards in `box`; `captionOf(card)` gives the words.
export function enlarger(box, captionOf) {
  const canvas = make("canvas", { class: "thumb", width: 1, height: 1 });
  const caption = make("span", { class: "caption" });
  const element = make("div", { class: "enlarged", "aria-hidden": "true", hidden: true }, canvas, caption);
  const known = new Map(); // cards by their buttons
  let one = null;

  function enlarge(card) {
    one = card;
    caption.replaceChildren(...captionOf(card));
    element.hidden = false;
    place();
    repaint();
  }

  // Beside the grid, where it hides no cell, if there is room; else beside the cell. Within the window, below the choices.
  function place() {
    const [cell, frame] = [one.button.getBoundingClientRect(), box.getBoundingClientRect()];
    const { offsetWidth: wide, offsetHeight: high } = element;
    const edges = [box.querySelector(".cards").getBoundingClientRect().right, cell.right].map((right) => right + APART);
    const left = edges.find((edge) => edge + wide <= window.innerWidth) ?? Math.max(4, cell.left - APART - wide);
    const highest = Math.max(4, frame.top);
    const top = clamp(cell.top + cell.height / 2 - high / 2, highest, Math.max(highest, window.innerHeight - high - 4));
    element.style.left = `${left - frame.left}px`;
    element.style.top = `${top - frame.top}px`;
  }

  function hide() {
    one = null;
    element.hidden = true;
  }

  async function repaint() {
    const own = one;
    if (!own) return;
    await loaded(own.layer.place).catch(() => {}); // the Overview tells of it
    if (own === one && own.layer.arrays) paintThumb(canvas, own.layer, own.head, CELLS);
  }

  const at = (event) => known.get(event.target.closest?.(".card"));
  box.addEventListener("pointerover", (event) => event.pointerType !== "touch" && at(event) && enlarge(at(event)));
  box.addEventListener("pointerleave", hide);
  box.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && at(event) && enlarge(at(event)));
  box.addEventListener("focusout", hide);
  box.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  return { element, hide, repaint, add: (card) => known.set(card.button, card) };
}
