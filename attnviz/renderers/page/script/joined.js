// Two pictures beside each other.

export function joined(left, right) {
  const items = right.items.map((item) => moved(item, left.width));
  return { width: left.width + right.width, height: Math.max(left.height, right.height), items: [...left.items, ...items] };
}

function moved(item, by) {
  if (item.x !== undefined) return { ...item, x: item.x + by };
  if (item.line || item.curve) {
    const name = item.line ? "line" : "curve";
    const [x1, y1, x2, y2] = item[name];
    return { ...item, [name]: [x1 + by, y1, x2 + by, y2] };
  }
  const name = item.rect ? "rect" : "hatch";
  const [x, ...rest] = item[name];
  return { ...item, [name]: [x + by, ...rest] };
}
