// A view as a picture: a list of shapes, written as SVG or painted as PNG.
//
// { width, height, items }, each item one of
//   { text, x, y, size, fill, anchor: "start" | "middle" | "end", turn: degrees, bold }
//   { rect: [x, y, width, height], fill, opacity }     { line: [x1, y1, x2, y2], stroke, opacity, thick }
//   { curve: [x1, y1, x2, y2], stroke, opacity, thick, dash } { image: canvas, x, y, width, height }
//   { hatch: [x, y, width, height], stroke }: thin lines across, beneath an image whose hidden cells are empty

import { hatch } from "./bitmap.js";

import { Failure } from "./failure.js";
import { sharpness } from "./measure.js";

const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
const SHARPNESS = 2; // pixels of a PNG for each unit
const MOST_CELLS = 10000; // of all images of an SVG that are written as shapes
const LEAST_PIXELS = 1600; // of a larger image, so that a viewer which smooths it blurs no cell into the next
const LONGEST = 12000; // pixels of its longer side

export function svgOf({ width, height, ground, items }) {
  const cells = items.reduce((sum, { image }) => sum + (image ? image.width * image.height : 0), 0);
  const shapes = items.map((item) => (item.image ? svgImage(item, cells <= MOST_CELLS) : svgShape(item))).join("\n");
  const strokes = new Set(items.filter((item) => item.hatch).map((item) => item.stroke));
  const patterns = [...strokes].map(svgPattern).join("");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${escaped(FONT)}">\n<rect width="100%" height="100%" fill="${ground}"/>\n${patterns}${shapes}\n</svg>\n`
  );
}

// A scene as a canvas, its pixels twice as fine as its units.
export function canvasOf({ width, height, ground, items }) {
  const ratio = sharpness(width, height, Math.min(SHARPNESS, LONGEST / Math.max(width, height)));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.ceil(width * ratio), Math.ceil(height * ratio)];
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  for (const item of items) paint(context, item);
  return canvas;
}

export function pngOf(scene) {
  const canvas = canvasOf(scene);
  return new Promise((done, fail) =>
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Failure("page.no_picture"))), "image/png"),
  );
}

// Let the browser save `content` under `name`.
export function save(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// An image as it is, or as a shape for every run of cells of one colour.
function svgImage({ image, x, y, width, height }, small) {
  if (!small) {
    const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
    const attributes = 'preserveAspectRatio="none" image-rendering="pixelated"';
    return `<image ${place} ${attributes} href="${enlarged(image).toDataURL()}"/>`;
  }
  const { data } = image.getContext("2d").getImageData(0, 0, image.width, image.height);
  const colours = new Uint32Array(data.buffer);
  const [wide, high] = [width / image.width, height / image.height];
  const shapes = [];
  for (let row = 0; row < image.height; row++) {
    for (let from = 0, to; from < image.width; from = to) {
      const place = row * image.width + from;
      for (to = from + 1; to < image.width && colours[place + to - from] === colours[place]; to++);
      const [red, green, blue, alpha] = data.subarray(place * 4, place * 4 + 4);
      if (!alpha) continue;
      const rect = [x + from * wide, y + row * high, (to - from) * wide, high];
      shapes.push(svgShape({ rect, fill: `rgb(${red},${green},${blue})` }));
    }
  }
  return `<g shape-rendering="crispEdges">${shapes.join("\n")}</g>`;
}

function enlarged(image) {
  const times = Math.ceil(LEAST_PIXELS / Math.max(image.width, image.height));
  if (times === 1) return image;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width * times, image.height * times];
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const patternOf = (stroke) => `hatch-${stroke.replace(/\W/g, "")}`;

function svgPattern(stroke) {
  const tile = `<path d="M-1 1L1 -1M0 6L6 0M5 7L7 5" fill="none" stroke="${stroke}" stroke-width="1"/>`;
  return `<pattern id="${patternOf(stroke)}" width="6" height="6" patternUnits="userSpaceOnUse">${tile}</pattern>\n`;
}

function svgShape(item) {
  if (item.hatch) return svgShape({ rect: item.hatch, fill: `url(#${patternOf(item.stroke)})` });
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
  } else if (item.hatch) {
    context.fillStyle = hatch(context, item.stroke);
    context.fillRect(...item.hatch);
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
