// How numbers are written, as renderers/shared/numbers.py writes them: the fewest digits that say all, up to four decimals.

import { record } from "./data.js";

const PRECISION = 4;
const FEW = 2; // digits of a small number among larger ones
const ROUNDING = 1e-7; // of the largest of several numbers: what single precision rounds
const ENOUGH = 2; // digits fewer than the precision: as exact must a number be that is computed with by hand
// What is noise of the arithmetic, not a digit: more where the numbers that came are coarser.
const NOISE = record.type === "float64" && record.layers.every(({ form }) => form === "exact") ? 1e-9 : 2 ** -22;

const ROUNDED = record.layers.some(({ errors }) => errors); // to the digits that are the trace's own, see digits.js
const [DIGIT, POINT] = ["\u2007", "\u2008"]; // spaces as wide as these

export const HIDDEN = "−∞";

// Several numbers with the same number of decimals, so that they align, but a small one is never written like 0: it has two
// digits, or as many as a number has where all are small. What is only noise beside the largest counts as 0.
export function aligned(values) {
  const words = evenly(values);
  if (ROUNDED) return words;
  const finite = [...values].filter(Number.isFinite);
  const largest = Math.max(0, ...finite.map(Math.abs));
  const noise = ROUNDING * largest;
  const areAll = largest > 0 && largest < 10 ** (1 - PRECISION) && !finite.every((value) => needsNoMore(value, PRECISION, noise));
  return [...values].map((value, place) => {
    const isSmall = Number.isFinite(value) && Math.abs(value) > noise && (areAll || Number(words[place]) === 0);
    return isSmall ? exponential(value, areAll ? PRECISION : FEW) : words[place];
  });
}

// The same, however small some of them are.
function evenly(values) {
  const finite = [...values].filter(Number.isFinite);
  const largest = Math.max(0, ...finite.map(Math.abs));
  if (largest >= 1e7 || (largest > 0 && largest < 10 ** -PRECISION)) return [...values].map((value) => exponential(value));
  let decimals = 0;
  while (decimals < PRECISION && !finite.every((value) => needsNoMore(value, decimals))) decimals++;
  return [...values].map((value) => (ROUNDED ? spaced(fixed(value, decimals)) : fixed(value, decimals)));
}

// One number as on paper: 1.25, 0.7217, −∞.
export function number(value) {
  return evenly([value])[0].trimEnd();
}

// A vector as on paper: [0.4 0.1 0.8], cut after `most` numbers; `all` writes them, as `aligned` does.
export function vector(values, most = 4, all = aligned) {
  const words = all([...values].slice(0, most)).map((word) => word.trimEnd());
  return `[${[...words, ...(values.length > most ? ["…"] : [])].join(" ")}]`;
}

// A number that is computed with by hand: with an exponent where so many decimals would leave too few digits of it.
export function significant(value) {
  const text = number(value);
  if (value === 0 || !Number.isFinite(value)) return text;
  const kept = Math.abs(Number(text) - value) <= 0.5 * 10 ** (ENOUGH - PRECISION) * Math.abs(value);
  return kept ? text : exponential(value);
}

// A weight in a sentence: two decimals, or two digits where two decimals would say 0.00.
export function share(value) {
  if (value >= 0.01 || value === 0) return fixed(value, 2);
  return digits(value, 2);
}

// Weights below each other: two digits of one that is small, however much larger another is, and 0 of none.
export function shares(values) {
  if (ROUNDED) return aligned(values);
  const small = 10 ** -PRECISION;
  return evenly(values).map((word, place) => (values[place] === 0 ? "0" : values[place] > 0 && values[place] < small ? digits(values[place], FEW) : word));
}

// A number inside a product: negative ones stand in brackets.
export function factor(value, one = number) {
  const text = one(value);
  return /^≈?-/.test(text) ? `(${text})` : text;
}

// Python's format "g": so many digits, an exponent where the number is small or large, no zeros at the end.
export function general(value, count = 6) {
  return value === 0 ? "0" : trimmed(digits(value, count));
}

// A number in a sentence, three digits, with a minus sign.
export function brief(value) {
  return value < 0 ? `−${general(-value, 3)}` : general(value, 3);
}

// A number with so many decimals, never −0.
export function fixed(value, decimals) {
  if (value === -Infinity) return HIDDEN;
  const text = toEven(value.toFixed(decimals), isTie(value, decimals));
  return Number(text) === 0 ? text.replace("-", "") : text;
}

// Zeros at the end that may not be the trace's own become spaces as wide as they are.
function spaced(text) {
  const kept = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return kept + text.slice(kept.length).replace(".", POINT).replaceAll("0", DIGIT);
}

function exponential(value, count = PRECISION) {
  if (value === -Infinity) return HIDDEN;
  const [mantissa, power] = parts(value, count - 1);
  return `${ROUNDED ? trimmed(mantissa) : mantissa}e${padded(power)}`;
}

// [mantissa, power] of a number, so many decimals in the mantissa.
function parts(value, decimals) {
  const [mantissa, power] = value.toExponential(decimals).split("e");
  return [toEven(mantissa, isTie(value, decimals - Number(power))), power];
}

// Whether a number is exactly halfway between two of so many decimals, or of as many zeros where they are negative:
// an odd multiple of 1/2 · 10^−decimals, which a binary number is if it is an odd multiple of 2^−(decimals + 1).
function isTie(value, decimals) {
  if (decimals >= 0) return Math.abs(value * 2 ** (decimals + 1)) % 2 === 1;
  const unit = Number(`1e${-decimals}`);
  return Math.abs(value) % unit === unit / 2;
}

// What JavaScript rounded away from 0 where it was a tie: to the even digit, as Python does.
function toEven(text, tie) {
  const last = Number(text.at(-1));
  return tie && last % 2 ? text.slice(0, -1) + (last - 1) : text;
}

// The same with its zeros, Python's "#g".
function digits(value, count) {
  const [mantissa, power] = parts(value, count - 1);
  const exponent = Number(power);
  if (exponent < -4 || exponent >= count) return `${mantissa}e${padded(power)}`;
  return fixed(value, count - 1 - exponent);
}

function needsNoMore(value, decimals, noise = NOISE) {
  return Math.abs(value - Number(value.toFixed(decimals))) <= noise * Math.max(Math.abs(value), 1);
}

function trimmed(text) {
  return text.replace(/(\.\d*?)0+(?=$|e)/, "$1").replace(/\.(?=$|e)/, ""); // not those of an exponent
}

// An exponent of two digits at least, as Python writes it.
function padded(power) {
  return power[0] + power.slice(1).padStart(2, "0");
}
