// A view as a picture: a list of shapes, written as SVG or painted as PNG.
//
// { width, height, items }, each item one of
//   { text, x, y, size, fill, anchor: "start" | "middle" | "end", turn: degrees, bold }
//   { rect: [x, y, width, height], fill, opacity }     { line: [x1, y1, x2, y2], stroke, opacity, thick }
//   { curve: [x1, y1, x2, y2], stroke, opacity, thick, dash } { image: canvas, x, y, width, height }

const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
const SHARPNESS = 2; // pixels of a PNG for each unit
const LONGEST = 12000; // pixels of its longer side

export function svgOf({ width, height, ground, items }) {
  const shapes = items.map(svgShape).join("\n");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${escaped(FONT)}">\n<rect width="100%" height="100%" fill="${ground}"/>\n${shapes}\n</svg>\n`
  );
}

export function pngOf({ width, height, ground, items }) {
  const ratio = Math.min(SHARPNESS, LONGEST / Math.max(width, height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.ceil(width * ratio), Math.ceil(height * ratio)];
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  for (const item of items) paint(context, item);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

// Let the browser save `content` under `name`.
export function save(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function svgShape(item) {
  const opacity = item.opacity === undefined ? "" : ` opacity="${round(item.opacity)}"`;
  if (item.text !== undefined) {
    const turn = item.turn ? ` transform="rotate(${item.turn} ${round(item.x)} ${round(item.y)})"` : "";
    const weight = item.bold ? ' font-weight="600"' : "";
    return (
      `<text x="${round(item.x)}" y="${round(item.y)}" font-size="${item.size}" fill="${item.fill}"${weight}` +
      ` text-anchor="${item.anchor ?? "start"}"${turn}>${escaped(item.text)}</text>`
    );
  }
  if (item.rect) {
    const [x, y, width, height] = item.rect.map(round);
    return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${item.fill}"${opacity}/>`;
  }
  if (item.image) {
    return (
      `<image x="${round(item.x)}" y="${round(item.y)}" width="${round(item.width)}" height="${round(item.height)}" ` +
      `preserveAspectRatio="none" image-rendering="pixelated" href="${item.image.toDataURL()}"/>`
    );
  }
  const [x1, y1, x2, y2] = (item.line ?? item.curve).map(round);
  const middle = round((x1 + x2) / 2);
  const path = item.line ? `M${x1} ${y1}L${x2} ${y2}` : `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
  const dash = item.dash?.length ? ` stroke-dasharray="${item.dash.join(" ")}"` : "";
  return `<path d="${path}" fill="none" stroke="${item.stroke}" stroke-width="${item.thick ?? 1}"${dash}${opacity}/>`;
}

function paint(context, item) {
  context.globalAlpha = item.opacity ?? 1;
  if (item.text !== undefined) {
    context.save();
    context.translate(item.x, item.y);
    context.rotate(((item.turn ?? 0) * Math.PI) / 180);
    context.font = `${item.bold ? 600 : 400} ${item.size}px ${FONT}`;
    context.textAlign = item.anchor === "middle" ? "center" : (item.anchor ?? "start");
    context.fillStyle = item.fill;
    context.fillText(item.text, 0, 0);
    context.restore();
  } else if (item.rect) {
    context.fillStyle = item.fill;
    context.fillRect(...item.rect);
  } else if (item.image) {
    context.imageSmoothingEnabled = false;
    context.drawImage(item.image, item.x, item.y, item.width, item.height);
  } else {
    const [x1, y1, x2, y2] = item.line ?? item.curve;
    const middle = (x1 + x2) / 2;
    context.strokeStyle = item.stroke;
    context.lineWidth = item.thick ?? 1;
    context.setLineDash(item.dash ?? []);
    context.beginPath();
    context.moveTo(x1, y1);
    if (item.line) context.lineTo(x2, y2);
    else context.bezierCurveTo(middle, y1, middle, y2, x2, y2);
    context.stroke();
  }
  context.globalAlpha = 1;
}

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function round(value) {
  return Math.round(value * 100) / 100;
}
