// The page of a capture with stacks: one tree at a time, in the graph and in the grid.
import { data, words, say, duration, share, count } from "./capture-words.js";
import { framesOf, summed, reversed, ordered, matching } from "./capture-trees.js";
import { flame } from "./capture-flame.js";
import { grid } from "./capture-grid.js";
import { detail } from "./capture-source.js";

const root = document.querySelector("[data-stacks]");
const find = (selector) => root.querySelector(selector);
const mine = find("[data-mine]");
const search = find("[data-search]");
const reset = find("[data-reset]");
const status = find("[data-status]");
const orders = [...root.querySelectorAll('input[name="order"]')];

const frames = { mine: framesOf(data.mine), all: framesOf(data.all) };
const makers = { summed, reversed, ordered };
let tree;

const rooted = (node) => (node.parent ? node : tree);

function tell(node) {
  reset.disabled = node === tree;
  const told = say("shown", { name: node.name, time: duration(node.value), share: share(node.value, tree.value) });
  const whole = tree.cut ? say("cut", { count: count(tree.cut) }) : words.whole;
  status.textContent = node === tree ? whole : told;
}

const show = detail(find("[data-detail]"), () => tree.value);
const rows = grid(find("[data-grid]"), {
  onSelect: show,
  onZoom: (node) => {
    picture.zoom(node);
    tell(node);
  },
});
const picture = flame(find("[data-flame]"), find("[data-lanes]"), (node) => {
  tell(rooted(node));
  rows.select(node);
});

function lookFor() {
  const text = search.value;
  const { found, time, all } = matching(tree, text);
  picture.find(found);
  rows.find(found);
  if (!text.trim()) return tell(tree);
  status.textContent = found.size ? say("matches", { count: count(found.size), all: count(all), time: duration(time) }) : words.noMatch;
}

function build() {
  const order = orders.find(({ checked }) => checked).value;
  const variant = mine.checked ? "mine" : "all";
  tree = makers[order](data[variant], frames[variant], data.name || words.everything, data.durationMs);
  for (const each of root.querySelectorAll("[data-told]")) each.hidden = each.dataset.told !== order;
  const options = { timeOrder: order === "ordered" };
  picture.show(tree, options);
  rows.show(tree, options);
  tell(tree);
  if (search.value) lookFor();
  if (!tree.children.some((each) => !each.isGap)) status.textContent = data.all.nodes.length ? words.nothingMine : words.nothing;
}

root.hidden = false;
for (const each of orders) each.addEventListener("change", build);
mine.addEventListener("change", build);
search.addEventListener("input", lookFor);
reset.addEventListener("click", () => {
  picture.zoom(tree);
  tell(tree);
});
build();
