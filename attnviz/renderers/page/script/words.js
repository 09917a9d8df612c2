// Tokens that can be chosen: a list box, its options in the order of the text.

import { make, tokenElement } from "./dom.js";
import { hold, roving } from "./roving.js";

// { element, lay(places), at(place), each(run), select(place) }: `lay` says which tokens are in the list, `at` gives the
// option of one that is, `each` runs over the places and their options; `choose(place)` on a click or Enter,
// `point(place | null)` while the pointer moves.
export function tokenList({ labels, label, direction = "ltr", className = "", choose, point = () => {} }) {
  const options = []; // that are in the list
  const made = new Map(); // all that ever were, by their places
  const { element, enter } = tokenBox({ label, direction, className, choose, point });
  roving(element, () => options, enter);

  function optionOf(place) {
    if (!made.has(place)) made.set(place, wordOf(place, labels[place]));
    return made.get(place);
  }

  // What is there already stays: of a text that is read token by token, only the end of the list changes.
  function lay(places) {
    const wanted = places.map(optionOf);
    let same = 0;
    while (same < options.length && options[same] === wanted[same]) same++;
    for (const option of options.splice(same)) option.remove();
    options.push(...wanted.slice(same));
    element.append(...wanted.slice(same));
    if (options.length) hold(options, options.find((option) => option.tabIndex === 0) ?? options[0]);
  }

  const at = (place) => (made.get(place)?.parentNode ? made.get(place) : null);
  let selected = null;
  function select(place) {
    selected?.setAttribute("aria-selected", "false");
    selected = at(place);
    selected?.setAttribute("aria-selected", "true");
    if (selected) hold(options, selected);
  }

  const each = (run) => options.forEach((option) => run(Number(option.dataset.place), option));
  return { element, lay, at, each, select };
}

// An empty list box, and what it hears: `enter(option)` says that the keyboard came to an option.
export function tokenBox({ label, direction = "ltr", className = "", choose, point = () => {} }) {
  const element = make("ul", { role: "listbox", dir: direction, "aria-label": label, class: `words ${className}` });
  let entered = false; // whether the keyboard points at an option
  const enter = (option) => {
    entered = true;
    point(placeOf(option));
  };
  element.addEventListener("focusout", (event) => {
    if (!entered || element.contains(event.relatedTarget)) return;
    entered = false;
    point(null);
  });
  element.addEventListener("click", (event) => {
    const place = placeOf(event.target);
    if (place !== null) choose(place);
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const place = placeOf(event.target);
    if (place !== null) choose(place);
  });
  element.addEventListener("pointerover", (event) => point(placeOf(event.target)));
  element.addEventListener("pointerleave", () => point(null));
  return { element, enter };
}

// The place of the option that an element is, or is in; null where it is in none.
export function placeOf(target) {
  const option = target?.closest?.("[role=option]");
  return option ? Number(option.dataset.place) : null;
}

export function wordOf(place, label) {
  return make(
    "li",
    { role: "option", class: "word", "data-place": place, "aria-selected": "false", tabindex: "-1" },
    tokenElement(label),
  );
}
