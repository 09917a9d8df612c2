// What is being looked at: held once, written into the URL's fragment, passed on to those who listen.

import { groups, layers, record, spotOf } from "./data.js";
import { STAGES, neighbour, stageOf, stagesOf } from "./way.js";

export const MAP_STEPS = ["scores", "scaled", "masked", "weights", "contribution", "summed"];
export const VIEWS = ["overview", "matrix", "lines", "text", ...(record.image ? ["image"] : []), "steps"];
export const CONTOURS = { none: [], 50: [0.5], 80: [0.8], "50_80": [0.5, 0.8] }; // shares of the weight that lines on the image hold
const isWritten = Boolean(record.next?.some(({ written }) => written)); // by a model, token by token
const AT_FIRST = record.opens ?? firstSpot();
const DEFAULTS = {
  view: record.opens || record.step ? "matrix" : record.image ? "image" : layers.length * layers[0].heads.length > 1 && !isWritten ? "overview" : "matrix",
  layer: AT_FIRST.layer, // places, not numbers: a page may hold layers 4 to 7
  head: AT_FIRST.head,
  heads: null, // of the lines: places, or null for the one head
  query: lastQuery(layers[0]), // null where none is chosen
  key: null,
  upto: null, // the position up to which the text is read; null is all of it
  other: record.opens ? { ...record.opens.other, step: "weights" } : null, // of the Matrix: the second map, { layer, head, step }, in places
  detail: false, // whether the arithmetic of query and key is open
  step: record.step ?? "weights", // of the matrix
  stage: record.step ?? null, // of the steps; null is the first whose numbers are known
  scale: "linear",
  first: true, // whether the first key is shown
  special: record.special, // whether special tokens are shown
  threshold: 0,
  smooth: true, // Image: colours change evenly from patch to patch, instead of one colour a patch
  opacity: 0.65, // of these
  contour: "none",
  towards: false, // Text: who looks at the token, instead of what it looks at
  sort: "place",
  language: record.language, // that the page was written in
  theme: "system",
};

export const state = { ...DEFAULTS };
const listeners = [];

export function listen(listener) {
  listeners.push(listener);
}

const PASSING = 1000; // milliseconds: views that are left sooner are no places to come back to
let run = { kind: null, at: 0 }; // of changes of the same kind

// Whether a change leads to a place to come back to with the browser's Back: to another view, or to another layer or head.
// A run through heads is one place, and so are views that are passed through.
function isPlace(before) {
  const other = (name) => state[name] !== before[name];
  const kind = other("view") ? "view" : other("layer") || other("head") ? "head" : null;
  const now = performance.now();
  const goesOn = kind === run.kind && (kind === "head" || now - run.at < PASSING);
  run = { kind, at: now };
  return kind !== null && !goesOn;
}

// Change what is looked at.
export function change(changes) {
  const before = { ...state };
  Object.assign(state, changes);
  if (currentLayer().pooled !== layers[before.layer].pooled) forget(changes);
  settle();
  const fragment = `#${written()}`;
  try {
    if (isPlace(before)) history.pushState(null, "", fragment);
    else history.replaceState(null, "", fragment);
  } catch {
    // A frame without an address of its own, as in a notebook: the state is not written anywhere.
  }
  for (const listener of listeners) listener(before);
}

// Take what the fragment says; what it does not say, or says wrongly, is as it was at first.
export function readFragment() {
  const before = { ...state };
  const words = new URLSearchParams(location.hash.slice(1));
  Object.assign(state, DEFAULTS);
  for (const [name, read] of Object.entries(READ)) {
    if (!words.has(name)) continue;
    const value = read(words.get(name));
    if (value !== undefined) state[name] = value;
  }
  if (!words.has("query")) state.query = lastQuery(currentLayer());
  settle();
  correct();
  run = { kind: null, at: 0 };
  for (const listener of listeners) listener(before);
}

// Let an address that said something else say what is shown.
function correct() {
  const fragment = `#${written()}`;
  try {
    if (location.hash.length > 1 && location.hash !== fragment) history.replaceState(null, "", fragment);
  } catch {
    // As in change.
  }
}

export function currentLayer() {
  return layers[state.layer];
}

// The steps of a layer that are maps: where only weights are held, these; contributions where W_O is known; and those of all
// heads added up where the page has what that takes.
export function mapSteps(layer) {
  if (!layer.computes) return ["weights"];
  const there = { contribution: layer.contributes, summed: layer.sums };
  return MAP_STEPS.filter((step) => there[step] ?? !(step in there));
}

// The step that the player shows: the one that was asked for, or the nearest to it that this layer has.
export function stageNow() {
  const layer = currentLayer();
  if (state.stage) return stageOf(layer, state.stage);
  const [first] = stagesOf(layer);
  return first.unknown ? neighbour(layer, first.name, 1) : first.name;
}

// The step that has a number for each key and is shown now, in the view or as the player has it; else the weights.
export function stepNow() {
  const step = state.view === "matrix" ? state.step : state.view === "steps" ? stageNow() : "weights";
  return mapSteps(currentLayer()).includes(step) ? step : "weights";
}

// The head that a page opens with: of a text that a model wrote, read as it was written, the first with a role, or of the
// layers that wrote it; else the first.
function firstSpot() {
  const asked = layers.find((layer) => mapSteps(layer).includes(record.step));
  if (asked && record.step !== "weights" && !isWritten) return { layer: asked.place, head: 0 };
  const writing = isWritten ? layers.filter((layer) => record.nextOf?.[layer.place]) : [];
  const worn = ({ place }) => Object.keys(record.roles?.[place] ?? {});
  const layer = writing.find((one) => worn(one).length) ?? writing[0] ?? layers[0];
  return { layer: layer.place, head: writing.length ? Number(worn(layer)[0] ?? 0) : 0 };
}

// Whether a layer reads its text token by token, no Query seeing what comes after it: then it may be read up to a position.
export function unfolds(layer) {
  return Boolean(layer.causal) && !layer.apart && layer.offset === 0 && layer.queries === layer.keys && layer.queries > 1;
}

// The last position that is read, or null where all are; the Overview shows whole maps.
export function lastRead(layer) {
  return state.view !== "overview" && unfolds(layer) ? state.upto : null;
}

// The last token of the text that is no special one: it sees the most under a causal rule. On an image, [CLS], which stands for all.
export function lastQuery(layer) {
  if (record.image && layer.queryTexts.labels[0] === "[CLS]") return 0;
  for (let place = layer.queries - 1; place >= 0; place--) if (!layer.queryTexts.special.includes(place)) return place;
  return layer.queries - 1;
}

// What the second map shows at first: the step before, where there is one beside which that says something; else the next head.
export function besideAtFirst() {
  const here = { layer: state.layer, head: state.head, step: state.step };
  const heads = layers[state.layer].heads.length;
  const step = MAP_STEPS[MAP_STEPS.indexOf(state.step) - 1];
  if (step && (state.step !== "weights" || heads === 1) && layers[state.layer].computes) return { ...here, step };
  return { ...here, head: (state.head + 1) % heads };
}

// The heads that the lines show.
export function chosenHeads() {
  return state.heads ?? [state.head];
}

// How each layer is called in an address: "4", or "cross-4" where a model has several stacks; the second that is titled
// so is "4.2".
const addresses = [];
for (const [layer] of groups) {
  const title = layer.title.replace(/^layer /, "").replace(" ", "-");
  let address = title;
  for (let number = 2; addresses.includes(address); number++) address = `${title}.${number}`;
  addresses.push(address);
}

const oneOf = (words) => (word) => (words.includes(word) ? word : undefined);
const truth = (word) => (word === "yes" ? true : word === "no" ? false : undefined);
const share = (word) => (word !== "" && Number(word) >= 0 && Number(word) <= 1 ? Number(word) : undefined);
const whole = (word) => (/^\d{1,6}$/.test(word) ? Number(word) : undefined);
const found = (place) => (place < 0 ? undefined : place);

// A map as an address names it: "4_1_scaled", its layer, its head and its step.
function spotAt(word) {
  const [address, number, step] = word.split("_");
  const parts = groups[addresses.indexOf(address)];
  const spot = parts && spotOf(parts[0], whole(number));
  return spot && MAP_STEPS.includes(step) ? { ...spot, step } : undefined;
}

function addressAt({ layer, head, step }) {
  return `${addresses[layers[layer].of]}_${layers[layer].heads[head]}_${step}`;
}

const READ = {
  view: oneOf(VIEWS),
  layer: (word) => found(groups[addresses.indexOf(word)]?.[0].place ?? -1),
  head: (word) => {
    const spot = spotOf(currentLayer(), whole(word));
    if (spot) state.layer = spot.layer;
    return spot?.head;
  },
  heads: (word) => {
    const places = word.split(".").map((one) => currentLayer().heads.indexOf(whole(one)));
    return places.includes(-1) ? undefined : places;
  },
  query: (word) => (word === "none" ? null : whole(word)),
  key: whole,
  upto: whole,
  detail: truth,
  step: oneOf(MAP_STEPS),
  stage: oneOf(STAGES),
  other: (word) => (word === "none" ? null : spotAt(word)),
  scale: oneOf(["linear", "log"]),
  first: truth,
  special: truth,
  threshold: share,
  smooth: truth,
  opacity: share,
  contour: oneOf(Object.keys(CONTOURS)),
  towards: truth,
  sort: oneOf(["place", "entropy", "first", "previous", "induction"]),
  language: oneOf(Object.keys(record.languages)),
  theme: oneOf(["system", "light", "dark"]),
};

// A cell of many tokens is no token: where one is left for the other, what was chosen means nothing.
function forget(changes) {
  if (!("query" in changes)) state.query = lastQuery(currentLayer());
  if (!("key" in changes)) state.key = null;
}

// What no longer exists after a change of layer is given up.
function settle() {
  const layer = currentLayer();
  state.head = Math.min(state.head, layer.heads.length - 1);
  if (state.heads) state.heads = state.heads.filter((head) => head < layer.heads.length);
  if (state.query >= layer.queries) state.query = lastQuery(layer);
  if (state.key >= layer.keys) state.key = null;
  if (state.upto !== null) unfold(layer);
  if (state.query === null || state.key === null || !layer.computes) state.detail = false;
  if (!mapSteps(layer).includes(state.step)) state.step = "weights";
  if (state.other && !mapSteps(layers[state.other.layer]).includes(state.other.step)) state.other = { ...state.other, step: "weights" };
}

// The address of what is looked at, were these `changes` made.
export function addressOf(changes) {
  const kept = { ...state };
  Object.assign(state, changes);
  const words = written();
  Object.assign(state, kept);
  return `#${words}`;
}

// What is not read yet is not chosen.
function unfold(layer) {
  if (!unfolds(layer) || state.upto >= layer.queries - 1) state.upto = null;
  if (state.upto === null) return;
  if (state.query > state.upto) state.query = state.upto;
  if (state.key > state.upto) state.key = null;
}

function written() {
  const layer = currentLayer();
  const words = new URLSearchParams();
  const usual = (name) => (name === "query" ? lastQuery(layer) : DEFAULTS[name]);
  const put = (name, value) => {
    if (state[name] !== usual(name)) words.set(name, value);
  };
  put("view", state.view);
  if (groups.length > 1) words.set("layer", addresses[layer.of]);
  if (groups[layer.of].length > 1 || layer.heads.length > 1) words.set("head", layer.heads[state.head]);
  put("heads", state.heads?.map((head) => layer.heads[head]).join("."));
  put("query", state.query ?? "none");
  if (state.other) words.set("other", addressAt(state.other));
  else if (DEFAULTS.other) words.set("other", "none");
  for (const name of ["key", "upto", "step", "stage", "scale", "threshold", "sort", "opacity", "contour"]) put(name, state[name]);
  for (const name of ["detail", "first", "special", "towards", "smooth"]) put(name, state[name] ? "yes" : "no");
  for (const name of ["language", "theme"]) put(name, state[name]);
  return words.toString();
}
