// Mouse, touch, wheel and keys of the map, as calls of what it can do.

import { ZOOM, clamp } from "./measure.js";
import { state } from "./state.js";

// `map` can: cellAt, hover, choose, zoom, redraw, current, size, fit.
export function listenTo(frame, map) {
  let drag = null;
  frame.addEventListener("scroll", map.redraw);
  frame.addEventListener("pointermove", (event) => {
    if (!map.size()) return;
    if (!event.buttons) drag = null; // it was let go outside
    if (drag && event.pointerType === "mouse") {
      const [x, y] = [drag.x - event.clientX, drag.y - event.clientY];
      drag.moved ||= Math.abs(x) + Math.abs(y) > 5;
      if (drag.moved) frame.scrollTo(drag.left + x, drag.top + y);
    }
    if (!drag?.moved) map.hover(map.cellAt(event));
  });
  frame.addEventListener("pointerleave", () => map.size() && map.hover(null));
  frame.addEventListener("pointerdown", (event) => {
    drag = null;
    if (event.button !== 0) return; // another button has a meaning of its own
    drag = { x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop, moved: false };
  });
  frame.addEventListener("pointerup", (event) => {
    const cell = drag && !drag.moved && map.size() ? map.cellAt(event) : null;
    drag = null;
    if (cell) map.choose(cell, true);
  });
  frame.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      map.zoom(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
    },
    { passive: false },
  );
  frame.addEventListener("keydown", (event) => {
    if (!map.size() || event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    if (!press(event, map)) return;
    event.preventDefault();
  });
}

const MOVES = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-10, 0],
  PageDown: [10, 0],
  Home: [0, -1e9],
  End: [0, 1e9],
};

function press(event, map) {
  const { rows, columns } = map.size();
  const here = map.current();
  if (MOVES[event.key]) {
    const [down, right] = here ? MOVES[event.key] : [0, 0];
    map.hover(null);
    map.choose(
      { row: clamp((here?.row ?? 0) + down, 0, rows - 1), column: clamp((here?.column ?? 0) + right, 0, columns - 1) },
      state.detail,
    );
  } else if (event.key === "Enter" || event.key === " ") map.choose(here ?? { row: 0, column: 0 }, true);
  else if (event.key === "+" || event.key === "=") map.zoom(ZOOM);
  else if (event.key === "-") map.zoom(1 / ZOOM);
  else if (event.key === "0") map.fit();
  else return false;
  return true;
}
