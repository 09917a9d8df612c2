// The arithmetic of one query and one key: products, sum, scale, mask, softmax, weighted values.

import { barChart, strip } from "./bars.js";
import { isDark } from "./colours.js";
import { loaded, nameOf, record } from "./data.js";
import { aboutIn, writing } from "./digits.js";
import { make } from "./dom.js";
import { keepSaid, say, told, tokenNodes } from "./lessons.js";
import { ownerOf } from "./heads.js";
import { onPaper, positions, titleOf } from "./paper.js";
import { change, currentLayer, state, stepNow } from "./state.js";

const MOST_VALUES = 6; // of the weighted values: those with the largest weights

let opener = null; // what had the focus when the panel was opened

// The panel beside the view; `update` shows what the state says, or nothing.
export function arithmetic() {
  const element = make("aside", {
    class: "detail",
    id: "detail",
    tabindex: "-1",
    hidden: true,
  });
  keepSaid(() => element.setAttribute("aria-label", say("page.arithmetic")));
  let shown = "";

  async function update() {
    const wanted = state.detail && currentLayer().computes && ["matrix", "lines", "text", "steps"].includes(state.view);
    const name = wanted ? `${state.layer} ${state.head} ${state.query} ${state.key} ${stepNow()} ${record.language} ${isDark()}` : "";
    if (name === shown) return;
    shown = name;
    const focused = document.activeElement;
    if (wanted && focused !== document.body && (element.hidden || focused?.closest("#panel"))) opener = focused;
    open(wanted);
    if (!wanted) return element.replaceChildren();
    const layer = await loaded(state.layer).catch((failure) => {
      shown = "";
      open(false);
      throw failure;
    });
    if (name !== shown) return;
    element.replaceChildren(...content({ layer, head: state.head, query: state.query, key: state.key }));
    if (navigator.userActivation?.isActive && matchMedia("(max-width: 860px)").matches)
      element.scrollIntoView({ block: "nearest" });
  }

  function open(wanted) {
    element.hidden = !wanted;
    document.body.classList.toggle("detailed", wanted);
  }

  element.addEventListener("keydown", (event) => event.key === "Escape" && close());
  return { element, update };
}

export function close() {
  change({ detail: false });
  const kept = opener?.isConnected ? opener : document.querySelector("#map, #panel [tabindex='0']");
  kept?.focus();
}

function content(pair) {
  const { layer, head, query, key } = pair;
  const shut = make(
    "button",
    { type: "button", class: "tool", "aria-label": say("page.close"), title: say("page.close"), onclick: close },
    "×",
  );
  const heading = make("header", {}, make("h2", {}, ...told(...titleOf(pair, stepNow()))), shut);
  const sentences = positions(pair).map(([message, values]) => make("p", { class: "quiet" }, ...told(message, values)));
  const parts = onPaper(layer, head, query, key, stepNow()).map((part) => partElement(part, pair));
  return [
    heading,
    make("p", { class: "quiet" }, ownerOf(currentLayer(), head, stepNow())),
    ...sentences,
    make("ol", { class: "parts" }, parts),
  ];
}

function partElement(part, pair) {
  const title = make("h3", {}, ...told(...part.title));
  const lines = part.lines.map((line) => make("p", { class: "sum" }, make("bdi", {}, aboutIn(line))));
  return make("li", {}, title, picture(part, pair), part.named ? powers(part.named) : null, lines);
}

function picture(part, { layer, head, query, key }) {
  if (part.kind === "products") {
    const products = Array.from(part.left, (value, place) => value * part.right[place]);
    return make("div", {}, barChart(products, { label: say("page.products", { count: products.length }) }));
  }
  if (part.kind === "row")
    return make(
      "div",
      {},
      barChart(part.weights, { label: say("page.row", { count: part.weights.length }), held: key, height: 48 }),
    );
  return part.kind === "values" ? valueList(part, layer) : null;
}

function powers(named) {
  return make(
    "dl",
    { class: "powers" },
    named.map(([name, text]) => [make("dt", {}, tokenNodes(name)), make("dd", {}, aboutIn(text))]),
  );
}

// The Values with the largest weights, and what they become together.
export function valueList({ values, weights, output }, layer) {
  const largest = [...weights.keys()].sort((one, other) => weights[other] - weights[one]).slice(0, MOST_VALUES);
  const limit = Math.max(...largest.map((key) => Math.max(...values[key].map(Math.abs))), ...output.map(Math.abs));
  const [shares, vectors, outputs] = ["weights", "vectors", "output"].map((step) => writing(layer, step));
  const rows = largest
    .filter((key) => weights[key] > 0)
    .map((key) =>
      make(
        "li",
        {},
        make("bdi", { class: "token" }, nameOf(layer.keyTexts, key)),
        make("span", { class: "mark" }, `${shares.number(weights[key])} ×`),
        strip(values[key], limit),
        make("span", { class: "vector" }, vectors.vector(values[key])),
      ),
    );
  const sum = make(
    "li",
    { class: "total" },
    make("span", {}, say("title.output")),
    make("span", { class: "mark" }, "="),
    strip(output, limit),
    make("span", { class: "vector" }, outputs.vector(output)),
  );
  return make("ul", { class: "values" }, rows, sum);
}
