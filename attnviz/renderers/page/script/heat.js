// Weights of boxes in a picture as a map of its pixels: what renderers/on_image/heat.py says, said again for the browser.

const NEAR = 0.02; // pixels by which sides that are one may differ

// The weight at each pixel of a map of `columns` × `rows`, row by row, of a picture of this `size`; NaN where no box lies.
// `boxes` are [left, top, right, bottom]; `smooth` between the middles of boxes that lie in rows and columns.
export function heatOf(boxes, weights, size, columns, rows, smooth) {
  const [x, y] = [middles(columns, size.width), middles(rows, size.height)];
  const lattice = latticeOf(boxes);
  if (!lattice) return piled(boxes, weights, x, y);
  const table = new Float64Array(lattice.down.length * lattice.across.length).fill(NaN);
  lattice.places.forEach((place, box) => (table[place] = weights[box]));
  return smooth ? between(table, lattice, x, y) : cells(table, lattice, x, y);
}

function middles(count, length) {
  return Float64Array.from({ length: count }, (_, place) => ((place + 0.5) * length) / count);
}

// { across, down, places }: where columns and rows begin and end, and the cell of each box; null where boxes lie in none.
function latticeOf(boxes) {
  const across = sidesOf(boxes, 0);
  const down = sidesOf(boxes, 1);
  const places = boxes.map((_, box) => down.numbers[box] * across.sides.length + across.numbers[box]);
  const isApart = [across, down].every(({ sides }) => sides.every(([begin], place) => !place || begin >= sides[place - 1][1] - NEAR));
  const isSame = [across, down].every(({ sides, numbers }, axis) =>
    boxes.every((box, place) => [0, 1].every((end) => Math.abs(sides[numbers[place]][end] - box[axis + 2 * end]) <= 2 * NEAR)),
  );
  return isApart && isSame && new Set(places).size === places.length ? { across: across.sides, down: down.sides, places } : null;
}

// The different [begin, end] along an axis, and which of them each box has.
function sidesOf(boxes, axis) {
  const order = boxes.map((_, box) => box).sort((one, other) => boxes[one][axis] - boxes[other][axis]);
  const [sides, numbers] = [[], new Array(boxes.length)];
  let before = -Infinity;
  for (const box of order) {
    const begin = boxes[box][axis];
    if (begin - before > NEAR) sides.push([begin, boxes[box][axis + 2]]);
    before = begin;
    numbers[box] = sides.length - 1;
  }
  return { sides, numbers };
}

// In which of the sides each place lies, -1 in none.
function inside(places, sides) {
  return Int32Array.from(places, (place) => {
    const found = lastUpTo(sides, place);
    return found >= 0 && place < sides[found][1] ? found : -1;
  });
}

function cells(table, { across, down }, x, y) {
  const [columns, rows] = [inside(x, across), inside(y, down)];
  const values = new Float64Array(x.length * y.length).fill(NaN);
  let place = 0;
  for (const row of rows)
    for (const column of columns) {
      if (row >= 0 && column >= 0) values[place] = table[row * across.length + column];
      place++;
    }
  return values;
}

// Linear along both axes, of what is there.
function between(table, lattice, x, y) {
  const values = cells(table, lattice, x, y);
  const [along, above] = [alongOf(x, lattice.across), alongOf(y, lattice.down)];
  const width = lattice.across.length;
  let place = 0;
  for (const up of above)
    for (const side of along) {
      if (values[place] === values[place]) values[place] = mixed(table, up.node * width + side.node, width, up.part, side.part);
      place++;
    }
  return values;
}

// Of the four cells of which the first is at `cell`, what there is, by its share.
function mixed(table, cell, width, down, across) {
  let total = 0;
  let all = 0;
  for (let corner = 0; corner < 4; corner++) {
    const part = (corner > 1 ? down : 1 - down) * (corner % 2 ? across : 1 - across);
    const value = part > 0 ? table[cell + (corner > 1 ? width : 0) + (corner % 2)] : NaN;
    if (value === value) {
      total += part * value;
      all += part;
    }
  }
  return all ? total / all : NaN;
}

// Between which middles each place lies, the lower of the two, and how far it is from it to the next; the last one beyond.
function alongOf(places, sides) {
  const nodes = sides.map(([begin, end]) => [(begin + end) / 2]);
  return Array.from(places, (place) => {
    const node = Math.max(0, lastUpTo(nodes, place));
    if (node === nodes.length - 1) return { node, part: 0 };
    const [[begin], [end]] = [nodes[node], nodes[node + 1]];
    return { node, part: Math.min(Math.max((place - begin) / (end - begin), 0), 1) };
  });
}

// The last of the sides, in their order, that begins no further than `place`; -1 where none does.
function lastUpTo(sides, place) {
  let found = sides.length - 1;
  while (found >= 0 && sides[found][0] > place) found--;
  return found;
}

// Where some lie over others: the sum of their weights by area, times the area that half of the boxes exceed.
function piled(boxes, weights, x, y) {
  const areas = boxes.map(([left, top, right, bottom]) => (right - left) * (bottom - top));
  const usual = median(areas);
  const values = new Float64Array(x.length * y.length).fill(NaN);
  boxes.forEach(([left, top, right, bottom], box) => {
    const amount = (weights[box] / areas[box]) * usual;
    for (let row = from(y, top); row < from(y, bottom); row++)
      for (let column = from(x, left); column < from(x, right); column++) {
        const place = row * x.length + column;
        values[place] = (Number.isNaN(values[place]) ? 0 : values[place]) + amount;
      }
  });
  return values;
}

// The first of the places that lies no further back than `side`.
function from(places, side) {
  const found = places.findIndex((place) => place >= side);
  return found < 0 ? places.length : found;
}

function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
