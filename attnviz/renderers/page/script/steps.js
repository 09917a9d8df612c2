// Steps: from the tokens to W_O for one query, one after the other, with the sentences that explain prints.

import { absence } from "./absence.js";
import { barRow } from "./bars.js";
import { valueList } from "./arithmetic.js";
import { exactForm, loaded, nameOf, quoted } from "./data.js";
import { make, plainOf, reveal } from "./dom.js";
import { say, told } from "./lessons.js";
import { apart, directionOf } from "./measure.js";
import { HIDDEN, aligned, share } from "./numbers.js";
import { show, voice } from "./readout.js";
import { hold, roving } from "./roving.js";
import { playerOf } from "./player.js";
import { rowOf, vectorOf } from "./rule.js";
import { endChart } from "./ends.js";
import { tell } from "./sentences.js";
import { shownKeys, shownQueries } from "./shown.js";
import { change, stageNow, state } from "./state.js";
import { neighbour, stagesOf } from "./way.js";
import { themed } from "./colours.js";
import { tokenList } from "./words.js";

const PACE = 2600; // milliseconds for which a step stays while it plays
const BARS = [184, 380]; // of the picture: where they begin, and how much room they have
const STRIP = 180; // pixels of a vector in the picture
const CELL = 76; // pixels of a number of a table in the picture
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
    if (!exactForm) return element.replaceChildren(absence());
    if (!element.firstChild)
      element.replaceChildren(...(beside ? [] : [words]), player.element, make("div", { class: "told" }, story, chart));
    const places = shownQueries(layer);
    if (list?.name !== `${own} ${places.length}`) {
      list = {
        name: `${own} ${places.length}`,
        ...tokenList({
          labels: layer.queryTexts.labels,
          places,
          label: say("label.query"),
          direction: directionOf(layer.queryTexts),
          className: "prose",
          choose: (query) => change({ query, key: null }),
        }),
      };
      words.replaceChildren(list.element);
    }
    list.select(queryNow());
    reveal(words, words.querySelector("[aria-selected=true]"));
    draw();
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
    return [make("p", { class: "formula" }, formula), ...sentences];
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
    const keys = keysOf(row);
    const others = shownKeys(layer).filter((key) => !keys.includes(key));
    const values = keys.map((key) =>
      stage === "scores" || stage === "scaled" || !row.hidden[key] ? row[stage][key] : -Infinity,
    );
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
    chart.querySelector(".rest").textContent = others.length
      ? say(others.length === 1 ? "page.more_keys_one" : "page.more_keys", {
          count: others.length.toLocaleString("en"),
          share: share(others.reduce((sum, key) => sum + row.weights[key], 0)),
        })
      : "";
    const finite = values.filter(Number.isFinite);
    const most = stage === "weights" ? Math.max(...finite, 1e-12) : Math.max(...finite.map(Math.abs), 1e-12);
    const signed = finite.some((value) => value < 0);
    const marks = aligned(values);
    rows.all.forEach((one, place) => {
      const hidden = values[place] === -Infinity;
      one.set(
        hidden ? 0 : values[place] / most,
        hidden && stage === "weights" ? "0" : hidden ? HIDDEN : marks[place],
        hidden,
        signed,
      );
    });
  }

  // Other elements in the chart; a focus inside stays at the same place.
  function swap(elements) {
    const buttons = () => [...chart.querySelectorAll("button")];
    const held = buttons().indexOf(document.activeElement);
    chart.replaceChildren(...elements);
    if (held >= 0) buttons()[held]?.focus({ preventScroll: true });
  }

  function keysOf(row) {
    const keys = shownKeys(layer);
    if (keys.length <= MOST_ROWS) return keys;
    const largest = [...keys].sort((one, other) => row.weights[other] - row.weights[one]).slice(0, MOST_ROWS);
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
  return {
    element,
    controls: exactForm ? ["layer", "head", "special", "first"] : [],
    update,
    picture: () => pictureOf(story, chart),
    close: () => {
      closed = true;
      stop();
    },
  };
}

// The step as a picture: its sentences, and a bar for each key.
function pictureOf(story, chart) {
  const [ink, quiet] = [themed("ink"), themed("quiet")];
  const lines = [...story.children].flatMap((child) => folded(plainOf(child), 92));
  const items = lines.map((text, place) => ({
    text,
    x: 24,
    y: 34 + place * 20,
    size: place ? 13 : 17,
    fill: ink,
    bold: !place,
  }));
  let y = 50 + lines.length * 20;
  for (const row of chart.querySelectorAll("tr")) {
    items.push(...tableItems(row, y));
    y += 20;
  }
  for (const sum of chart.querySelectorAll(".product > p")) {
    for (const line of folded(sum.textContent, 84)) items.push({ text: line, x: 40, y: (y += 18), size: 12, fill: quiet });
    y += 30;
  }
  for (const row of chart.querySelectorAll("li")) {
    const fill = row.querySelector(".fill");
    const words = [...(row.querySelector(".row, .vector-row") ?? row).children]
      .filter((child) => !child.matches(".track, .strip"))
      .map((child) => child.textContent);
    items.push({ text: apart(words[0]), x: 170, y, size: 13, fill: ink, anchor: "end" });
    if (fill) items.push(barItem(row, fill, y));
    const cells = [...row.querySelectorAll(".strip i")];
    const [mark, numbers] = words.length > 2 ? words.slice(1) : ["", words[1]];
    if (cells.length) items.push({ text: mark, x: 250, y, size: 13, fill: quiet, anchor: "end" });
    cells.forEach((cell, place) => {
      const wide = STRIP / cells.length;
      items.push({ rect: [262 + place * wide, y - 12, wide, 16], fill: cell.style.backgroundColor });
    });
    items.push({ text: numbers, x: fill ? 580 : 276 + STRIP, y, size: 13, fill: quiet });
    y += 22;
  }
  const rest = chart.querySelector(".rest")?.textContent;
  if (rest) items.push({ text: rest, x: BARS[0], y: (y += 4), size: 13, fill: quiet });
  return { width: 720, height: y + 8, items };
}

// The cells of a row of a table, each at the right end of its column.
function tableItems(row, y) {
  const ink = themed("ink");
  let column = 0;
  return [...row.children].map((cell) => {
    column += cell.colSpan;
    const sign = cell.matches(".sign");
    const end = 24 + column * CELL;
    return { text: cell.textContent, x: sign ? end - CELL + 12 : end, y, size: 12, fill: ink, anchor: "end", bold: row.matches(".total") };
  });
}

// A bar as it stands in its track, whose middle is zero where some values are negative.
function barItem(row, fill, y) {
  const [left, room] = BARS;
  const width = (room * (parseFloat(fill.style.width) || 0)) / 100;
  const minus = fill.classList.contains("minus");
  const zero = row.querySelector(".signed") ? left + room / 2 : left;
  return { rect: [minus ? zero - width : zero, y - 11, width, 14], fill: themed(minus ? "down" : "accent") };
}

function folded(text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length >= width) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines;
}
