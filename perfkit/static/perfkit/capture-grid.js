// The call tree as a tree grid: what the flame graph shows, row by row, for the keyboard and for screen readers.
// Rows are made when their caller opens, so that a tree of thousands of nodes costs what is seen of it.
import { words, say, duration, share, where, element, count } from "./capture-words.js";

const MOST_CHILDREN = 100;
const MOST_INDENT = 14;
// So many rows stand open at first, along the heaviest way.
const FIRST_ROWS = 40;

export function grid(table, { onSelect, onZoom }) {
  const body = table.tBodies[0];
  const [fromHead, samplesHead] = ["[data-from]", "[data-samples]"].map((each) => table.querySelector(each));
  let tree, isOrdered = false, found = new Set();
  let nodeOf = new Map();
  let rowOf = new Map();
  let current = null;

  const shownChildren = (node) => node.children.filter((child) => !child.isGap);
  const level = (node) => {
    let depth = 0;
    for (let above = node.parent; above; above = above.parent) depth++;
    return depth;
  };

  function row(node, place, of) {
    const children = shownChildren(node);
    const name = element("span", { class: "frame-name" });
    const made = element("tr", {
      role: "row", tabindex: "-1", "aria-level": level(node), "aria-posinset": place, "aria-setsize": of,
      "aria-expanded": children.length ? "false" : null, "aria-selected": "false",
    });
    const site = where(node.frame);
    const first = element("td", { role: "gridcell" }, element("div", { class: "named" },
      element("span", { class: "twist", "aria-hidden": "true" }), element("span", {}, name, ...(site ? [" ", element("span", { class: "path aside" }, site)] : []))));
    // Through the object model: the page's policy refuses style attributes.
    first.style.setProperty("--indent", Math.min(level(node) - 1, MOST_INDENT));
    const cell = (text, kind = "number") => element("td", { role: "gridcell", class: kind }, text);
    made.append(
      first,
      ...(isOrdered ? [cell(duration(node.start ?? 0))] : []),
      cell(duration(node.value)), cell(share(node.value, tree.value)), cell(node.own ? duration(node.own) : "\u2013"),
      ...(isOrdered ? [] : [cell(count(node.samples))]), cell(words[node.frame.isTemplate ? "template" : node.frame.owner] ?? "", "whose"),
    );
    nodeOf.set(made, node);
    rowOf.set(node, made);
    mark(node);
    return made;
  }

  function mark(node) {
    const name = rowOf.get(node).querySelector(".frame-name");
    name.replaceChildren(found.has(node) ? element("mark", {}, node.name) : node.name);
  }

  const isOpen = (made) => made.getAttribute("aria-expanded") === "true";

  function rowsOf(parent) {
    const children = shownChildren(parent);
    const rows = children.slice(0, MOST_CHILDREN).map((child, place) => row(child, place + 1, children.length));
    if (children.length > MOST_CHILDREN) {
      const text = say("more", { count: count(children.length - MOST_CHILDREN), name: parent.name });
      const button = element("button", { type: "button", tabindex: "-1" }, text);
      const more = element("tr", { role: "row", class: "more-rows", tabindex: "-1", "aria-level": level(parent) + 1 }, element("td", { role: "gridcell", colspan: 6 }, button));
      button.addEventListener("click", () => {
        const rest = children.slice(MOST_CHILDREN).map((child, place) => row(child, MOST_CHILDREN + place + 1, children.length));
        more.replaceWith(...rest);
        focus(rest[0]);
      });
      rows.push(more);
    }
    return rows;
  }

  function open(made) {
    if (made.getAttribute("aria-expanded") !== "false") return;
    made.setAttribute("aria-expanded", "true");
    made.after(...rowsOf(nodeOf.get(made)));
  }

  function close(made) {
    if (!isOpen(made)) return;
    made.setAttribute("aria-expanded", "false");
    const depth = Number(made.ariaLevel);
    for (let next = made.nextElementSibling; next && Number(next.ariaLevel) > depth; next = made.nextElementSibling) {
      rowOf.delete(nodeOf.get(next));
      nodeOf.delete(next);
      next.remove();
    }
  }

  function focus(made, { quiet = false } = {}) {
    if (!made) return;
    if (current?.isConnected) current.tabIndex = -1;
    current = made;
    made.tabIndex = 0;
    if (!quiet) made.focus();
  }

  function select(made) {
    for (const each of body.querySelectorAll('[aria-selected="true"]')) each.setAttribute("aria-selected", "false");
    const node = nodeOf.get(made);
    if (!node) return;
    made.setAttribute("aria-selected", "true");
    onSelect(node);
  }

  const parentRow = (made) => {
    let above = made.previousElementSibling;
    while (above && Number(above.ariaLevel) >= Number(made.ariaLevel)) above = above.previousElementSibling;
    return above;
  };

  // Opens everything above a node and returns its row.
  function reveal(node) {
    const way = [];
    for (let each = node; each.parent; each = each.parent) way.unshift(each);
    for (const each of way) {
      if (!rowOf.has(each)) {
        const button = (each.parent.parent ? rowOf.get(each.parent) : body)?.parentElement?.querySelector(".more-rows button");
        button?.click();
      }
      const made = rowOf.get(each);
      if (!made) return null;
      if (each !== node) open(made);
    }
    return rowOf.get(node) ?? null;
  }

  const keys = {
    ArrowDown: (made) => focus(made.nextElementSibling),
    ArrowUp: (made) => focus(made.previousElementSibling),
    ArrowRight: (made) => (made.getAttribute("aria-expanded") === "false" ? open(made) : isOpen(made) && focus(made.nextElementSibling)),
    ArrowLeft: (made) => (isOpen(made) ? close(made) : focus(parentRow(made))),
    Home: () => focus(body.firstElementChild),
    End: () => focus(body.lastElementChild),
    PageDown: (made) => focus([...body.children][Math.min([...body.children].indexOf(made) + 10, body.children.length - 1)]),
    PageUp: (made) => focus([...body.children][Math.max([...body.children].indexOf(made) - 10, 0)]),
    " ": (made) => select(made),
    Enter: (made) => {
      const button = made.querySelector("button");
      if (button) return button.click();
      select(made);
      onZoom(nodeOf.get(made));
    },
  };

  body.addEventListener("keydown", (event) => {
    const made = event.target.closest("tr");
    if (!made || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key](made);
  });
  body.addEventListener("focusin", (event) => {
    const made = event.target.closest("tr");
    if (made && made !== current) focus(made, { quiet: true });
  });
  body.addEventListener("click", (event) => {
    const made = event.target.closest("tr");
    if (!made || event.target.closest("button")) return;
    focus(made);
    if (event.target.closest(".twist")) return isOpen(made) ? close(made) : open(made);
    select(made);
  });

  return {
    show(newTree, { timeOrder }) {
      [tree, isOrdered, found] = [newTree, timeOrder, new Set()];
      [nodeOf, rowOf, current] = [new Map(), new Map(), null];
      fromHead.hidden = !isOrdered;
      samplesHead.hidden = isOrdered;
      body.replaceChildren(...rowsOf(tree));
      for (let made = body.firstElementChild; made && body.children.length < FIRST_ROWS; ) {
        open(made);
        const children = shownChildren(nodeOf.get(made) ?? { children: [] });
        made = children.length ? rowOf.get(children.reduce((one, other) => (other.value > one.value ? other : one))) : null;
      }
      focus(body.firstElementChild, { quiet: true });
      // The handlers and middleware of every request stand above what is of interest.
      const own = [...body.rows].find((made) => nodeOf.get(made)?.frame.owner === "site") ?? body.firstElementChild;
      const scroller = table.parentElement;
      scroller.scrollTop = own ? own.offsetTop - body.offsetTop - 60 : 0;
    },
    find(nodes, most = 50) {
      const before = found;
      found = nodes;
      for (const node of before) if (rowOf.has(node)) mark(node);
      let left = most;
      for (const node of nodes) {
        if (left-- <= 0) break;
        reveal(node);
      }
      for (const node of nodes) if (rowOf.has(node)) mark(node);
    },
    select(node) {
      const made = node.parent && reveal(node);
      if (!made) return;
      focus(made, { quiet: true });
      made.scrollIntoView({ block: "nearest" });
      select(made);
    },
  };
}
