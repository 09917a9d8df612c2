// The text as it is read, token by token: a slider for the position, what may come next, and the token that comes moving in.

import { nameOf, quoted, record } from "./data.js";
import { make } from "./dom.js";
import { say, told } from "./lessons.js";
import { PHONE, clamp } from "./measure.js";
import { allQueries, shownQueries } from "./shown.js";
import { change, currentLayer, state, unfolds } from "./state.js";

const PACE = 1400; // milliseconds for which a position stays while it plays
const [MOST, FEW] = [60, 24]; // tokens of the text so far: the last ones; on a phone, what is shown of them needs the room
const MOTION = matchMedia("(prefers-reduced-motion: reduce)");

// { element, update, close } of the bar below the choices; hidden where no layer reads token by token.
export function unfolding() {
  const tool = (name, sign, run) =>
    make("button", { type: "button", class: "tool", "aria-label": say(name), title: say(name), onclick: run }, sign);
  const [back, middle, forward] = [
    tool("unfold.back", "‹", () => go(now() - 1)),
    tool("page.play", "▶", () => (playing ? stop() : play())),
    tool("unfold.forward", "›", () => go(now() + 1)),
  ];
  const slider = make("input", { type: "range", id: "upto", min: 0, step: 1, class: "position" });
  const count = make("output", { class: "value", for: "upto" });
  const soFar = make("div", { class: "so-far", role: "group", "aria-label": say("unfold.so_far") });
  const next = make("div", { class: "next" });
  const reading = make("div", { class: "reading" }, soFar, next);
  const sentence = make("p", { class: "quiet", id: "unfolded" });
  const element = make(
    "section",
    { class: "unfold", "aria-label": say("unfold.title"), hidden: true },
    make(
      "div",
      { class: "positions" },
      make("label", { class: "name", for: "upto" }, say("unfold.title")),
      make("div", { class: "buttons" }, back, middle, forward),
      slider,
      count,
    ),
    reading,
    sentence,
  );
  let [playing, shown, name] = [null, null, ""];
  let room = { width: 0, height: 0, isBrief: false };

  // The first and the last position that can be read up to, and the one that is.
  const ends = () => [allQueries(currentLayer())[0], allQueries(currentLayer()).at(-1)];
  const now = () => state.upto ?? ends()[1];

  // Read up to a position, which becomes the Query that is looked at.
  function go(position) {
    const [first, last] = ends();
    const upto = clamp(position, first, last);
    const looked = state.view === "text" && state.towards; // then it is the Key that is chosen
    change({ upto: upto === last ? null : upto, query: upto, key: looked ? upto : null });
  }

  function play() {
    if (state.upto === null) go(ends()[0]);
    playing = setInterval(() => {
      go(now() + 1);
      if (state.upto === null) stop();
    }, PACE);
    showPlaying();
  }

  function stop() {
    clearInterval(playing);
    playing = null;
    showPlaying();
  }

  function showPlaying() {
    const label = say(playing ? "page.pause" : "page.play");
    middle.textContent = playing ? "❚❚" : "▶";
    middle.setAttribute("aria-label", label);
    middle.title = label;
  }

  function update() {
    const layer = currentLayer();
    const wanted = unfolds(layer) && state.view !== "overview";
    element.hidden = !wanted;
    if (!wanted) {
      shown = null;
      if (playing) stop();
      return;
    }
    const [position, [first, last]] = [now(), ends()];
    const isWalk = state.view === "steps"; // which lists the tokens so far itself
    const own = `${layer.place} ${position} ${state.upto} ${state.special} ${isWalk}`;
    if (own === name && shown !== null) return;
    name = own;
    [slider.min, slider.max] = [first, last];
    slider.value = position;
    const said = say("unfold.position", { number: position + 1, count: layer.queries });
    count.textContent = said;
    slider.setAttribute("aria-valuetext", `${said}: ${nameOf(layer.queryTexts, position)}`);
    back.toggleAttribute("disabled", position === first && document.activeElement !== back);
    forward.toggleAttribute("disabled", position === last && document.activeElement !== forward);
    const from = shown === position - 1 ? placeOf(next.querySelector(".came")) : null;
    soFar.replaceChildren(...chips(layer, position));
    next.replaceChildren(...candidates(layer, position));
    sentence.replaceChildren(...told(...sentenceOf(layer, position)));
    keepRoom(isWalk);
    if (from) moveIn(soFar.lastElementChild, from);
    shown = position;
  }

  // The bar grows with its words and never shrinks, as long as it is as wide: what is below it stays where it is. On a
  // phone it is brief above the walk.
  function keepRoom(isBrief) {
    if (element.classList.toggle("brief", isBrief) !== room.isBrief) element.style.minHeight = "";
    const { width, height } = element.getBoundingClientRect();
    if (width === room.width && height === room.height && isBrief === room.isBrief) return;
    if (width !== room.width) element.style.minHeight = "";
    room = { width, height: element.getBoundingClientRect().height, isBrief };
    element.style.minHeight = `${room.height}px`;
  }

  slider.addEventListener("input", () => go(Number(slider.value)));
  return { element, update, close: () => playing && stop() };
}

// The last tokens of the text so far, as chips; those that the model chose are told apart.
function chips(layer, position) {
  const places = shownQueries(layer).filter((place) => place <= position);
  const most = PHONE.matches ? FEW : MOST;
  const cut = places.length > most ? [make("span", { class: "quiet" }, "… ")] : [];
  const tokens = places.slice(-most).map((place) => {
    const written = place > 0 && nextAt(layer, place - 1)?.written;
    const looks = ["token", "chip", ...(written ? ["wrote"] : []), ...(place === position ? ["newest"] : [])];
    return make("bdi", { class: looks.join(" ") }, layer.queryTexts.labels[place]);
  });
  return [...cut, ...tokens.flatMap((token) => [token, " "]).slice(0, -1)];
}

// What may come next, each with its probability, and what comes.
function candidates(layer, position) {
  const here = nextAt(layer, position);
  if (!here || (!here.likely.length && here.next === null)) return [];
  const most = Math.max(...here.likely.map(([, share]) => share), 1e-9);
  const rows = here.likely.map(([name, share, words], place) => candidate(name, words, share / most, place === here.place, here.written));
  if (here.next !== null && here.place === null) rows.push(candidate(here.next, here.share ?? "", 0, true, here.written));
  const title = say(here.likely.length ? "unfold.next" : "unfold.comes");
  return [make("span", { class: "quiet" }, `${title} →`), make("ol", { class: "likely", "aria-label": title }, rows)];
}

function candidate(name, words, part, came, written) {
  const fill = make("span", { class: "fill" });
  fill.style.width = `${100 * part}%`;
  const mark = came ? make("span", { class: "quiet" }, ` ${say(written ? "unfold.chosen" : "unfold.given")}`) : null;
  return make(
    "li",
    { class: came ? "came" : null },
    make("bdi", { class: "token chip" }, name),
    make("span", { class: "share" }, ` ${words}`),
    mark,
    make("span", { class: "track", "aria-hidden": "true" }, fill),
  );
}

// What the step changes, and what it does not.
function sentenceOf(layer, position) {
  const token = quoted(layer.queryTexts, position);
  if (position === 0) return ["unfold.first", { token }];
  if (position === 1) return ["unfold.second", { token }];
  return ["unfold.row", { token, number: position + 1, before: position }];
}

// What is known of what comes after a position, or null.
function nextAt(layer, position) {
  return record.nextOf?.[layer.place] ? record.next[position] : null;
}

function placeOf(element) {
  return element?.querySelector(".chip").getBoundingClientRect();
}

// Let a token come from where it stood among the candidates.
function moveIn(chip, from) {
  if (!chip || MOTION.matches || !chip.animate) return;
  const to = chip.getBoundingClientRect();
  const moved = `translate(${from.left - to.left}px, ${from.top - to.top}px)`;
  chip.animate([{ transform: moved }, { transform: "none" }], { duration: 450, easing: "ease-in-out" });
}
