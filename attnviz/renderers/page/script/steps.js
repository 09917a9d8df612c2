// Steps: from the tokens to W_O for one query, one after the other, with the sentences that explain prints.

import { absence } from "./absence.js";
import { barRow } from "./bars.js";
import { valueList } from "./arithmetic.js";
import { layers, loaded, nameOf, quoted } from "./data.js";
import { writing, writingOf } from "./digits.js";
import { make, reveal } from "./dom.js";
import { say, told } from "./lessons.js";
import { directionOf } from "./measure.js";
import { HIDDEN } from "./numbers.js";
import { show, voice } from "./readout.js";
import { hold, roving } from "./roving.js";
import { playerOf } from "./player.js";
import { rowOf, sumsOf, vectorOf } from "./rule.js";
import { endChart } from "./ends.js";
import { pictureOf } from "./step_picture.js";
import { tell } from "./sentences.js";
import { shownKeys, shownQueries } from "./shown.js";
import { change, stageNow, state } from "./state.js";
import { neighbour, stagesOf } from "./way.js";
import { tokenList } from "./words.js";

const PACE = 2600; // milliseconds for which a step stays while it plays
const MOST_ROWS = 200; // keys with a bar of their own: those of the largest weights

// `beside` another view: the tokens and the line of what is pointed at are that one's.
export function steps({ beside = false } = {}) {
  const element = make("div", { class: "steps" });
  let [layer, list, rows, playing, spoken, closed] = [null, null, null, null, false, false];
  let column = 0; // of a product, whose sum is written out
  const words = make("div", { class: "queries" });
  const story = make("div", { class: "story" });
  const chart = make("div", { class: "chart" });
  const player = playerOf({ go, toggle: () => (playing ? stop() : play()) });

  async function update() {
    const own = state.layer;
    const ready = await loaded(own);
    if (closed || own !== state.layer) return;
    layer = ready;
    if (!layer.computes) return element.replaceChildren(absence());
    if (player.element.parentNode !== element)
      element.replaceChildren(...(beside ? [] : [words]), player.element, make("div", { class: "told" }, story, chart));
    if (!beside) showTokens();
    draw();
    if (!beside) reveal(words, list.at(queryNow()));
  }

  function showTokens() {
    if (list?.texts !== layer.queryTexts) {
      list = { ...listOf(layer.queryTexts), texts: layer.queryTexts };
      words.replaceChildren(list.element);
    }
    list.lay(shownQueries(layer));
    list.select(queryNow());
  }

  function listOf(texts) {
    return tokenList({
      labels: texts.labels,
      label: say("label.query"),
      direction: directionOf(texts),
      className: "prose",
      choose: (query) => change({ query, key: null }),
    });
  }

  // The query that is told of: the chosen one, else the last, which sees the most under a causal mask.
  function queryNow() {
    return state.query ?? layer.queries - 1;
  }

  // The key that is told of: the chosen one, else the token itself.
  function keyNow() {
    return state.key ?? (layer.apart ? 0 : Math.min(queryNow(), layer.keys - 1));
  }

  function draw() {
    const [query, stage] = [queryNow(), stageNow()];
    const stages = stagesOf(layer);
    const place = stages.findIndex(({ name }) => name === stage);
    const row = rowOf(layer, state.head, query);
    story.replaceChildren(make("h2", {}, say(`title.${stage}`)), ...saidOf(stages[place], query, row));
    player.show(stage, playing !== null);
    if (stages[place].unknown) chart.replaceChildren();
    else drawChart(stage, row);
    if (spoken) voice.textContent = [...story.children].map((part) => part.textContent).join(" ");
    spoken = false;
    const at = {
      number: place + 1,
      count: stages.length,
      step: say(`title.${stage}`),
      query: quoted(layer.queryTexts, query),
    };
    if (beside) story.prepend(make("p", { class: "quiet" }, ...told("page.step_of", at)));
    else show("page.step_of", at);
  }

  // The formula and the sentences of a step, or why it is not known here.
  function saidOf({ name, unknown }, query, row) {
    if (unknown) return [make("p", { class: "sentence" }, say(unknown))];
    const said = tell(name, layer, state.head, query, row);
    const formula = said.hides ? `${said.formula}; ${say("label.hidden")} −∞` : said.formula;
    const sentences = said.sentences.map(([message, values]) => make("p", { class: "sentence" }, ...told(message, values)));
    const hint = name === "masked" && !said.hides ? hidesNothing(query) : null;
    return [make("p", { class: "formula" }, formula), ...sentences, ...(hint ? [hint] : [])];
  }

  // Why a causal rule hides nothing from the last Query, and an earlier one that shows what it does.
  function hidesNothing(query) {
    if (!layer.causal) return null;
    const earlier = shownQueries(layer).findLast((place) => place < query && rowOf(layer, state.head, place).hidden.some(Boolean));
    const why = told("way.hides_nothing", { query: quoted(layer.queryTexts, query) });
    if (earlier === undefined) return make("p", { class: "hint" }, ...why);
    const choose = () => {
      spoken = true;
      change({ query: earlier, key: null });
    };
    const { name, position } = quoted(layer.queryTexts, earlier);
    const at = position === null ? "" : ` @${position}`;
    const button = make("button", { type: "button", class: "small", id: "earlier", onclick: choose }, make("bdi", {}, name), at);
    return make("p", { class: "hint" }, ...why, ` ${say("way.earlier")} `, button);
  }

  function pick(next, focused = false) {
    column = next;
    draw();
    if (focused) chart.querySelector("tfoot [aria-pressed=true]")?.focus();
  }

  function drawChart(stage, row) {
    const end = endChart(stage, { layer, head: state.head, query: queryNow(), key: keyNow(), column }, pick);
    if (end) {
      rows = null;
      return swap(end);
    }
    if (stage === "output") {
      rows = null;
      const values = Array.from({ length: layer.keys }, (_, key) => vectorOf(layer, "value", state.head, key));
      chart.replaceChildren(valueList({ values, weights: row.weights, output: row.output }, layer));
      return;
    }
    const ranking = stage === "summed" ? row.summed.map(Math.abs) : row.weights; // which keys are left out where there are many
    const keys = keysOf(ranking);
    const others = shownKeys(layer).filter((key) => !keys.includes(key));
    const numbers = row[stage]; // contributions are computed when they are asked for
    const hidden = stage === "summed" ? sumsOf(layer, queryNow()).unseen : row.hidden;
    const values = keys.map((key) => (stage === "scores" || stage === "scaled" || !hidden[key] ? numbers[key] : -Infinity));
    const name = `${layer.place} ${keys.join()}`;
    if (rows?.name !== name || !chart.querySelector(".rows")) {
      rows = { name, all: keys.map((key) => barRow(nameOf(layer.keyTexts, key), 0, "")) };
      const own = make(
        "ul",
        { class: "rows", "aria-label": say("label.key") },
        rows.all.map((one) => one.item),
      );
      roving(own, () => rows.all.map((one) => one.row));
      if (rows.all.length)
        hold(
          rows.all.map((one) => one.row),
          rows.all[0].row,
        );
      rows.all.forEach(({ row: one }, place) =>
        one.addEventListener("click", () => change({ query: queryNow(), key: keys[place], detail: true })),
      );
      chart.replaceChildren(make("p", { class: "quiet rest" }), own);
      own.getBoundingClientRect(); // the bars grow from nothing
    }
    chart.querySelector(".rest").textContent = others.length ? restOf(others, stage, row) : "";
    const finite = values.filter(Number.isFinite);
    const most = stage === "weights" ? Math.max(...finite, 1e-12) : Math.max(...finite.map(Math.abs), 1e-12);
    const signed = finite.some((value) => value < 0);
    const words = writing(layer, stage);
    const marks = stage === "weights" ? words.shares(values) : words.aligned(values);
    rows.all.forEach((one, place) => {
      const hidden = values[place] === -Infinity;
      one.set(
        hidden ? 0 : values[place] / most,
        hidden && stage !== "masked" ? "0" : hidden ? HIDDEN : marks[place],
        hidden,
        signed,
      );
    });
  }

  // What is said of the keys that are left out: how much of the head's weights they share, or of all heads that they bring less.
  function restOf(others, stage, row) {
    const count = others.length.toLocaleString("en");
    if (stage === "summed") return say(others.length === 1 ? "page.less_keys_one" : "page.less_keys", { count });
    return say(others.length === 1 ? "page.more_keys_one" : "page.more_keys", {
      count,
      share: writingOf(layer, () => others.length * layer.errors.weights).share(others.reduce((sum, key) => sum + row.weights[key], 0)),
    });
  }

  // Other elements in the chart; a focus inside stays at the same place.
  function swap(elements) {
    const buttons = () => [...chart.querySelectorAll("button")];
    const held = buttons().indexOf(document.activeElement);
    chart.replaceChildren(...elements);
    if (held >= 0) buttons()[held]?.focus({ preventScroll: true });
  }

  function keysOf(ranking) {
    const keys = shownKeys(layer);
    if (keys.length <= MOST_ROWS) return keys;
    const largest = [...keys].sort((one, other) => ranking[other] - ranking[one]).slice(0, MOST_ROWS);
    return largest.sort((one, other) => one - other);
  }

  function go(step) {
    spoken = true;
    change({ stage: step });
  }

  function play() {
    const first = stagesOf(layer).find(({ unknown }) => !unknown);
    if (isLast()) go(first.name);
    playing = setInterval(() => {
      if (!isLast()) go(neighbour(layer, stageNow(), 1));
      if (isLast()) stop();
    }, PACE);
    player.show(stageNow(), true);
  }

  function isLast() {
    return neighbour(layer, stageNow(), 1) === stageNow();
  }

  function stop() {
    clearInterval(playing);
    playing = null;
    player.show(stageNow(), false);
  }

  element.addEventListener("keydown", (event) => player.press(event));
  // Whoever has just opened the page has nothing in focus; a space then scrolls, as on any page.
  const anywhere = (event) => layer?.computes && event.target === document.body && event.key !== " " && player.press(event);
  if (!beside) document.addEventListener("keydown", anywhere);
  return {
    element,
    controls: layers.some((one) => one.computes) ? ["layer", "head", "special", "first"] : [],
    update,
    picture: () => pictureOf(story, chart),
    close: () => {
      closed = true;
      document.removeEventListener("keydown", anywhere);
      stop();
    },
  };
}
