// Finding a token: "/" asks for it, each letter looks, Enter goes to the next, Escape back to where one was: to what was
// chosen and to what had the focus.

import { nameOf } from "./data.js";
import { make } from "./dom.js";
import { keepSaid, say } from "./lessons.js";
import { allKeys, allQueries, shownKeys, shownQueries } from "./shown.js";
import { change, currentLayer, state } from "./state.js";

// { element, update }: hidden where no token can be chosen.
export function search() {
  const input = make("input", { type: "search", id: "find", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/" });
  const count = make("output", { class: "value", for: "find" });
  const element = make("div", { class: "control find", role: "search" }, input, count);
  let before = null; // what had the focus
  let chosen = null; // the query and the key that were, before letters were looked for
  let isFound = false; // by Enter: the next "/" begins anew

  // In Text, who is looked at; else the query.
  const side = () => (state.view === "text" && state.towards ? "key" : "query");

  // The matches among the tokens that are read so far, or in the whole text.
  function found(whole = false) {
    const layer = currentLayer();
    const isKey = side() === "key";
    const places = isKey ? (whole ? allKeys : shownKeys)(layer) : (whole ? allQueries : shownQueries)(layer);
    return matches(input.value, isKey ? layer.keyTexts : layer.queryTexts, places);
  }

  // Choose the match that is `by` further than the chosen token; by 0 the chosen one stays, if it is a match.
  function go(by) {
    const all = found();
    const here = state[side()] ?? -1;
    const next =
      by < 0
        ? (all.findLast((place) => place < here) ?? all.at(-1))
        : (all.find((place) => (by ? place > here : place >= here)) ?? all[0]);
    if (next !== undefined && next !== here) {
      chosen ??= { query: state.query, key: state.key };
      change({ [side()]: next, [side() === "query" ? "key" : "query"]: null });
    } else tell();
  }

  function tell() {
    const all = found();
    const number = all.indexOf(state[side()]) + 1;
    const none = () => say(found(true).length ? "page.found_later" : "page.found_none");
    count.textContent = !input.value ? "" : all.length ? say("page.found", { number, count: all.length }) : none();
  }

  function leave() {
    input.value = "";
    if (chosen) change(chosen);
    [chosen, isFound] = [null, false];
    tell();
    const isThere = before?.isConnected && before !== document.body; // where nothing has the focus, the body is said to
    const to = isThere ? before : document.querySelector("#map, #panel [tabindex='0']");
    to?.focus();
  }

  input.addEventListener("input", () => {
    isFound = false;
    go(0);
  });
  input.addEventListener("blur", () => (chosen = null)); // what is chosen elsewhere is where one is now
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      isFound = true;
      go(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") leave();
    else if (event.key === "/" && isFound) input.select();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  window.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || element.hidden) return;
    if (event.target.closest?.("input[type=search], textarea")) return;
    event.preventDefault();
    before = document.activeElement;
    input.focus();
    input.select();
  });
  keepSaid(() => {
    input.placeholder = `${say("page.find")}  /`;
    input.setAttribute("aria-label", say("page.find"));
  });
  return {
    element,
    update() {
      element.hidden = state.view === "overview";
      tell();
    },
  };
}

// The places of the tokens that are meant. A "/" before the word is the key that asks for the search, unless a token has it.
function matches(wanted, texts, places) {
  if (!wanted) return [];
  const found = places.filter(matcherOf(wanted, texts));
  return found.length || !/^\/./.test(wanted) ? found : matches(wanted.slice(1), texts, places);
}

// Whether the token at a place is meant: "@3" by its position, else by a part of it, in any case.
function matcherOf(wanted, texts) {
  const position = /^@(\d+)$/.exec(wanted);
  if (position) return (place) => place === Number(position[1]);
  const part = folded(wanted);
  return (place) => folded(texts.labels[place]).includes(part) || folded(nameOf(texts, place)).includes(part);
}

function folded(text) {
  return text.normalize("NFC").toLowerCase();
}
