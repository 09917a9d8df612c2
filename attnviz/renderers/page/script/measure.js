// What several measure alike.

const MOST_PIXELS = 16.7e6; // of a canvas: iOS takes 4096 × 4096

export const ZOOM = 1.3; // by one step

export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

// How many pixels of a canvas each unit gets: so many as are wanted, or as there may be.
export function sharpness(width, height, wanted) {
  return Math.min(wanted, Math.sqrt(MOST_PIXELS / Math.max(1, width * height)));
}
