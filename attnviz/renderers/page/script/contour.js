// The line around the smallest part of a picture that holds a share of the weight on it, as renderers/on_image/contour.py draws it.

// The lines, each a list of [x, y] from the upper left corner, of a map whose sides are 1 long.
export function contourOf(values, columns, rows, share) {
  const level = levelOf(values, share);
  if (!(level > 0)) return [];
  const at = (column, row) => {
    const [x, y] = [Math.min(Math.max(column, 0), columns - 1), Math.min(Math.max(row, 0), rows - 1)]; // no line runs along the edge
    return (values[y * columns + x] || 0) - level * (1 - 1e-6);
  };
  const pieces = piecesOf(at, columns, rows);
  return linked(pieces).map((line) => line.map(([x, y]) => [clipped((x + 0.5) / columns), clipped((y + 0.5) / rows)]));
}

// The weight at which the pixels with no less hold this share of all.
function levelOf(values, share) {
  const falling = values.filter((value) => value === value).sort().reverse();
  const total = falling.reduce((sum, value) => sum + value, 0);
  let sum = 0;
  for (const value of falling) {
    sum += value;
    if (sum >= share * total * (1 - 1e-9)) return value;
  }
  return 0;
}

function clipped(part) {
  return Math.min(Math.max(part, 0), 1);
}

// Where the line crosses the sides of each square between four pixels: pairs of crossings, { name, point }.
function piecesOf(at, columns, rows) {
  const pieces = [];
  for (let row = -1; row < rows; row++)
    for (let column = -1; column < columns; column++) {
      const heights = [at(column, row), at(column + 1, row), at(column + 1, row + 1), at(column, row + 1)];
      const above = heights.filter((height) => height >= 0).length;
      if (above === 0 || above === 4) continue;
      const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
      const crossings = [0, 1, 2, 3].map((side) => crossing(corners, heights, side)).filter(Boolean);
      pieces.push(...(crossings.length === 2 ? [crossings] : apart(crossings, heights)));
    }
  return pieces;
}

// Of a square whose high corners lie across from each other: its middle says whether they are one.
function apart([first, second, third, fourth], heights) {
  const isHigh = heights.reduce((sum, height) => sum + height, 0) >= 0;
  return isHigh === heights[0] >= 0 ? [[first, second], [third, fourth]] : [[fourth, first], [second, third]];
}

// Where the side from one corner to the next is crossed, if it is; squares beside each other call their side the same.
function crossing(corners, heights, side) {
  const [one, other] = [side, (side + 1) % 4];
  if (heights[one] >= 0 === heights[other] >= 0) return null;
  const part = heights[one] / (heights[one] - heights[other]);
  const point = [0, 1].map((axis) => corners[one][axis] + part * (corners[other][axis] - corners[one][axis]));
  const [x, y] = [0, 1].map((axis) => Math.min(corners[one][axis], corners[other][axis]));
  return { name: `${x} ${y} ${side % 2}`, point };
}

// Pieces that meet, one after the other, so that a dashed line goes on.
function linked(pieces) {
  const meeting = new Map();
  for (const piece of pieces) for (const { name } of piece) meeting.set(name, [...(meeting.get(name) ?? []), piece]);
  const used = new Set();
  const follow = (line, end) => {
    for (;;) {
      const next = meeting.get(end.name).find((piece) => !used.has(piece));
      if (!next) return line;
      used.add(next);
      end = next[0].name === end.name ? next[1] : next[0];
      line.push(end.point);
    }
  };
  return pieces.flatMap((piece) => {
    if (used.has(piece)) return [];
    used.add(piece);
    const [first, second] = piece;
    const forward = follow([first.point, second.point], second);
    return [[...follow([], first).reverse(), ...forward]];
  });
}
