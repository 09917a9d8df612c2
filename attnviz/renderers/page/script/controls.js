// The bar of choices above a view: which head, how it is coloured, what is left out, and saving a picture.

import { groups, headsOf, layers, record, roleOf, spotOf } from "./data.js";
import { make } from "./dom.js";
import { keepSaid, say } from "./lessons.js";
import { PHONE } from "./measure.js";
import { fixed, general } from "./numbers.js";
import { titleOf, wornBy } from "./heads.js";
import { isGraded } from "./shown.js";
import { CONTOURS, besideAtFirst, change, currentLayer, mapSteps, state } from "./state.js";

const DECADES = 6; // of the slider of the smallest weight: those of a long text are a hundred thousandth

const SORTS = ["place", "entropy", "first", "previous", "induction"];

// The controls that a view names, each with a function that shows the state in it.
export function controlBar(names) {
  const built = names.map((name) => CONTROLS[name]?.()).filter(Boolean);
  const about = aboutRole();
  const element = make(
    "div",
    { class: "controls" },
    built.map((one) => one.element),
    record.roles && names.includes("head") ? about.element : null,
  );
  const update = () => {
    built.forEach((one) => one.update());
    about.update();
    idle(element);
  };
  update();
  return { element, update };
}

let isUnfolded = false; // whether somebody asked for all of it: for the next head, too

// What is known of the role that the chosen head wears; on a phone the first sentence, and the rest behind it.
function aboutRole() {
  const element = make("div", { class: "about quiet" });
  let told = "";

  function update() {
    const role = roleOf(currentLayer(), state.head);
    const name = role ? `${PHONE.matches} ${role.evidence}` : "";
    if (name === told) return;
    told = name;
    element.replaceChildren(...(role ? sentencesOf(role.evidence) : []));
  }

  return { element, update };
}

function sentencesOf(evidence) {
  const elsewhere = make("p", { id: "elsewhere" }, record.elsewhere);
  if (!PHONE.matches) return [make("p", { id: "evidence" }, evidence), elsewhere];
  const end = evidence.indexOf(". ") + 1;
  const [first, rest] = [make("summary", {}, evidence.slice(0, end)), make("p", {}, evidence.slice(end).trim())];
  const folded = make("details", { id: "evidence", open: isUnfolded }, first, rest, elsewhere);
  folded.addEventListener("toggle", () => (isUnfolded = folded.open));
  return [folded];
}

// The scale is of what is never below 0, the threshold of weights, and the head of a map of one: they do nothing to other steps.
function idle(element) {
  const inMatrix = state.view === "matrix";
  unuse(element.querySelectorAll(".of-scale"), inMatrix && !isGraded(currentLayer(), state.step));
  unuse(element.querySelectorAll(".of-weights"), inMatrix && state.step !== "weights");
  unuse(element.querySelectorAll(".of-head"), inMatrix && state.step === "summed");
}

function unuse(parts, unused) {
  for (const part of parts) {
    part.classList.toggle("idle", unused);
    for (const one of part.querySelectorAll("button, input, select")) one.disabled = unused;
  }
}

// The buttons that save the view as a picture, as long as they are allowed to.
export function saveButtons(saveAs) {
  const buttons = ["svg", "png"].map((form) =>
    make(
      "button",
      { type: "button", class: "small", id: `save-${form}`, disabled: true, onclick: () => saveAs(form) },
      form.toUpperCase(),
    ),
  );
  const name = make("span", { class: "name" });
  const element = make("div", { class: "control save", role: "group" }, name, buttons);
  keepSaid(() => {
    name.textContent = say("page.save");
    element.setAttribute("aria-label", name.textContent);
  });
  return { element, allow: (ready) => buttons.forEach((button) => button.toggleAttribute("disabled", !ready)) };
}

const CONTROLS = {
  layer() {
    if (groups.length === 1) return null;
    const options = groups.map(([layer], place) => [place, titleOf(layer)]);
    return select("layer", say("page.layer"), options, {
      read: (value) => sameHead(groups[value][0]),
      write: () => currentLayer().of,
    });
  },

  head() {
    if (layers.every((layer) => layer.heads.length === 1)) return null;
    const numbers = () => headsOf(groups[currentLayer().of]);
    const build = () => numbers().map((number) => [number, headLabel(number)]);
    const own = select("head", say("page.head"), build(), {
      read: (value) => spotOf(currentLayer(), Number(value)),
      write: () => currentLayer().heads[state.head],
    });
    const step = (by) => () => {
      const [all, layer] = [numbers(), currentLayer()];
      const next = all[(all.indexOf(layer.heads[state.head]) + by + all.length) % all.length];
      change({ ...spotOf(layer, next), heads: null });
    };
    const arrow = (name, sign, by) =>
      make(
        "button",
        { type: "button", class: "small", "aria-label": say(name), title: say(name), onclick: step(by) },
        sign,
      );
    own.element.classList.add("of-head");
    own.element.append(arrow("page.previous_head", "‹", -1), arrow("page.next_head", "›", 1));
    let layer = currentLayer();
    const update = () => {
      if (layer.of !== currentLayer().of) own.refill(build());
      layer = currentLayer();
      own.update();
    };
    return { element: own.element, update };
  },

  step() {
    const build = () => mapSteps(currentLayer()).map((step) => [step, say(`title.${step}`)]);
    const own = select("step", say("page.step"), build());
    let known = String(mapSteps(currentLayer()));
    const update = () => {
      if (known !== String(mapSteps(currentLayer()))) own.refill(build());
      known = String(mapSteps(currentLayer()));
      own.update();
    };
    return { element: own.element, update };
  },

  sort() {
    const known = SORTS.filter(
      (sort) => sort === "place" || layers.some((layer) => layer.metrics[sort].some((value) => value !== null)),
    );
    return select(
      "sort",
      say("page.sort"),
      known.map((sort) => [sort, say(`page.sort_${sort}`)]),
    );
  },

  beside() {
    const button = make(
      "button",
      { type: "button", class: "small", id: "control-beside", onclick: () => change({ other: state.other ? null : besideAtFirst() }) },
      say("beside.title"),
    );
    const update = () => button.setAttribute("aria-pressed", String(state.other !== null));
    return { element: make("div", { class: "control" }, button), update };
  },

  towards: () =>
    choice(
      "towards",
      say("page.direction"),
      [
        [false, say("page.from")],
        [true, say("page.towards")],
      ],
      (towards) => ({ towards, query: state.query ?? state.key, key: state.query ?? state.key }),
    ),

  scale: () =>
    choice("scale", say("page.scale"), [
      ["linear", say("page.linear")],
      ["log", say("page.log")],
    ]),

  first: () => check("first", say("page.first")),

  special: () =>
    layers.some((layer) => layer.queryTexts.special.length + layer.keyTexts.special.length)
      ? check("special", say("page.special"))
      : null,

  smooth: () =>
    choice("smooth", say("page.between"), [
      [true, say("page.smooth")],
      [false, say("page.each_patch")],
    ]),

  opacity: () => slider("opacity", say("page.opacity"), { read: (place) => place, place: (opacity) => opacity, told: (opacity) => `${fixed(100 * opacity, 0)} %` }),

  contour: () =>
    select(
      "contour",
      say("page.contour"),
      Object.keys(CONTOURS).map((name) => [name, say(`page.contour_${name}`)]),
    ),

  threshold: () => slider("threshold", say("page.threshold"), { read: weightAt, place: placeOf, told: (weight) => general(weight, 2), of: "of-weights" }),
};

// Each step of the slider is the same factor, rounded to what is written beside it; at its left end nothing is left out.
function weightAt(place) {
  return place ? Number((10 ** (DECADES * (place - 1))).toPrecision(2)) : 0;
}

function placeOf(weight) {
  return weight ? Math.max(0.01, 1 + Math.log10(weight) / DECADES) : 0;
}

// The head of the same number in another layer, or its first, as { layer, head }.
function sameHead(part) {
  return spotOf(part, currentLayer().heads[state.head]) ?? { layer: part.place, head: 0 };
}

function headLabel(number) {
  const spot = spotOf(currentLayer(), number);
  const [layer, head] = [layers[spot.layer], spot.head];
  const own = layer.grouped ? `${number} (Key/Value ${layer.kvHeads[head]})` : String(number);
  return `${own}${wornBy(layer, head)}`;
}

// A slider from 0 to 1: `read` makes of its place what is chosen, `place` the way back, and `told` its words.
function slider(name, label, { read, place, told, of = "" }) {
  const shown = make("output", { class: "value" });
  const input = make("input", { type: "range", id: `control-${name}`, min: 0, max: 1, step: 0.01 });
  input.addEventListener("input", () => change({ [name]: read(Number(input.value)) }));
  const element = make("div", { class: `control ${of}` }, make("label", { class: "name", for: `control-${name}` }, label), input, shown);
  const update = () => {
    input.value = place(state[name]);
    shown.textContent = told(state[name]);
    input.setAttribute("aria-valuetext", shown.textContent);
  };
  return { element, update };
}

// `read` makes changes of the state of what is chosen, `write` says what is.
function select(name, label, options, { read = (value) => ({ [name]: value }), write = () => state[name] } = {}) {
  const box = make("select", { id: `control-${name}` });
  const refill = (all) => box.replaceChildren(...all.map(([value, text]) => make("option", { value }, text)));
  refill(options);
  box.addEventListener("change", () =>
    change({ ...read(box.value), ...(name === "layer" || name === "head" ? { heads: null } : {}) }),
  );
  const element = make(
    "div",
    { class: "control" },
    make("label", { class: "name", for: `control-${name}` }, label),
    box,
  );
  return { element, refill, update: () => (box.value = write()) };
}

function choice(name, label, options, changes = (value) => ({ [name]: value })) {
  const buttons = options.map(([value, text]) =>
    make("button", { type: "button", class: "small", onclick: () => change(changes(value)) }, text),
  );
  const element = make(
    "div",
    { class: name === "scale" ? "control of-scale" : "control", role: "group", "aria-label": label },
    make("span", { class: "name" }, label),
    make("span", { class: "segments" }, buttons),
  );
  const update = () =>
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(options[place][0] === state[name])));
  return { element, update };
}

function check(name, label) {
  const box = make("input", { type: "checkbox", id: `control-${name}` });
  box.addEventListener("change", () => change({ [name]: box.checked }));
  const element = make("div", { class: "control" }, box, make("label", { for: `control-${name}` }, label));
  return { element, update: () => (box.checked = state[name]) };
}
