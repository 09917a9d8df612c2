// The page: its head, its views behind tabs, and what they all share.

import { arithmetic, close } from "./arithmetic.js";
import { dress, isDark, onPrint, onScheme, themed } from "./colours.js";
import { companion } from "./companion.js";
import { controlBar, saveButtons } from "./controls.js";
import { copyButtons } from "./copying.js";
import { layers, record } from "./data.js";
import { make, tokenElement } from "./dom.js";
import { exactness } from "./exactness.js";
import { Failure } from "./failure.js";
import { keepSaid, say, speak, told, unbroken } from "./lessons.js";
import { image } from "./image.js";
import { lines } from "./lines.js";
import { matrix } from "./beside.js";
import { overview } from "./overview.js";
import { readout, voice } from "./readout.js";
import { directionOf } from "./measure.js";
import { hold, roving } from "./roving.js";
import { canvasOf, pngOf, save, svgOf } from "./scene.js";
import { search } from "./search.js";
import { settings } from "./settings.js";
import { allQueries, contributes } from "./shown.js";
import { VIEWS, change, currentLayer, listen, readFragment, state } from "./state.js";
import { steps } from "./steps.js";
import { text } from "./text.js";
import { unfolding } from "./unfold.js";

const BUILD = { overview, matrix, lines, text, image, steps };
const DRAWN = ["matrix", "lines"]; // views whose tokens stand on a canvas, or in a frame that scrolls
const TITLE_TOKENS = 40;

const tabs = VIEWS.map((view) =>
  make("button", {
    type: "button",
    role: "tab",
    id: `tab-${view}`,
    "aria-controls": "panel",
    onclick: () => change({ view }),
  }),
);
const tabList = make("div", { role: "tablist", class: "tabs" }, tabs);
const heading = make("h1", {});
const choice = make("p", { class: "choice", hidden: !record.choice });
const source = make("p", { class: "quiet", hidden: !record.source });
const foot = make("p", { class: "quiet" });
const panel = make("section", { role: "tabpanel", id: "panel" });
const bar = make("div", { class: "bars-above" });
const weightsHere = make("p", { class: "quiet" }); // said where somebody who looked at contributions sees weights
const notice = make("p", { class: "alert", role: "alert", id: "notice", hidden: true });
const saving = saveButtons(saveAs);
const finding = search();
const copying = copyButtons(async (work) => warn(await failureOf(work)));
const detail = arithmetic();
const beside = companion();
let unfolded = unfolding();
let current = null;
let turn = 0;

function start() {
  const page = document.getElementById("page");
  readFragment();
  dress(state.theme);
  page.append(
    make(
      "header",
      { class: "top" },
      title(),
      make("div", { class: "ways" }, tabList, make("div", { class: "means" }, finding.element, copying.element, saving.element)),
      settings(), // at the title's side, but after the tabs for the keyboard
    ),
    make(
      "main",
      {},
      bar,
      unfolded.element,
      make(
        "div",
        { class: "stage-area" },
        make("div", { class: "panel-side" }, notice, readout, panel),
        beside.element,
        detail.element,
      ),
    ),
    make("footer", {}, foot),
    voice,
  );
  keepSaid(rename);
  roving(
    tabList,
    () => tabs,
    (tab) => tab.click(),
  );
  open();
  listen(follow);
  window.addEventListener("hashchange", readFragment);
  window.addEventListener("keydown", (event) => event.key === "Escape" && state.detail && close());
  onScheme(redress);
  onPrint(paper);
  beside.onWidth(() => settle(current.view));
  if (state.language !== record.language) respeak();
}

// Show what the state says now.
function follow(before) {
  dress(state.theme);
  if (before.language !== state.language) respeak();
  else if (before.view === state.view && before.theme === state.theme) update();
  else open();
}

function redress() {
  dress(state.theme);
  open();
}

// On paper nothing can be scrolled: the whole view is there, as the picture that can be saved, where it is drawn.
function paper(begins) {
  const before = isDark();
  dress(state.theme);
  if (isDark() !== before) recolour();
  const drawn = begins && DRAWN.includes(state.view) && panel.getAttribute("aria-busy") === "false";
  if (drawn) panel.append(make("div", { class: "on-paper" }, canvasOf({ ...current.view.picture(), ground: "#ffffff" })));
  else for (const one of panel.querySelectorAll(".on-paper")) one.remove();
  panel.classList.toggle("drawn", drawn);
}

// What is drawn in the colours of the other theme is drawn anew, but for the view that is printed as a picture.
function recolour() {
  if (!DRAWN.includes(state.view)) return open();
  failureOf(() => Promise.all([beside.update(), detail.update()])).then(warn);
}

async function respeak() {
  const failure = await failureOf(() => speak(state.language));
  unfolded.close();
  const before = unfolded.element;
  unfolded = unfolding();
  before.replaceWith(unfolded.element);
  open();
  if (failure) warn(failure);
}

// The words of the frame around the views.
function rename() {
  tabs.forEach((tab, place) => (tab.textContent = say(`page.${VIEWS[place]}`)));
  tabList.setAttribute("aria-label", say("page.views"));
  source.replaceChildren(...unbroken(record.source ?? ""));
  if (record.choice) choice.replaceChildren(...told("page.chose", record.choice));
}

// Contributions have a map and a step; what the other views show are weights.
function tellOfWeights() {
  const others = contributes(state.step) && currentLayer().contributes && state.view !== "matrix" && state.view !== "steps";
  weightsHere.hidden = !others;
  weightsHere.textContent = others ? say("page.weights_here", { matrix: say("page.matrix"), steps: say("page.steps") }) : "";
}

function open() {
  const held = holdsFocus();
  current?.view.close();
  beside.close();
  tabs.forEach((tab, place) => tab.setAttribute("aria-selected", String(VIEWS[place] === state.view)));
  hold(tabs, tabs[VIEWS.indexOf(state.view)]);
  retitle();
  tellOfWeights();
  foot.textContent = exactness();
  panel.setAttribute("aria-labelledby", `tab-${state.view}`);
  panel.className = `panel ${state.view}-panel`;
  const view = BUILD[state.view]();
  const controls = controlBar(view.controls);
  current = { view, controls };
  bar.replaceChildren(controls.element, weightsHere);
  panel.replaceChildren(view.element);
  settle(view);
  if (held) catchFocus();
}

function update() {
  const held = holdsFocus();
  retitle();
  tellOfWeights();
  foot.textContent = exactness();
  current.controls.update();
  settle(current.view);
  if (held) catchFocus();
}

function holdsFocus() {
  return panel.contains(document.activeElement) || bar.contains(document.activeElement);
}

// A focus inside what is gone moves to the map, or to the tab of the view.
function catchFocus() {
  if (document.activeElement !== document.body) return;
  const next = document.getElementById("map") ?? tabs[VIEWS.indexOf(state.view)];
  next.focus({ preventScroll: true });
}

// Say that the view is being computed until it is there, or why it cannot be.
async function settle(view) {
  const own = ++turn;
  unfolded.update();
  finding.update();
  copying.update();
  panel.setAttribute("aria-busy", "true");
  saving.allow(false);
  const failure = await failureOf(() => Promise.all([view.update(), beside.update(), detail.update()]));
  if (own !== turn) return;
  warn(failure);
  if (failure) readout.replaceChildren();
  saving.allow(!failure);
  panel.setAttribute("aria-busy", "false");
}

async function saveAs(form) {
  warn(
    await failureOf(async () => {
      const scene = { ...current.view.picture(), ground: themed("paper") };
      const name = `attention-${state.view}.${form}`;
      if (form === "svg") save(name, new Blob([svgOf(scene)], { type: "image/svg+xml" }));
      else save(name, await pngOf(scene));
    }),
  );
}

// What went wrong in `work`, or null.
async function failureOf(work) {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof Failure) return error;
    console.error(error); // not foreseen: for the person who reports it
    return new Failure("page.failed", { reason: error.message });
  }
}

// Tell a failure in words; without one, no longer the last.
function warn(failure) {
  notice.hidden = !failure;
  notice.textContent = failure ? say(failure.message, failure.values) : "";
}

function title() {
  return make("div", { class: "title" }, heading, choice, source);
}

// The beginning of the text itself; where only its tokens are known, of those that are shown.
function retitle() {
  heading.dir = record.text || record.heading ? "auto" : directionOf(layers[0].queryTexts);
  if (record.text) return void (heading.textContent = record.text);
  const labels = record.heading ?? layers[0].queryTexts.labels; // words, where the labels are none
  const places = record.heading ? record.heading.map((_, place) => place) : allQueries(layers[0]);
  const words = places.slice(0, TITLE_TOKENS).flatMap((place) => [tokenElement(labels[place]), " "]);
  const more = places.length > TITLE_TOKENS ? ["…"] : [];
  heading.replaceChildren(...words, ...more);
}

start();
