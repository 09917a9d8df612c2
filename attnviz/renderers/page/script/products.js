// Products of one vector with many: what a script takes most of its time for.

// Σ vector[i] · values[place + i] for `count` vectors that follow each other in `values` from `place` on, into `sums` from `at`
// on. Each sum is added up in order; four at once, since an addition waits for the one before it.
export function products(vector, values, place, count, sums, at) {
  const width = vector.length;
  let one = 0;
  for (; one + 4 <= count; one += 4) {
    let [first, second, third, fourth] = [0, 0, 0, 0];
    const [to, next, last] = [place + width, place + 2 * width, place + 3 * width];
    for (let dimension = 0; dimension < width; dimension++) {
      const number = vector[dimension];
      first += number * values[place + dimension];
      second += number * values[to + dimension];
      third += number * values[next + dimension];
      fourth += number * values[last + dimension];
    }
    [sums[at + one], sums[at + one + 1], sums[at + one + 2], sums[at + one + 3]] = [first, second, third, fourth];
    place += 4 * width;
  }
  for (; one < count; one++, place += width) {
    let sum = 0;
    for (let dimension = 0; dimension < width; dimension++) sum += vector[dimension] * values[place + dimension];
    sums[at + one] = sum;
  }
}
