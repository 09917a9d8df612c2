// Tokens that can be chosen: a list box, its options in the order of the text.

import { make, tokenElement } from "./dom.js";
import { hold, roving } from "./roving.js";

// { element, options, select(place) }; `choose(place)` on a click or Enter, `point(place | null)` while the pointer moves.
export function tokenList({ labels, places, label, direction = "ltr", className = "", choose, point = () => {} }) {
  const options = places.map((place) =>
    make(
      "li",
      { role: "option", class: "word", "data-place": place, "aria-selected": "false", tabindex: "-1" },
      tokenElement(labels[place]),
    ),
  );
  const element = make("ul", { role: "listbox", dir: direction, "aria-label": label, class: `words ${className}` }, options);
  const placeOf = (target) => {
    const option = target.closest?.("[role=option]");
    return option ? Number(option.dataset.place) : null;
  };
  if (options.length) hold(options, options[0]);
  let entered = false; // whether the keyboard points at an option
  roving(
    element,
    () => options,
    (option) => {
      entered = true;
      point(placeOf(option));
    },
  );
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
  const select = (chosen) => {
    for (const option of options) option.setAttribute("aria-selected", String(Number(option.dataset.place) === chosen));
    const one = options.find((option) => Number(option.dataset.place) === chosen);
    if (one) hold(options, one);
  };
  return { element, options, select };
}
