// Only the digits that are the trace's own: where Query, Key and Value are rounded, what is computed from them is rounded to
// where it may be off, so that no digit is shown which the trace has not. errors: see renderers/page/digits.py.

const MOST = 12; // decimals

// The numbers of a step, of which there are as many as in `values`, a new array that may be changed.
export function owned(layer, step, values) {
  if (layer.errors) for (let place = 0; place < values.length; place++) values[place] = ownedNumber(layer, step, values[place]);
  return values;
}

export function ownedNumber(layer, step, value) {
  return layer.errors && Number.isFinite(value) ? rounded(value, ownDecimals(layer, step, value)) : value;
}

// A sum of numbers of an output as they are shown, each times one of `factors`.
export function ownedSum(layer, value, factors) {
  if (!layer.errors) return value;
  const error = layer.errors.output + 10 ** -ownDecimals(layer, "output") / 2;
  return rounded(value, decimalsOf(error * factors.reduce((sum, factor) => sum + Math.abs(factor), 0)));
}

// How many decimals of a number of a step are the trace's own. A small weight is off by less than a large one.
export function ownDecimals(layer, step, value = 1) {
  if (!layer.errors) return MOST;
  const { errors } = layer;
  const error = step === "weights" ? Math.min(errors.weights, value * Math.expm1(2 * errors.scaled)) : errors[step];
  return decimalsOf(error);
}

function decimalsOf(error) {
  return error > 0 ? Math.min(MOST, Math.floor(-Math.log10(2 * error))) : MOST;
}

function rounded(value, decimals) {
  const unit = 10 ** decimals;
  return Math.round(value * unit) / unit;
}
