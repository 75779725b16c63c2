// What every plot of perfkit shares: the page's data, figures in words, keys, and drawing when a plot comes into view.
// A module that is written into a page can import nothing, so the others find it all in `globalThis.perfkit`. Colors are
// custom properties, so that a change of theme needs no drawing.
const data = JSON.parse(document.getElementById("plot-data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const PARTS = ["app", "db", "cache", "queue"];
const NARROW = 520;

const rounded = (value) => (value >= 99.95 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toFixed(1));

function duration(ms) {
  if (ms == null) return "\u2013";
  if (ms < 0.1) return `${Number(ms.toPrecision(2))} ms`;
  if (ms < 999.5) return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
  if (ms < 1e5) return `${(ms / 1e3).toFixed(1)} s`;
  if (ms < 6e6) return `${(ms / 6e4).toFixed(1)} min`;
  return `${(ms / 3.6e6).toFixed(1)} h`;
}

// A latency on an axis, where "1 s" is enough.
const tick = (ms) => duration(ms).replace(/\.0(?= )/, "");

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function keys(items, more = "") {
  return element("ul", { class: `keys ${more}` }, ...items.map(([color, text, isLine]) => {
    const picture = document.createElementNS(SVG, "svg");
    const shape = document.createElementNS(SVG, isLine ? "line" : "rect");
    const look = isLine
      ? { x1: 0, x2: 14, y1: 7, y2: 7, stroke: color, "stroke-width": 2, "stroke-dasharray": isLine }
      : { width: 14, height: 14, rx: 2, fill: color };
    for (const [key, value] of Object.entries(look)) shape.setAttribute(key, value);
    picture.setAttribute("viewBox", "0 0 14 14");
    picture.setAttribute("aria-hidden", "true");
    picture.append(shape);
    return element("li", {}, picture, text);
  }));
}

const countKeys = (hasDuplicates) => keys([
  ["var(--part-app)", data.words.distinct], ...(hasDuplicates ? [["var(--duplicates)", data.words.duplicates]] : []),
]);

function drawn(width, options) {
  const svg = Plot.plot({ width, className: "drawing", marginTop: 24, marginRight: 8, ...options });
  // Plot brings a style element, which the page's policy refuses; plots.css holds the same rules.
  for (const style of svg.querySelectorAll("style")) style.remove();
  // The element around it has the name; what is inside is in the table.
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

// --- When they come into view ----------------------------------------------------------------------------------------

const known = {};

// `draw(width, of)` returns the elements of a plot, `table(of)`, where the page has none, its table.
function add(name, draw, table) {
  known[name] = { draw, table };
}

// A plot inside closed details has no width: it is drawn when they open, and again when the width changes.
const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const width = Math.floor(contentRect.width);
    if (width < 1 || target.dataset.width === String(width)) continue;
    target.dataset.width = width;
    const { plot, of } = target.parentElement.dataset;
    target.replaceChildren(...known[plot].draw(width, of));
  }
});

function watch(figure) {
  observer.observe(figure.querySelector(".canvas"));
  const { plot, of } = figure.dataset;
  const details = figure.querySelector("details.data");
  if (!known[plot].table || !details) return;
  const place = details.querySelector(".scroll");
  details.addEventListener("toggle", () => place.childElementCount || place.append(known[plot].table(of)), { once: true });
}

// By then every module has added its plots.
addEventListener("DOMContentLoaded", () => document.querySelectorAll("figure[data-plot]").forEach(watch));

// A link to something inside closed details opens them.
addEventListener("hashchange", () => document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest("details")?.setAttribute("open", ""));

globalThis.perfkit = { data, words: data.words, PARTS, NARROW, add, duration, rounded, tick, element, keys, countKeys, drawn };
