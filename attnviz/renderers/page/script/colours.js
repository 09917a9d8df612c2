// Colours, each from pale to strong on the page's own ground: perceptual, and safe for the colour-blind.

const LIGHT = ["#f4f3ef", "#d3e3e2", "#9dc6cb", "#5a9fb4", "#2d749b", "#1d4c7c", "#14264c"];
const DARK = ["#1b1f26", "#17343f", "#175265", "#1d7680", "#46a18d", "#93cc94", "#f1f6bd"];
const ARMS = {
  light: ["#8c3b12", "#c9723c", "#ecc3a3", "#f4f3ef", "#9dc6cb", "#2d749b", "#14264c"],
  dark: ["#ffc48f", "#c9773f", "#5f3a22", "#1b1f26", "#175265", "#46a18d", "#d8f0c4"],
};
const SHADES = 256;

// The first three after Okabe and Ito 2008. The others lie as far from all of them as a search in OKLab found, as eyes with
// three kinds of cones see them, or with two (Machado et al. 2009), each with a contrast of 3 to the ground.
// prettier-ignore
const HEADS = {
  light: [
    "#0072b2", "#d55e00", "#008f66", "#773300", "#9977ff", "#771188", "#444455", "#778899",
    "#0044bb", "#aa4411", "#aa3388", "#dd5577", "#6655dd", "#226655", "#4499cc", "#dd66bb",
  ],
  dark: [
    "#56b4e9", "#ff9a4d", "#2fd0a0", "#bb2266", "#7744cc", "#ddddff", "#888800", "#ffdd00",
    "#889999", "#aaeeaa", "#446699", "#2288ff", "#995511", "#ee6666", "#99ccdd", "#9977bb",
  ],
};
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]]; // pixels: what tells heads apart when the colours come again

const scheme = matchMedia("(prefers-color-scheme: dark)");
const forced = matchMedia("(forced-colors: active)");
const root = document.documentElement;

export function isDark() {
  return root.dataset.theme === "dark";
}

let printing = false;

// Put on a theme: "light", "dark", or "system", whose colours count alone where it forces them on every page.
export function dress(theme) {
  const own = theme === "system" || forced.matches ? (scheme.matches ? "dark" : "light") : theme;
  const worn = printing ? "light" : own; // paper is white
  if (root.dataset.theme !== worn) root.dataset.theme = worn;
}

// Whether the page is being printed: what is drawn for it must be there before the browser does anything else.
export function isPrinting() {
  return printing;
}

// Run when a page is about to be printed, in the colours of paper, and when it was; tools that show how it would be printed
// change the medium alone.
export function onPrint(run) {
  const turn = (next) => () => {
    if (printing === next) return;
    printing = next;
    run(next);
  };
  window.addEventListener("beforeprint", turn(true));
  window.addEventListener("afterprint", turn(false));
  matchMedia("print").addEventListener("change", ({ matches }) => turn(matches)());
}

// Run when the system changes between light and dark, or begins or ends to force its colours.
export function onScheme(run) {
  for (const media of [scheme, forced]) media.addEventListener("change", run);
}

// [red, green, blue] of a tone 0 … 1, or of −1 … 1 with two arms.
export function shade(tone, diverging = false) {
  const ramp = rampOf(diverging);
  const place = pixelPlace(tone, diverging) * 3;
  return [ramp[place], ramp[place + 1], ramp[place + 2]];
}

// Every shade of a scale as the four bytes of a pixel; a tone's place is `pixelPlace`.
export function pixels(diverging = false) {
  const ramp = rampOf(diverging);
  if (!shades.has(ramp)) {
    const bytes = new Uint8ClampedArray(SHADES * 4).fill(255);
    for (let level = 0; level < SHADES; level++) bytes.set(ramp.subarray(level * 3, level * 3 + 3), level * 4);
    shades.set(ramp, new Uint32Array(bytes.buffer));
  }
  return shades.get(ramp);
}

export function pixelPlace(tone, diverging = false) {
  return Math.round((diverging ? (tone + 1) / 2 : tone) * (SHADES - 1));
}

export function cssShade(tone, diverging = false) {
  return `rgb(${shade(tone, diverging).join(" ")})`;
}

// Black or white, whichever is easier to read on the shade (relative luminance, WCAG 2.1).
export function inkOn(tone, diverging = false) {
  const [red, green, blue] = shade(tone, diverging).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179 ? "#ffffff" : "#000000";
}

export function headColour(place) {
  const colours = HEADS[isDark() ? "dark" : "light"];
  return colours[place % colours.length];
}

export function headDash(place) {
  return DASHES[Math.floor(place / HEADS.light.length) % DASHES.length];
}

// A colour of the style sheet; one of the system's, where these are forced on the page, as the numbers that it stands for.
export function themed(name) {
  const colour = getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  return forced.matches ? numbersOf(colour) : colour;
}

const probe = document.createElement("span");
probe.hidden = true;

function numbersOf(colour) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = colour;
  return getComputedStyle(probe).color;
}

const ramps = new Map();
const shades = new Map(); // by their ramps

function rampOf(diverging) {
  const name = `${isDark()} ${diverging}`;
  if (!ramps.has(name)) {
    const arms = ARMS[isDark() ? "dark" : "light"];
    ramps.set(name, mixed(diverging ? arms : isDark() ? DARK : LIGHT));
  }
  return ramps.get(name);
}

function mixed(stops) {
  const colours = stops.map((stop) => [1, 3, 5].map((start) => parseInt(stop.slice(start, start + 2), 16)));
  const ramp = new Uint8Array(SHADES * 3);
  for (let level = 0; level < SHADES; level++) {
    const place = (level / (SHADES - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [from, to] = [colours[low][channel], colours[low + 1][channel]];
      ramp[level * 3 + channel] = Math.round(from + (to - from) * (place - low));
    }
  }
  return ramp;
}
