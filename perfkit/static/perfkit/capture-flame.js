// The flame graph, drawn by d3-flame-graph, and the lanes of statements on the same line of time below it.
import { flamegraph, select } from "./vendor/flamegraph.js";
import { data, words, say, duration, share, where, element, count } from "./capture-words.js";

const ROW = 20;
// Narrower frames are not drawn; the tree has them.
const LEAST_PIXELS = 0.6;
const SVG = "http://www.w3.org/2000/svg";
const LANE = 16;

const kind = ({ owner, isTemplate }) => (isTemplate ? "template" : owner);

export const counted = ({ samples }) => (samples === 1 ? words.sample : samples ? say("samples", { count: count(samples) }) : "");

export const told = (node, whole) =>
  [
    node.name,
    node.frame && where(node.frame),
    node.frame && words[kind(node.frame)],
    `${duration(node.value)}, ${say("ofAll", { share: share(node.value, whole) })}`,
    node.own ? say("own", { time: duration(node.own) }) : null,
    counted(node),
  ].filter(Boolean).join("\n");

// The colors are custom properties, so that a change of theme needs no drawing.
function color(node, found) {
  if (node.isGap) return "none";
  if (found.has(node)) return "var(--frame-match)";
  return node.frame ? `var(--frame-${kind(node.frame)})` : "var(--frame-root)";
}

const depthOf = (tree) => {
  let deepest = 0;
  const todo = [[tree, 1]];
  while (todo.length) {
    const [node, depth] = todo.pop();
    deepest = Math.max(deepest, depth);
    for (const child of node.children) todo.push([child, depth + 1]);
  }
  return deepest;
};

// How deep it goes before anything forks or is the site's own: the handlers and middleware of every request.
function firstFork(tree) {
  let node = tree;
  for (let depth = 0; ; depth++) {
    const calls = node.children.filter((each) => !each.isGap);
    if (node.frame?.owner === "site" || calls.length !== 1) return depth;
    node = calls[0];
  }
}

// Draws trees into a place; onZoom is told which node fills the width now.
export function flame(place, lanes, onZoom) {
  let tree, chart, found = new Set(), top, isOrdered = false, silent = false;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  function draw() {
    const width = Math.floor(place.clientWidth);
    if (!tree || width < 1) return;
    chart?.destroy();
    place.replaceChildren();
    chart = flamegraph()
      .width(width)
      .height(depthOf(tree) * ROW)
      .cellHeight(ROW)
      .inverted(true)
      .sort(false)
      .minFrameSize(LEAST_PIXELS)
      .transitionDuration(still ? 0 : 200)
      .getName(({ data: node }) => node.name)
      .label(({ data: node }) => (node.isGap ? "" : told(node, tree.value)))
      .setColorMapper(({ data: node }) => color(node, found))
      .onClick(({ data: node }) => !silent && zoomed(node.isGap ? tree : node));
    select(place).datum(tree).call(chart);
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    settle();
    if (top !== tree) go(top);
    else place.parentElement.scrollTop = (firstFork(tree) - 3) * ROW;
    drawLanes(width);
  }

  // The library lets new frames grow for a quarter of a second, whatever it is told: only zooming shall move.
  function settle() {
    select(place).selectAll("g.frame").each(function () {
      const rect = select(this).select("rect").interrupt();
      rect.attr("width", this.getAttribute("width"));
    });
  }

  // Zooming tells the graph; the graph tells by onClick, which is silent here.
  function go(node) {
    let wanted;
    select(place).datum().each((each) => { if (each.data === node) wanted = each; });
    if (!wanted) return;
    silent = true;
    chart.zoomTo(wanted);
    silent = false;
    if (still) settle();
  }

  function zoomed(node) {
    top = node;
    if (still) settle();
    drawLanes(Math.floor(place.clientWidth));
    onZoom(node);
  }

  function drawLanes(width) {
    lanes.hidden = !isOrdered || !data.spans.length;
    if (lanes.hidden || width < 1) return;
    const from = top.start ?? 0;
    const wide = top.v ?? top.value;
    const scale = width / (wide || 1);
    const svg = document.createElementNS(SVG, "svg");
    const kinds = ["db", "cache"].filter((each) => data.spans.some(([of]) => of === each));
    const set = (made, attributes) => {
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      return made;
    };
    set(svg, { width, height: kinds.length * LANE + 22, "aria-hidden": "true" });
    for (const [of, start, took, text] of data.spans) {
      const x = Math.max((start - from) * scale, 0);
      const end = Math.min((start + took - from) * scale, width);
      if (end < 0 || x > width) continue;
      const bar = set(document.createElementNS(SVG, "rect"), {
        x: x.toFixed(2), y: kinds.indexOf(of) * LANE + 3, width: Math.max(end - x, 1.5).toFixed(2), height: LANE - 4, rx: 1, class: `span-${of}`,
      });
      const title = document.createElementNS(SVG, "title");
      title.textContent = `${words[of]}: ${text}\n${duration(start)} + ${duration(took)}`;
      bar.append(title);
      svg.append(bar);
    }
    const ticks = Math.max(2, Math.round(width / 130));
    for (let at = 0; at <= ticks; at++) {
      const label = set(document.createElementNS(SVG, "text"), {
        x: ((width * at) / ticks).toFixed(1), y: kinds.length * LANE + 17,
        "text-anchor": at === 0 ? "start" : at === ticks ? "end" : "middle", class: "tick",
      });
      label.textContent = duration(from + (wide * at) / ticks);
      svg.append(label);
    }
    lanes.replaceChildren(svg, element("ul", { class: "keys" }, ...kinds.map((each) => element("li", {}, element("i", { class: `swatch ${each}` }), words[each]))));
  }

  new ResizeObserver(([{ contentRect }]) => {
    if (place.dataset.width === String(Math.floor(contentRect.width))) return;
    place.dataset.width = Math.floor(contentRect.width);
    draw();
  }).observe(place);

  return {
    show(newTree, { timeOrder }) {
      tree = top = newTree;
      found = new Set();
      isOrdered = timeOrder;
      draw();
    },
    find(nodes) {
      found = nodes;
      chart?.update();
      if (still) settle();
    },
    zoom(node) {
      top = node;
      go(node);
      drawLanes(Math.floor(place.clientWidth));
    },
  };
}
