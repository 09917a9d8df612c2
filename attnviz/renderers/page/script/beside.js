// Matrix: the map of a head, and beside it a second one, if one is asked for: of another head, another layer or another
// step. What is pointed at or chosen in one is so in both.

import { groups, headsOf, layers, quoted, roleOf, spotOf } from "./data.js";
import { make } from "./dom.js";
import { say } from "./lessons.js";
import { mapView } from "./matrix.js";
import { titleOf } from "./heads.js";
import { partner } from "./partners.js";
import { show } from "./readout.js";
import { change, mapSteps, state } from "./state.js";

const anyComputes = layers.some((one) => one.computes);

export function matrix() {
  const first = mapView({
    id: "map",
    main: true,
    spot: () => ({ layer: state.layer, head: state.head, step: state.step }),
    hovered: (layer, query, key) => second?.pointAt(layer, query, key),
    told: (query, key, aloud) => tellBoth([query, key], second && across(first, second, query, key), aloud),
  });
  const caption = make("h2", { class: "of-map", hidden: true });
  const element = make("div", { class: "maps" }, make("div", { class: "pane" }, caption, first.element));
  let [second, pane] = [null, null];

  async function update() {
    const opens = state.other !== null && !second;
    if (opens) open();
    if (state.other === null && second) close();
    element.classList.toggle("two", second !== null);
    caption.hidden = second === null; // before the maps take their room
    pane?.update();
    await Promise.all([first.update(), second?.update()]);
    caption.textContent = first.title() ?? "";
    if (second && state.query !== null && state.key !== null)
      tellBoth([state.query, state.key], across(first, second, state.query, state.key), false);
  }

  function open() {
    second = mapView({
      id: "other-map",
      main: false,
      spot: () => state.other ?? { layer: state.layer, head: state.head, step: state.step },
      hovered: (layer, query, key) => first.pointAt(layer, query, key),
      told: (query, key, aloud) => tellBoth(across(second, first, query, key), [query, key], aloud),
      chosen: () => across(first, second, state.query, state.key),
      choose: (layer, query, key) => {
        const there = across(second, first, query, key);
        if (!there.includes(null)) change({ query: there[0], key: there[1], detail: false });
      },
    });
    pane = header();
    element.append(make("div", { class: "pane" }, pane.element, second.element));
  }

  function close() {
    second.close();
    [second, pane] = [null, null];
    element.lastElementChild.remove();
  }

  // Say a cell of both maps, if there are two that have it, by its places in each; else false.
  function tellBoth(here, there, aloud) {
    if (!second || here.includes(null) || there.includes(null)) return false;
    const left = wordsOf(first.valueAt(...here), first.writes());
    const right = wordsOf(second.valueAt(...there), second.writes());
    if (left === null || right === null) return false;
    const layer = layers[state.layer];
    const names = { query: quoted(layer.queryTexts, here[0]), key: quoted(layer.keyTexts, here[1]) };
    show("beside.cell", { ...names, left, right }, aloud);
    return true;
  }

  // The query and the key of one map as the other has them: null where its text has no such token.
  function across(from, to, query, key) {
    const [one, other] = [from, to].map((map) => layers[map === first ? state.layer : (state.other?.layer ?? state.layer)]);
    return [partner(one, other, "query", query), partner(one, other, "key", key)];
  }

  return {
    element,
    controls: ["layer", "head", ...(anyComputes ? ["step"] : []), "beside", "scale", "first", "special", "threshold"],
    update,
    picture: () => (second ? joined(first.picture(), second.picture()) : first.picture()),
    close: () => {
      first.close();
      second?.close();
    },
  };
}

// The choices of the second map, in the place of its caption.
function header() {
  const here = () => layers[state.other.layer];
  const choose = (spot) => change({ other: { ...state.other, ...spot } });
  const inLayer = (of) => {
    const [part] = groups[of];
    choose(spotOf(part, here().heads[state.other.head]) ?? { layer: part.place, head: 0 });
  };
  const boxes = {
    layer: groups.length > 1 ? box("beside.layer", (of) => inLayer(Number(of))) : null,
    head: groups.some((parts) => headsOf(parts).length > 1)
      ? box("beside.head", (number) => choose(spotOf(here(), Number(number))))
      : null,
    step: anyComputes ? box("beside.step", (step) => choose({ step })) : null,
  };
  const shut = make(
    "button",
    { type: "button", class: "tool", "aria-label": say("beside.close"), title: say("beside.close"), onclick: () => change({ other: null }) },
    "×",
  );
  const element = make("div", { class: "of-map choices", role: "group", "aria-label": say("beside.title") }, ...Object.values(boxes).filter(Boolean), shut);

  function update() {
    const { head, step } = state.other;
    const titles = groups.map((parts, of) => [of, titleOf(parts[0])]);
    const names = headsOf(groups[here().of]).map((number) => [number, ownName(spotOf(here(), number), number)]);
    fill(boxes.layer, titles, here().of);
    fill(boxes.head, names, here().heads[head]);
    fill(boxes.step, mapSteps(here()).map((one) => [one, say(`title.${one}`)]), step);
  }
  return { element, update };
}

function box(label, run) {
  const select = make("select", { "aria-label": say(label), title: say(label) });
  select.addEventListener("change", () => run(select.value));
  return select;
}

function fill(select, options, value) {
  if (!select) return;
  const wanted = options.map(([, text]) => text).join("\n");
  if (select.dataset.options !== wanted)
    select.replaceChildren(...options.map(([one, text]) => make("option", { value: one }, text)));
  select.dataset.options = wanted;
  select.value = value;
}

function ownName({ layer, head }, number) {
  const role = roleOf(layers[layer], head);
  return say("label.head", { head: number }) + (role ? ` · ${role.name}` : "");
}

function wordsOf(value, { number } = {}) {
  if (value === undefined) return null;
  return Number.isNaN(value) ? say("beside.hidden") : number(value);
}

// Two pictures beside each other.
function joined(left, right) {
  const items = right.items.map((item) => moved(item, left.width));
  return { width: left.width + right.width, height: Math.max(left.height, right.height), items: [...left.items, ...items] };
}

function moved(item, by) {
  if (item.x !== undefined) return { ...item, x: item.x + by };
  if (item.line || item.curve) {
    const name = item.line ? "line" : "curve";
    const [x1, y1, x2, y2] = item[name];
    return { ...item, [name]: [x1 + by, y1, x2 + by, y2] };
  }
  const name = item.rect ? "rect" : "hatch";
  const [x, ...rest] = item[name];
  return { ...item, [name]: [x + by, ...rest] };
}
