// The page of a capture by cProfile: a table that sorts and filters, and the callers and callees of a function.
import { data, words, say, duration, element, count } from "./capture-words.js";
import { head, lines } from "./capture-source.js";

const table = document.querySelector("[data-calls]");
const body = table.tBodies[0];
const mine = document.querySelector("[data-mine]");
const search = document.querySelector("[data-search]");
const status = document.querySelector("[data-status]");
const place = document.querySelector("[data-detail]");

const frames = data.frames.map(([name, file, line, owner, isTemplate]) => ({ name, file, line, owner, isTemplate }));
const rows = [...body.rows];
const at = (row) => Number(row.dataset.place);

const sortValues = {
  name: (row) => frames[at(row)].name,
  calls: (row) => data.calls[at(row)][0],
  own: (row) => data.calls[at(row)][2],
  total: (row) => data.calls[at(row)][3],
  each: (row) => data.calls[at(row)][3] / (data.calls[at(row)][1] || 1),
};

function sort(cell) {
  const isText = cell.dataset.sort === "name";
  const was = cell.getAttribute("aria-sort");
  const isDown = was ? was === "ascending" : !isText;
  for (const each of table.querySelectorAll("[aria-sort]")) each.removeAttribute("aria-sort");
  cell.setAttribute("aria-sort", isDown ? "descending" : "ascending");
  const value = sortValues[cell.dataset.sort];
  const compare = isText ? (one, other) => value(one).localeCompare(value(other)) : (one, other) => value(one) - value(other);
  rows.sort((one, other) => (isDown ? -1 : 1) * compare(one, other));
  body.append(...rows);
}

// A button in each head sorts; it is made here, because without scripts it would do nothing.
for (const cell of table.querySelectorAll("[data-sort]")) {
  const button = element("button", { type: "button", class: "sorter" }, ...cell.childNodes);
  cell.replaceChildren(button);
  button.addEventListener("click", () => sort(cell));
}

function filter() {
  const text = search.value.trim().toLowerCase();
  let hidden = 0;
  let found = 0;
  for (const row of rows) {
    const frame = frames[at(row)];
    const isForeign = mine.checked && frame.owner !== "site";
    const fits = !text || `${frame.name}\n${frame.file}`.toLowerCase().includes(text);
    hidden += isForeign;
    found += fits && !isForeign;
    row.hidden = isForeign || !fits;
  }
  const told = hidden ? say("hidden", { count: count(hidden) }) : "";
  status.textContent = text && !found ? [words.noMatch, told].filter(Boolean).join("; ") : told;
}

const related = (title, list) => [
  element("h4", {}, title),
  list.length
    ? element("ul", { class: "related" }, ...list.map(([other, calls, , total]) => {
      const button = element("button", { type: "button", class: "linked" }, frames[other].name);
      button.addEventListener("click", () => select(other));
      return element("li", {}, button, ` ${count(calls)} × `, duration(total));
    }))
    : element("p", { class: "aside" }, words.nobody),
];

function select(which) {
  place.querySelector("[data-none]").hidden = true;
  const [calls, , own, total] = data.calls[which];
  const callees = data.callers.flatMap((callers, callee) => callers.filter(([caller]) => caller === which).map(([, ...rest]) => [callee, ...rest]))
    .sort((one, other) => other[3] - one[3]);
  const facts = [`${words.calls} ${count(calls)}`, duration(total), say("own", { time: duration(own) })];
  place.querySelector("[data-lines]").replaceChildren(
    ...head(frames[which], facts), ...related(words.called, data.callers[which]), ...related(words.calls, callees),
    lines(frames[which], new Map()),
  );
  for (const row of rows) row.classList.toggle("chosen", at(row) === which);
  for (const button of body.querySelectorAll("[aria-pressed]")) button.setAttribute("aria-pressed", String(at(button.closest("tr")) === which));
}

for (const row of rows) {
  const button = element("button", { type: "button", class: "linked", "aria-pressed": "false" }, ...row.querySelector("[data-name]").childNodes);
  row.querySelector("[data-name]").replaceChildren(button);
  button.addEventListener("click", () => select(at(row)));
}

for (const each of document.querySelectorAll("[data-script]")) each.hidden = false;
mine.addEventListener("change", filter);
search.addEventListener("input", filter);
filter();
