// Tokens below each other, to choose from: of thousands only those that are near what is in sight are in the document, and
// those that somebody holds. Each says its number and of how many, as assistive technology counts what is there alone.

import { clamp } from "./measure.js";
import { placeOf, tokenBox, wordOf } from "./words.js";

const NEAR = 30; // rows above and below what is in sight
const WAYS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, Home: -Infinity, End: Infinity };

// { element, lay(places), near(top, height), at(place), each(run), select(place) }: as those of `tokenList`, where `at` and
// `each` know what is in the document, and `near` says in pixels what is in sight; each token is `row` pixels tall.
export function tokenColumn({ labels, label, className, row, choose, point }) {
  const { element, enter } = tokenBox({ label, className, choose, point });
  const there = new Map(); // the options in the document, by their places
  let [places, numbers] = [[], new Map()]; // of all tokens: their order, and the number of each
  let [first, end] = [0, NEAR]; // the rows that are near
  let [selected, held] = [null, null]; // what is chosen, and what Tab reaches

  function lay(wanted) {
    places = wanted;
    numbers = new Map(places.map((place, number) => [place, number]));
    element.style.height = `${places.length * row}px`;
    for (const [place, option] of there) seat(option, numbers.get(place));
    fill();
  }

  function near(top, height) {
    const rows = [Math.floor(top / row) - NEAR, Math.ceil((top + height) / row) + NEAR];
    if (rows[0] === first && rows[1] === end) return;
    [first, end] = rows;
    fill();
  }

  // Let those be in the document that are near, chosen or in focus, in their order; who stays is not moved, and keeps the focus.
  function fill() {
    if (!numbers.has(held)) held = numbers.has(selected) ? selected : places[0];
    const wanted = new Set(places.slice(Math.max(0, first), Math.max(0, end)));
    for (const place of [selected, held, placeOf(element.contains(document.activeElement) ? document.activeElement : null)])
      if (numbers.has(place)) wanted.add(place);
    for (const [place, option] of there) {
      if (wanted.has(place)) continue;
      there.delete(place);
      option.remove();
    }
    let next = element.firstChild;
    for (const place of [...wanted].sort((one, other) => numbers.get(one) - numbers.get(other))) {
      const option = there.get(place) ?? optionOf(place);
      if (option === next) next = next.nextSibling;
      else element.insertBefore(option, next);
    }
    reach();
  }

  function optionOf(place) {
    const option = wordOf(place, labels[place]);
    option.setAttribute("aria-selected", String(place === selected));
    seat(option, numbers.get(place));
    there.set(place, option);
    return option;
  }

  function seat(option, number) {
    option.style.top = `${number * row}px`;
    option.setAttribute("aria-posinset", number + 1);
    option.setAttribute("aria-setsize", places.length);
  }

  function reach() {
    for (const [place, option] of there) {
      const index = place === held ? 0 : -1;
      if (option.tabIndex !== index) option.tabIndex = index;
    }
  }

  function select(place) {
    there.get(selected)?.setAttribute("aria-selected", "false");
    selected = numbers.has(place) ? place : null;
    if (selected !== null) held = selected;
    fill();
    there.get(selected)?.setAttribute("aria-selected", "true");
  }

  element.addEventListener("focusin", (event) => {
    held = placeOf(event.target) ?? held;
    reach();
  });
  element.addEventListener("keydown", (event) => {
    const [way, number] = [WAYS[event.key], numbers.get(placeOf(event.target))];
    if (way === undefined || number === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    held = places[clamp(number + way, 0, places.length - 1)];
    fill();
    const option = there.get(held);
    option.focus();
    enter(option);
  });
  const each = (run) => there.forEach((option, place) => run(place, option));
  return { element, lay, near, at: (place) => there.get(place) ?? null, each, select };
}
