// What the map and its gestures measure alike.

export const ZOOM = 1.3; // by one step

export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

// A text of a picture cut to `width` pixels, as wide as the browser's own letters are.
export function shortened(text, size, width) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${size}px system-ui, sans-serif`;
  return fitted(pen, text, width);
}

// A label cut to `width` pixels, the cut marked.
export function fitted(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
