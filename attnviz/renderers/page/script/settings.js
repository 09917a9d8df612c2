// The choices that hold for the whole page: its language and its theme.

import { record } from "./data.js";
import { make } from "./dom.js";
import { keepSaid, say } from "./lessons.js";
import { change, listen, state } from "./state.js";

const THEMES = ["system", "light", "dark"];

export function settings() {
  const languages = Object.entries(record.languages).map(([code, name]) => make("option", { value: code, lang: code }, name));
  const themes = THEMES.map((theme) => make("option", { value: theme }));
  const element = make("div", { class: "settings" }, box("language", languages), box("theme", themes));
  keepSaid(() => themes.forEach((option, place) => (option.textContent = say(`page.theme_${THEMES[place]}`))));
  return element;
}

function box(name, options) {
  const own = make("select", { id: `setting-${name}`, class: "setting" }, options);
  const show = () => (own.value = state[name]);
  own.addEventListener("change", () => change({ [name]: own.value }));
  keepSaid(() => own.setAttribute("aria-label", say(`page.${name}`)));
  listen(show);
  show();
  return own;
}
