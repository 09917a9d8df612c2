// Elements, made without ever reading a text as markup.

import { apart, sharpness } from "./measure.js";

// make("p", { class: "note", onclick: run }, "text", child): a text becomes a text node.
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined));
  return element;
}

// A token: isolated, so that its direction of writing turns nothing around it.
export function tokenElement(label) {
  return make("bdi", { class: "token" }, label);
}

// The text of an element, its tokens isolated as they are on the page.
export function plainOf(element) {
  const copy = element.cloneNode(true);
  for (const token of copy.querySelectorAll("bdi")) token.textContent = apart(token.textContent);
  return copy.textContent;
}

const worn = new WeakMap();

// Change how an element looks by `run` only where it is not of this `look` already: of thousands few change at a time.
export function wear(element, look, run) {
  if (worn.get(element) === look) return;
  worn.set(element, look);
  run(element.style);
}

// Scroll `box` so far that `one` in it is seen, and nothing else.
export function reveal(box, one) {
  if (!one) return;
  const [room, own] = [box.getBoundingClientRect(), one.getBoundingClientRect()];
  if (own.top < room.top || own.bottom > room.bottom) box.scrollTop += own.top - room.top - (room.height - own.height) / 2;
}

// A function that runs once before the next frame is painted, however often it is called.
export function eachFrame(run) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      run();
    });
  };
}

// A canvas context whose unit is a CSS pixel, its canvas as sharp as the screen.
export function sharpContext(canvas, width, height) {
  const ratio = sharpness(width, height, window.devicePixelRatio || 1);
  const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
