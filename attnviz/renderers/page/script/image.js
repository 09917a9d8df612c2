// Image: the picture that the model has read, tinted by where a token looks.

import { cssShade, themed } from "./colours.js";
import { loaded, quoted, record } from "./data.js";
import { make } from "./dom.js";
import { headName } from "./heads.js";
import { say } from "./lessons.js";
import { directionOf } from "./measure.js";
import { fixed } from "./numbers.js";
import { show, showCell } from "./readout.js";
import { rowOf } from "./rule.js";
import { scaleOf, shownKeys, shownQueries, toneOf, upTo } from "./shown.js";
import { change, state } from "./state.js";
import { tokenList } from "./words.js";

const OPACITY = 0.7; // of the tint
const UNSEEN = 0.6; // how much of the paper covers what no key shows
const SIDE = 1024; // pixels of the longer side
const THUMB = 132; // the same of a small one

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
    paint(main, SIDE, layer, state.head);
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
    controls: ["layer", "head", "scale", "special", "threshold"],
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

// The image in grey under the weights of a head; what no key shows is pale, and the query's own patch has a frame.
function paint(canvas, side, layer, head) {
  const { width, height } = record.image;
  const factor = side / Math.max(width, height);
  [canvas.width, canvas.height] = [Math.round(width * factor), Math.round(height * factor)];
  const context = canvas.getContext("2d");
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  cover(context, themed("paper"), UNSEEN, [0, 0, canvas.width, canvas.height]);
  const boxes = boxesOf(layer, "key");
  if (!boxes || state.query === null) return;
  const { weights } = rowOf(layer, head, state.query);
  const keys = shownKeys(layer).filter((key) => boxes[key]);
  const own = Float64Array.from(keys, (key) => weights[key]);
  const scale = state.scale === "log" ? scaleOf(own) : upTo(own.reduce((most, one) => Math.max(most, one), 0) || 1);
  for (const key of keys.sort((one, other) => areaOf(boxes[other]) - areaOf(boxes[one]))) {
    const place = pixelsOf(boxes[key], factor);
    context.drawImage(source, ...scaled(place, source.width / canvas.width), ...place);
    cover(context, cssShade(toneOf(weights[key], scale)), OPACITY, place);
  }
  const box = boxesOf(layer, "query")?.[state.query];
  if (!box) return;
  const place = pixelsOf(box, factor);
  for (const [colour, thick] of [["#ffffff", side / 180], ["#ff7f0e", side / 340]]) {
    [context.strokeStyle, context.lineWidth] = [colour, thick];
    context.strokeRect(...place);
  }
}

function cover(context, colour, opacity, place) {
  [context.globalAlpha, context.fillStyle] = [opacity, colour];
  context.fillRect(...place);
  context.globalAlpha = 1;
}

// Whole pixels, so that no seam is seen between patches.
function pixelsOf([left, top, right, bottom], factor) {
  const [x, y] = [Math.round(left * factor), Math.round(top * factor)];
  return [x, y, Math.max(1, Math.round(right * factor) - x), Math.max(1, Math.round(bottom * factor) - y)];
}

function scaled(place, factor) {
  return place.map((one) => one * factor);
}

function areaOf([left, top, right, bottom]) {
  return (right - left) * (bottom - top);
}

function pictureOf(layer, canvas) {
  const title = { text: headName(layer, state.head), x: 16, y: 26, size: 15, fill: themed("ink"), bold: true };
  const [width, height] = [720, (720 * canvas.height) / canvas.width];
  return { width: width + 32, height: height + 60, items: [title, { image: canvas, x: 16, y: 42, width, height }] };
}
