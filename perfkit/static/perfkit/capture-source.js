// The lines of the selected function as they were at the capture, with the time at each.
import { data, words, say, duration, share, where, element, count } from "./capture-words.js";

// Lines without time shown around those with it, and lines shown at most.
const AROUND = 3;
const MOST_LINES = 80;

export function lines(frame, times) {
  const recorded = (Object.hasOwn(data.source, frame.file) && data.source[frame.file]) || {};
  const known = Object.keys(recorded).map(Number).sort((one, other) => one - other);
  const hot = [...times.keys()].filter((line) => line > 0);
  const near = (line) => hot.some((each) => Math.abs(each - line) <= AROUND) || line === frame.line;
  const shown = [...new Set([...known.filter(near), ...hot])].sort((one, other) => one - other).slice(0, MOST_LINES);
  if (!frame.file) return element("p", { class: "aside" }, words.noCode);
  if (!shown.some((line) => line in recorded)) return element("p", { class: "aside" }, words.noSource);
  const most = Math.max(...times.values(), 0);
  const rows = shown.map((line) => {
    const took = times.get(line) ?? 0;
    const row = element(
      "tr", { class: took && took > most / 2 ? "hot" : null },
      element("th", { scope: "row", class: "number" }, String(line)),
      element("td", { class: "number" }, took ? duration(took) : ""),
      element("td", {}, element("code", {}, recorded[line] ?? "")),
    );
    return row;
  });
  return element(
    "div", { class: "scroll source", tabindex: "0", role: "group", "aria-label": words.code },
    element("table", {},
      element("thead", {}, element("tr", {}, ...[words.line, words.time, words.code].map((text, place) => element("th", { scope: "col", class: place < 2 ? "number" : null }, text)))),
      element("tbody", {}, ...rows)),
  );
}

export function head(frame, facts) {
  return [
    element("p", { class: "selected-name" }, element("code", {}, frame.name)),
    element("p", { class: "aside" }, [where(frame), words[frame.isTemplate ? "template" : frame.owner], ...facts].filter(Boolean).join(" · ")),
  ];
}

// Fills the place for what is selected, of the stacks' page.
export function detail(place, whole) {
  const none = place.querySelector("[data-none]");
  const into = place.querySelector("[data-lines]");
  return (node) => {
    none.hidden = true;
    const facts = [`${duration(node.value)}, ${say("ofAll", { share: share(node.value, whole()) })}`, say("own", { time: duration(node.own) }),
      node.samples === 1 ? words.sample : node.samples ? say("samples", { count: count(node.samples) }) : ""];
    into.replaceChildren(...head(node.frame, facts), lines(node.frame, node.lines));
  };
}
