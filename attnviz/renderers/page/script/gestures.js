// Mouse, touch, wheel and keys of the map, as calls of what it can do.

import { ZOOM, clamp } from "./measure.js";
import { state } from "./state.js";

// `map` can: cellAt, hover, choose, zoom, redraw, current, first, size, fit.
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
    const touched = event.pointerType === "touch"; // a finger asks what a cell is before it asks for its arithmetic
    if (cell) map.choose(cell, !touched || same(cell, map.current()), touched);
  });
  pinch(frame, map, () => (drag = null));
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

const same = (one, other) => one.row === other?.row && one.column === other.column;

// Two fingers zoom around the point between them; `begin` is told when they touch.
function pinch(frame, map, begin) {
  let apart = 0;
  const distance = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
  frame.addEventListener(
    "touchstart",
    (event) => {
      if (event.touches.length !== 2) return;
      begin();
      apart = distance(event.touches);
    },
    { passive: true },
  );
  frame.addEventListener(
    "touchmove",
    (event) => {
      if (event.touches.length !== 2) return;
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      const [one, other] = event.touches;
      const now = distance(event.touches);
      const middle = [(one.clientX + other.clientX) / 2 - box.left, (one.clientY + other.clientY) / 2 - box.top];
      map.zoom(now / apart, ...middle);
      apart = now;
    },
    { passive: false },
  );
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
      { row: clamp((here?.row ?? map.first()) + down, 0, rows - 1), column: clamp((here?.column ?? 0) + right, 0, columns - 1) },
      state.detail,
    );
  } else if (event.key === "Enter" || event.key === " ") map.choose(here ?? { row: map.first(), column: 0 }, true);
  else if (event.key === "+" || event.key === "=") map.zoom(ZOOM);
  else if (event.key === "-") map.zoom(1 / ZOOM);
  else if (event.key === "0") map.fit();
  else return false;
  return true;
}
