// Products of one vector with many: what a script takes most of its time for. Plain statements, since not every browser sees
// that an array which is taken apart at once need not be made.

// Σ vector[i] · values[place + i] for `count` vectors that follow each other in `values` from `place` on, into `sums` from `at`
// on. Each sum is added up in order; four at once, since an addition waits for the one before it.
export function products(vector, values, place, count, sums, at) {
  const width = vector.length;
  let one = 0;
  for (; one + 4 <= count; one += 4) {
    let first = 0;
    let second = 0;
    let third = 0;
    let fourth = 0;
    let here = place;
    let below = here + width;
    let next = below + width;
    let last = next + width;
    for (let dimension = 0; dimension < width; dimension++) {
      const number = vector[dimension];
      first += number * values[here++];
      second += number * values[below++];
      third += number * values[next++];
      fourth += number * values[last++];
    }
    sums[at + one] = first;
    sums[at + one + 1] = second;
    sums[at + one + 2] = third;
    sums[at + one + 3] = fourth;
    place += 4 * width;
  }
  for (; one < count; one++, place += width) {
    let sum = 0;
    for (let dimension = 0; dimension < width; dimension++) sum += vector[dimension] * values[place + dimension];
    sums[at + one] = sum;
  }
}
