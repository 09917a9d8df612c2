// The choices of the second map: its layer, its head and its step.

import { groups, headsOf, layers, roleOf, spotOf } from "./data.js";
import { make } from "./dom.js";
import { titleOf } from "./heads.js";
import { say } from "./lessons.js";
import { change, mapSteps, state } from "./state.js";

const anyComputes = layers.some((one) => one.computes);

// { element, update }, in the place of its caption.
export function header() {
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
    if (boxes.head) boxes.head.disabled = step === "summed"; // which is of all
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
