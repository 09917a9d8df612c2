// The strongest pattern of a head in words and a number, and what that means behind a "?".

import { record, roleOf } from "./data.js";
import { make } from "./dom.js";
import { say } from "./lessons.js";
import { fixed } from "./numbers.js";

// "the word before 0.97", or null where no pattern of the head is known. Of a head with a role, where it looks at the role's
// own questions: a mean over this one text would speak against it.
export function patternOf(layer, head) {
  const role = roleOf(layer, head);
  if (role) return role.looks;
  const known = layer.patterns?.[head];
  return known ? say(`pattern.${known[0]}`, { value: fixed(known[1], 2) }) : null;
}

export function meaningOf(layer, head) {
  const role = roleOf(layer, head);
  if (role) return `${role.evidence} ${record.elsewhere}`;
  const known = layer.patterns?.[head];
  return known ? say(`meaning.${known[0]}`) : null;
}

// A "?" that shows and hides what the pattern means: { button, bubble, hide }.
export function asking(layer, head) {
  const bubble = make("p", { class: "bubble", role: "status", hidden: true });
  const button = make("button", { type: "button", class: "ask", "aria-expanded": "false", tabindex: "-1" }, "?");
  const label = say("pattern.ask", { pattern: patternOf(layer, head) });
  button.setAttribute("aria-label", label);
  button.title = label;
  const turn = (shown) => {
    bubble.hidden = !shown;
    bubble.textContent = shown ? meaningOf(layer, head) : "";
    button.setAttribute("aria-expanded", String(shown));
    bubble.style.left = "";
    if (shown) bubble.style.left = `${Math.min(0, document.documentElement.clientWidth - 12 - bubble.getBoundingClientRect().right)}px`;
  };
  button.addEventListener("click", () => turn(bubble.hidden));
  return { button, bubble, hide: () => turn(false) };
}
