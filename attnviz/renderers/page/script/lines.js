// Lines: queries at the left, keys at the right, joined by lines as opaque as the weight; several heads in colours.

import { headColour, headDash } from "./colours.js";
import { tokenColumn } from "./column.js";
import { loaded, quoted } from "./data.js";
import { writing } from "./digits.js";
import { ROW, partOfLine, pictureOf, strokesOf, strongestEdges } from "./edges.js";
import { eachFrame, make, reveal, sharpContext, wear } from "./dom.js";
import { say } from "./lessons.js";
import { mapOf } from "./maps.js";
import { general } from "./numbers.js";
import { show } from "./readout.js";
import { allKeys, allQueries, shownKeys, shownQueries, upTo } from "./shown.js";
import { change, chosenHeads, state } from "./state.js";

const MOST_TINT = 45; // percent: on a stronger one a token could not be read in the dark (4.5, WCAG 2.1, 1.4.3)
const MARGIN = 20; // pixels above and below what is in sight, where lines are drawn, too

export function lines() {
  const toggles = make("div", { class: "heads", role: "group", "aria-label": say("page.heads") });
  const legend = make("p", { class: "quiet opaque" });
  const canvas = make("canvas", { "aria-hidden": "true" });
  const middle = make("div", { class: "between" }, make("div", { class: "held" }, canvas));
  const frame = make("div", { class: "joined" });
  frame.style.setProperty("--row", `${ROW}px`);
  const element = make("div", { class: "lines" }, toggles, legend, frame);
  let [layer, heads, maps, sides, closed] = [null, [], [], null, false];
  let known = { name: null }; // the lines computed last
  let hover = null; // { side: "query" | "key", place }
  let found = ""; // the chosen token that was scrolled to: a person may then scroll away
  let spoken = false; // whether the next sentence is one for the voice, too

  let drawnAt = 0; // how far the tokens were scrolled when the lines were drawn

  const redraw = eachFrame(() => layer && draw());
  const follow = eachFrame(() => layer && frame.scrollTop !== drawnAt && draw());

  async function update() {
    const own = { place: state.layer, heads: chosenHeads() };
    const ready = await Promise.all(own.heads.map((head) => mapOf(own.place, head)));
    const whole = await loaded(own.place);
    if (closed || own.place !== state.layer || own.heads.join() !== chosenHeads().join()) return;
    [layer, heads, maps] = [whole, own.heads, ready];
    build();
    known = { name: null };
    sides.query.select(state.query);
    sides.key.select(state.query === null ? state.key : null);
    find();
    draw();
    if (focus()) tell(focus(), spoken);
    else show("page.idle_lines", {}, spoken);
    spoken = false;
  }

  // Scroll to the chosen token, where it is another.
  function find() {
    const at = chosen();
    const name = at ? `${layer.place} ${at.side} ${at.place}` : "";
    if (at && name !== found) reveal(frame, sides[at.side].at(at.place));
    found = name;
  }

  function build() {
    const [rows, columns] = [shownQueries(layer), shownKeys(layer)];
    const name = `${layer.place} ${rows.length} ${columns.length}`;
    if (sides?.name !== name) {
      const list = (side, texts) => (sides?.[side].texts === texts ? sides[side] : listOf(side, texts));
      const at = (places) => new Map(places.map((place, number) => [place, number]));
      sides = {
        name,
        rows,
        columns,
        rowAt: at(rows),
        columnAt: at(columns),
        query: list("query", layer.queryTexts),
        key: list("key", layer.keyTexts),
      };
      hover = null;
      sides.query.lay(rows);
      sides.key.lay(columns);
      if (sides.query.element.parentNode !== frame || sides.key.element.parentNode !== frame)
        frame.replaceChildren(sides.query.element, middle, sides.key.element);
    }
    const focused = toggles.contains(document.activeElement)
      ? [...toggles.children].indexOf(document.activeElement)
      : -1;
    toggles.replaceChildren(...layer.heads.map((number, head) => toggle(number, head)));
    if (focused >= 0) toggles.children[focused]?.focus();
  }

  function listOf(side, texts) {
    const list = tokenColumn({
      labels: texts.labels,
      label: say(`label.${side}`),
      className: side,
      row: ROW,
      choose: (place) => choose(side, place),
      point: (place) => point(place === null ? null : { side, place }),
    });
    return { ...list, texts };
  }

  function toggle(number, head) {
    const on = heads.includes(head);
    const dot = make("span", { class: headDash(head).length ? "dot dashed" : "dot", "aria-hidden": "true" });
    dot.style.background = dotOf(head);
    const run = () => {
      const next = on ? heads.filter((one) => one !== head) : [...heads, head].sort((one, other) => one - other);
      if (next.length) change({ heads: next, head: next.includes(state.head) ? state.head : next[0] });
    };
    return make(
      "button",
      {
        type: "button",
        class: "head",
        "aria-pressed": String(on),
        "aria-label": say("label.head", { head: number }),
        onclick: run,
      },
      dot,
      String(number),
    );
  }

  // The colour of a head, in stripes as its lines are dashed.
  function dotOf(head) {
    const stops = headDash(head).reduce(
      ([done, words], length, place) => [
        done + length,
        [...words, `${place % 2 ? "transparent" : headColour(head)} ${done}px ${done + length}px`],
      ],
      [0, []],
    )[1];
    return stops.length ? `repeating-linear-gradient(to right, ${stops.join(", ")})` : headColour(head);
  }

  // A click on the chosen token lets it go.
  function choose(side, place) {
    const other = side === "query" ? "key" : "query";
    spoken = true;
    change({ [side]: state[side] === place && state[other] === null ? null : place, [other]: null });
  }

  function point(where) {
    if (where?.place === hover?.place && where?.side === hover?.side) return;
    hover = where;
    if (focus()) tell(focus(), false);
    else show("page.idle_lines", {});
    redraw();
  }

  function focus() {
    return hover ?? chosen();
  }

  function chosen() {
    if (sides.rowAt.has(state.query)) return { side: "query", place: state.query };
    return sides.columnAt.has(state.key) ? { side: "key", place: state.key } : null;
  }

  // { edges, limit }: the strongest lines of all tokens, or of one alone, and the weight of an opaque one.
  function linesOf(at) {
    const name = at ? `${at.side} ${at.place}` : "";
    if (known.name !== name) known = { name, ...computed(at) };
    return known;
  }

  function computed(at) {
    const rows = at?.side === "query" ? [at.place] : sides.rows;
    const columns = at?.side === "key" ? [at.place] : sides.columns;
    const limit = at ? largest(rows, columns) : largest(allQueries(layer), allKeys(layer)); // lines stay as they are when more come
    return { edges: strongestEdges(layer, heads, maps, rows, columns, sides, upTo(limit)), limit };
  }

  // The weight of the most opaque line: diffuse heads of long texts could not be seen against 1.
  function largest(rows, columns) {
    let most = 0;
    for (const map of maps)
      for (const query of rows)
        for (const key of columns) if (map[query * layer.keys + key] > most) most = map[query * layer.keys + key];
    return most || 1;
  }

  function tell(at, aloud) {
    const { side, place } = at;
    const own = linesOf(at).edges;
    const name = quoted(side === "query" ? layer.queryTexts : layer.keyTexts, place);
    if (!own.length) return show(`page.nothing_${side}`, { token: name }, aloud);
    const best = own.reduce((most, one) => (one.weight > most.weight ? one : most));
    show(
      "page.most",
      {
        query: quoted(layer.queryTexts, best.query),
        key: quoted(layer.keyTexts, best.key),
        weight: writing(layer, "weights").number(best.weight),
        head: layer.heads[best.head],
      },
      aloud,
    );
  }

  function draw() {
    const [width, height] = [middle.clientWidth, frame.clientHeight]; // read once: tints would have them computed anew
    const pen = sharpContext(canvas, width, height);
    const [top, at] = [frame.scrollTop, focus()];
    const seen = (place) => place * ROW + ROW - top > -400 && place * ROW - top < height + 400;
    const [strengths, { edges, limit }] = [new Map(), linesOf(at)];
    legend.textContent = say("page.opaque", { weight: general(limit, 2) });
    drawnAt = top;
    for (const side of ["query", "key"]) sides[side].near(top, height);
    for (const { query, key, tone } of at ? edges : []) {
      const other = at.side === "query" ? key : query;
      strengths.set(other, Math.max(tone, strengths.get(other) ?? 0));
    }
    pen.lineWidth = at ? 2.5 : 1.75;
    for (const alike of strokesOf(edges.filter(({ row, column }) => seen(row) || seen(column)))) {
      pen.globalAlpha = alike[0].tone;
      pen.strokeStyle = headColour(alike[0].head);
      pen.setLineDash(headDash(alike[0].head));
      pen.beginPath();
      for (const { row, column } of alike) {
        const [from, to] = [(row + 0.5) * ROW - top, (column + 0.5) * ROW - top];
        const [start, ...rest] = partOfLine(width, from, to, -MARGIN, height + MARGIN);
        pen.moveTo(...start);
        pen.bezierCurveTo(...rest.flat());
      }
      pen.stroke();
    }
    tint(at, strengths);
  }

  function tint(at, strengths) {
    for (const side of ["query", "key"]) {
      sides[side].each((place, option) => {
        const tone = at && at.side !== side ? (strengths.get(place) ?? 0) : 0;
        const tint = `${Math.round(tone * MOST_TINT)}%`;
        wear(option, tint, (style) => style.setProperty("--tone", tint));
        option.classList.toggle("pointed", at?.side === side && at.place === place);
      });
    }
  }

  frame.addEventListener("scroll", follow);
  const observer = new ResizeObserver(redraw);
  observer.observe(frame);
  return {
    element,
    controls: ["layer", "scale", "first", "special", "threshold"],
    update,
    picture: () => pictureOf(layer, heads, linesOf(focus()).edges, sides),
    close: () => {
      closed = true;
      observer.disconnect();
    },
  };
}
