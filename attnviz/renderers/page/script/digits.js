// How numbers are written that are computed from a rounded Query, Key and Value: only in the digits that are the trace's own.
// A number of which no digit is stands as it is computed, in two digits behind "≈": neither a 0 nor a round ten may stand for
// it. What is computed stays as it is, so that only computed numbers tie. errors: see renderers/page/digits.py.

import { aligned, factor, general, number, share, shares, significant, vector } from "./numbers.js";

const PLAIN = { aligned, number, factor, vector, share, shares, significant };
const [FEWEST, MOST] = [2, 15]; // digits: of a number of which none is the trace's own; that a number has at all
const NOTHING = 5e-5; // no decimal that is shown can be off by less
const SMALLEST = 2 ** -149; // of single precision: what a weight that became 0 was at most

// The functions that write numbers of a step, by the names that they have in numbers.js.
export function writing(layer, step) {
  return layer.errors ? writingTo((value) => errorOf(layer, step, value)) : PLAIN;
}

// The same of numbers that are off by as much as `error`, a function of a number, says; without errors, as they are.
export function writingOf(layer, error) {
  return layer.errors ? writingTo(error) : PLAIN;
}

// A number of a step for a table that takes numbers alone.
export function ownedNumber(layer, step, value) {
  return layer.errors ? ownOf(value, errorOf(layer, step, value)).value : value;
}

// A line of arithmetic, where a sum is about what follows.
export function aboutIn(line) {
  return line.replaceAll("= ≈", "≈ ");
}

// The most that e^x is off by, where x is off by `error`.
export function exponentialError(value, error) {
  return Math.max(value, SMALLEST) * Math.expm1(error);
}

// A small weight is off by less than a large one.
function errorOf({ errors }, step, value) {
  if (step === "weights") return Math.min(errors.weights, exponentialError(value, 2 * errors.scaled));
  if (step === "contribution") return Math.min(errors.contribution, Math.abs(value) * Math.expm1(2 * errors.scaled) + errors.carried);
  return errors[step === "masked" ? "scaled" : step];
}

function writingTo(error) {
  const all = (values) => alignedTo([...values], error);
  const one = (value) => all([value])[0].trimEnd();
  return {
    aligned: all,
    shares: all,
    number: one,
    factor: (value) => factor(value, one),
    vector: (values, most) => vector(values, most, all),
    significant(value) {
      const own = ownOf(value, error(value));
      return own.rough ? one(value) : significant(own.value);
    },
    share(value) {
      const own = ownOf(value, error(value));
      return own.digits < 2 || own.decimals < 2 ? one(value) : share(own.value);
    },
  };
}

function alignedTo(values, error) {
  const all = values.map((value) => ownOf(value, error(value)));
  const words = aligned(all.filter(({ rough }) => !rough).map(({ value }) => value));
  let place = 0;
  return all.map((own) => (own.rough ? `≈${general(own.value, MOST)}` : visible(words[place++], own.value)));
}

// A number that its neighbours' decimals would make a 0 has its own.
function visible(word, value) {
  return value !== 0 && Number(word) === 0 ? general(value, FEWEST) : word;
}

// { value, rough, digits, decimals }: a number rounded to where it may be off; how many of its digits and decimals are the
// trace's own; and whether it is rough: none is, or not the last before its point.
function ownOf(value, error) {
  if (!Number.isFinite(value) || !(error > 0)) return { value, rough: false, digits: MOST, decimals: MOST };
  if (value === 0) return { value, rough: error > NOTHING, digits: MOST, decimals: MOST };
  const decimals = Math.floor(-Math.log10(2 * error));
  const digits = Math.min(MOST, decimals + Number(value.toExponential().split("e")[1]) + 1);
  const rough = digits < 1 || decimals < 0;
  return { value: Number(value.toPrecision(rough ? Math.max(FEWEST, digits) : digits)), rough, digits, decimals };
}
