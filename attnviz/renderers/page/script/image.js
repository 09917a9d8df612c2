// Image: the picture that the model has read, tinted by where a token looks.

import { pixelPlace, pixels, themed } from "./colours.js";
import { contourOf } from "./contour.js";
import { loaded, quoted, record } from "./data.js";
import { make } from "./dom.js";
import { headName } from "./heads.js";
import { heatOf } from "./heat.js";
import { say } from "./lessons.js";
import { directionOf } from "./measure.js";
import { fixed } from "./numbers.js";
import { show, showCell } from "./readout.js";
import { rowOf } from "./rule.js";
import { scaleOf, shownKeys, shownQueries, toneWith, upTo } from "./shown.js";
import { CONTOURS, change, state } from "./state.js";
import { tokenList } from "./words.js";

const UNSEEN = 0.6; // how much of the paper covers what no key shows
const SIDE = 1024; // pixels of the longer side
const THUMB = 132; // the same of a small one
const LINED = 512; // the same of the map around whose parts lines run
const DASHES = [[], [0.014, 0.008]]; // of the first line and of the second, in parts of the longer side

export function image() {
  const main = make("canvas", { "aria-hidden": "true" });
  const over = make("div", { class: "over" }); // the patches, to choose from
  const frame = make("div", { class: "framed" }, main, over);
  const rest = make("div", { class: "no-patches" }); // the tokens that are no patch
  const heads = make("div", { class: "image-heads", role: "group", "aria-label": say("page.heads") });
  const element = make("div", { class: "on-image" }, frame, make("div", { class: "beside-image" }, rest, heads));
  let [layer, lists, weights, closed, spoken] = [null, null, null, false, false];

  async function update() {
    const own = { place: state.layer, head: state.head };
    const [ready] = await Promise.all([loaded(own.place), grey()]);
    if (closed || own.place !== state.layer || own.head !== state.head) return;
    layer = ready;
    build();
    if (!boxesOf(layer, "key") || state.query === null) {
      weights = null;
      show(boxesOf(layer, "key") ? "page.idle_image" : "page.no_patches", {});
    } else {
      weights = rowOf(layer, state.head, state.query).weights;
      tell(spoken);
    }
    spoken = false;
    for (const list of lists.all) list.select(state.query);
    draw();
  }

  // The queries that are patches lie over the image, the others stand beside it.
  function build() {
    const places = shownQueries(layer);
    const name = `${layer.place} ${places.length}`;
    if (lists?.name === name) return;
    const boxes = boxesOf(layer, "query");
    const patches = listOf("patches-over");
    const words = listOf("prose");
    patches.lay(boxes ? places.filter((place) => boxes[place]) : []);
    words.lay(boxes ? places.filter((place) => !boxes[place]) : places);
    patches.each((place, option) => laid(option, boxes[place]));
    lists = { name, all: [patches, words] };
    over.replaceChildren(patches.element);
    rest.replaceChildren(words.element);
  }

  function listOf(className) {
    return tokenList({
      labels: layer.queryTexts.labels,
      label: say("label.query"),
      direction: directionOf(layer.queryTexts),
      className,
      choose: (query) => ((spoken = true), change({ query })),
      point,
    });
  }

  // What is pointed at is told as a key.
  function point(place) {
    if (!weights || layer.apart) return;
    if (place === null) tell(false);
    else showCell(layer, state.query, place, weights[place]);
  }

  function tell(aloud) {
    const boxes = boxesOf(layer, "key");
    const share = weights.reduce((sum, weight, key) => (boxes[key] ? sum + weight : sum), 0);
    const query = quoted(layer.queryTexts, state.query);
    show("page.on_image", { query, share: `${fixed(100 * share, 0)} %`, head: layer.heads[state.head] }, aloud);
  }

  function draw() {
    paint(main, SIDE, layer, state.head, CONTOURS[state.contour]);
    const shown = layer.heads.length > 1 ? layer.heads : [];
    heads.replaceChildren(...shown.map((number, head) => thumb(number, head)));
  }

  function thumb(number, head) {
    const small = make("canvas", { "aria-hidden": "true" });
    paint(small, THUMB, layer, head);
    const current = String(head === state.head);
    const label = headName(layer, head);
    return make(
      "button",
      { type: "button", class: "thumb-image", "aria-pressed": current, "aria-label": label, onclick: () => change({ head, heads: null }) },
      small,
      make("span", {}, String(number)),
    );
  }

  return {
    element,
    controls: ["layer", "head", "smooth", "opacity", "contour", "scale", "special", "threshold"],
    update,
    picture: () => pictureOf(layer, main),
    close: () => (closed = true),
  };
}

// The boxes of the queries or of the keys of a layer, null where they show no picture.
function boxesOf(layer, side) {
  const place = record.image.layers[layer.place][side === "query" ? 0 : 1];
  return place === null ? null : record.image.boxes[place];
}

function laid(option, [left, top, right, bottom]) {
  const { width, height } = record.image;
  const percents = [left / width, top / height, (right - left) / width, (bottom - top) / height].map((part) => `${100 * part}%`);
  [option.style.left, option.style.top, option.style.width, option.style.height] = percents;
}

let source = null; // the image without its colours, so that none is taken for one of the scale

async function grey() {
  if (source) return;
  const picture = new Image();
  picture.src = record.image.address;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let place = 0; place < pixels.data.length; place += 4) {
    const [red, green, blue] = pixels.data.subarray(place, place + 3);
    pixels.data.fill(0.2126 * red + 0.7152 * green + 0.0722 * blue, place, place + 3);
  }
  context.putImageData(pixels, 0, 0);
  source = canvas;
}

// The image in grey under the weights of a head; what no key shows is pale, the query's own patch has a frame, and lines hold
// shares of the weight where they are asked for.
function paint(canvas, side, layer, head, shares = []) {
  const factor = side / Math.max(record.image.width, record.image.height);
  [canvas.width, canvas.height] = [Math.round(record.image.width * factor), Math.round(record.image.height * factor)];
  const context = canvas.getContext("2d");
  const { seen, unseen } = groundsOf(canvas.width, canvas.height);
  context.putImageData(unseen, 0, 0);
  const boxes = boxesOf(layer, "key");
  if (!boxes || state.query === null) return;
  const { weights } = rowOf(layer, head, state.query);
  const keys = shownKeys(layer).filter((key) => boxes[key]);
  const own = Float64Array.from(keys, (key) => weights[key]);
  const heat = (columns, rows) => heatOf(keys.map((key) => boxes[key]), own, record.image, columns, rows, state.smooth);
  tint(context, seen, unseen, heat(canvas.width, canvas.height), scaleFor(own));
  const [columns, rows] = [canvas.width, canvas.height].map((length) => Math.round((length * LINED) / side));
  const map = shares.length ? heat(columns, rows) : null;
  shares.forEach((share, number) => outline(context, contourOf(map, columns, rows, share), side, DASHES[number]));
  frame(context, boxesOf(layer, "query")?.[state.query], factor, side);
}

const grounds = new Map(); // by size and theme: all heads and queries have the same

// The pixels of the image in grey, and the same as pale as what no key shows.
function groundsOf(width, height) {
  const name = `${width} ${height} ${themed("paper")}`;
  if (!grounds.has(name)) {
    const canvas = make("canvas", { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(source, 0, 0, width, height);
    const seen = context.getImageData(0, 0, width, height);
    [context.globalAlpha, context.fillStyle] = [UNSEEN, themed("paper")];
    context.fillRect(0, 0, width, height);
    grounds.set(name, { seen, unseen: context.getImageData(0, 0, width, height) });
  }
  return grounds.get(name);
}

function scaleFor(weights) {
  return state.scale === "log" ? scaleOf(weights) : upTo(weights.reduce((most, one) => Math.max(most, one), 0) || 1);
}

// Colours of weights over the pixels that are seen, beside those that are not.
function tint(context, seen, unseen, values, scale) {
  const mixed = new ImageData(new Uint8ClampedArray(unseen.data), unseen.width, unseen.height);
  const [from, to, shades] = [seen.data, mixed.data, new Uint8Array(pixels().buffer)];
  const [toneAt, opacity] = [toneWith(scale), state.opacity];
  for (let place = 0; place < values.length; place++) {
    const value = values[place];
    if (value !== value) continue; // NaN is not even itself
    const [pixel, shade] = [4 * place, 4 * pixelPlace(toneAt(value))];
    for (let channel = 0; channel < 3; channel++)
      to[pixel + channel] = from[pixel + channel] + opacity * (shades[shade + channel] - from[pixel + channel]);
  }
  context.putImageData(mixed, 0, 0);
}

// White on black, so that a line is seen on any ground.
function outline(context, lines, side, dash) {
  const { width, height } = context.canvas;
  const path = new Path2D();
  for (const line of lines) line.forEach(([x, y], place) => path[place ? "lineTo" : "moveTo"](x * width, y * height));
  context.setLineDash(dash.map((length) => length * side));
  for (const [colour, thick] of [["#000000", side / 200], ["#ffffff", side / 400]]) {
    [context.strokeStyle, context.lineWidth] = [colour, thick];
    context.stroke(path);
  }
  context.setLineDash([]);
}

// Around the patch of the query.
function frame(context, box, factor, side) {
  if (!box) return;
  const [left, top, right, bottom] = box.map((one) => one * factor);
  for (const [colour, thick] of [["#ffffff", side / 180], ["#ff7f0e", side / 340]]) {
    [context.strokeStyle, context.lineWidth] = [colour, thick];
    context.strokeRect(left, top, right - left, bottom - top);
  }
}

function pictureOf(layer, canvas) {
  const title = { text: headName(layer, state.head), x: 16, y: 26, size: 15, fill: themed("ink"), bold: true };
  const [width, height] = [720, (720 * canvas.height) / canvas.width];
  return { width: width + 32, height: height + 60, items: [title, { image: canvas, x: 16, y: 42, width, height }] };
}
