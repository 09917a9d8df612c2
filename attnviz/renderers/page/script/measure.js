// What the map and its gestures measure alike.

export const ZOOM = 1.3; // by one step

export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}
