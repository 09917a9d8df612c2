// Keyboard use of many alike: one of them is in the tab order, arrow keys move on to the next.

// `items()` are the elements, `enter(element)` is told where the focus goes.
export function roving(container, items, enter = () => {}) {
  container.addEventListener("keydown", (event) => {
    const all = items();
    const place = all.indexOf(document.activeElement);
    const next = place < 0 || event.ctrlKey || event.metaKey || event.altKey ? null : target(across(event.key, container), all, place);
    if (next === null) return;
    event.preventDefault();
    hold(all, all[next]);
    all[next].focus();
    enter(all[next]);
  });
  container.addEventListener("focusin", (event) => {
    if (items().includes(event.target)) hold(items(), event.target);
  });
}

// Make `one` the element that Tab reaches.
export function hold(all, one) {
  for (const element of all) {
    const index = element === one ? 0 : -1;
    if (element.tabIndex !== index) element.tabIndex = index; // each written one would be looked at again
  }
}

// Where the elements run from right to left, the next is at the left.
function across(key, container) {
  const turned = { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" };
  return getComputedStyle(container).direction === "rtl" ? (turned[key] ?? key) : key;
}

function target(key, all, place) {
  if (key === "Home") return 0;
  if (key === "End") return all.length - 1;
  if (key === "ArrowRight") return Math.min(place + 1, all.length - 1);
  if (key === "ArrowLeft") return Math.max(place - 1, 0);
  if (key === "ArrowDown") return below(all, place, 1);
  if (key === "ArrowUp") return below(all, place, -1);
  return null;
}

// The nearest in the next line, down (1) or up (−1).
function below(all, place, direction) {
  const here = all[place].getBoundingClientRect();
  let [best, nearest] = [place, Infinity];
  for (let other = place + direction; other >= 0 && other < all.length; other += direction) {
    const box = all[other].getBoundingClientRect();
    const down = (box.top - here.top) * direction;
    if (down < here.height / 2) continue;
    const away = down * 1000 + Math.abs(box.left + box.width / 2 - here.left - here.width / 2);
    if (away < nearest) [best, nearest] = [other, away];
    else if (down * 1000 > nearest + 1000) break; // a line further
  }
  return best;
}
