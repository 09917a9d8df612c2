// What several measure alike.

const MOST_PIXELS = 16.7e6; // of a canvas: iOS takes 4096 × 4096
const segmenter = Intl.Segmenter && new Intl.Segmenter();

export const ZOOM = 1.3; // by one step
export const PHONE = matchMedia("(max-width: 560px)"); // as narrow as the style sheets say it

export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

// How many pixels of a canvas each unit gets: so many as are wanted, or as there may be.
export function sharpness(width, height, wanted) {
  return Math.min(wanted, Math.sqrt(MOST_PIXELS / Math.max(1, width * height)));
}

// A text of a picture cut to `width` pixels, as wide as the browser's own letters are.
export function shortened(text, size, width) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${size}px system-ui, sans-serif`;
  return fitted(pen, text, width);
}

// A label cut to `width` pixels, the cut marked; one of a script from right to left is set apart from what is around it.
export function fitted(pen, text, width) {
  return apart(cut(pen, text, width));
}

function cut(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  const signs = signsOf(text);
  let [low, high] = [0, signs.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(`${signs.slice(0, middle).join("")}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `${signs.slice(0, low).join("")}…`;
}

const LEFTWARD = "\\p{Script=Arabic}\\p{Script=Hebrew}\\p{Script=Syriac}\\p{Script=Thaana}\\p{Script=Nko}\\p{Script=Adlam}";
const ANY_LEFTWARD = new RegExp(`[${LEFTWARD}]`, "u");
const FIRST_LETTER = /\p{L}/u;

// "rtl" where the first letter of the tokens belongs to a script from right to left, else "ltr": what dir=auto would say,
// which does not look into the elements of their own that tokens are. Special tokens do not count.
export function directionOf({ labels, special }) {
  const first = labels.find((text, place) => FIRST_LETTER.test(text) && !special.includes(place)) ?? "";
  return ANY_LEFTWARD.test(FIRST_LETTER.exec(first)?.[0] ?? "") ? "rtl" : "ltr";
}

// A text from right to left between the signs that isolate it (Unicode, UAX 9: FSI and PDI), where there are no elements.
export function apart(text) {
  return ANY_LEFTWARD.test(text) ? `\u2068${text}\u2069` : text;
}

// What a reader takes for one sign each, however many numbers it has in Unicode.
function signsOf(text) {
  return segmenter ? Array.from(segmenter.segment(text), ({ segment }) => segment) : [...text];
}
