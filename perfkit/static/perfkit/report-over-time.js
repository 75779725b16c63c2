// The report's plots over time: latency as a heat map, parts of the time, statements; and the table of each.
const { data, words, PARTS, NARROW, add, duration, rounded, tick, element, keys, countKeys, drawn } = globalThis.perfkit;
const { series } = data;
const FEWEST_STEPS = 8;
const FEWEST_REQUESTS = 5;

const lineOf = (of) => (of === "whole" ? series.whole : series.routes[of - 1]);
const from = (step) => new Date(series.start + step * series.step);
const steps = () => Array.from({ length: series.steps }, (_, step) => step);
const within = (step) => data.marks.filter(([at]) => at >= +from(step) && at < +from(step + 1)).map(([, name]) => name);

const day = (date) => date.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const hour = (date) => date.toISOString().slice(11, 16);

// The date stands below the first hour of it; over many days there are dates alone.
function timeTick(date, index, dates) {
  if (series.step * series.steps > 4 * 864e5) return day(date);
  return index && day(dates[index - 1]) === day(date) ? hour(date) : `${hour(date)}\n${day(date)}`;
}

const timeAxis = (width) => ({
  type: "utc",
  // A few steps do not fill the width: nothing was there before them.
  domain: [from(Math.min(0, series.steps - FEWEST_STEPS)), from(series.steps)],
  label: null,
  tickFormat: timeTick,
  ticks: Math.max(3, Math.round(width / 90)),
});

function deploys(width) {
  const span = series.step * series.steps;
  let last = -Infinity;
  // A name is left off where it would cover the one before; the table has them all.
  const named = data.marks.filter(([at]) => {
    const free = at - last > (span * 70) / width;
    if (free) last = at;
    return free;
  });
  return [
    Plot.ruleX(data.marks, { x: ([at]) => new Date(at), stroke: "var(--mark)", strokeWidth: 1.5, strokeDasharray: "4 3" }),
    Plot.text(named, {
      x: ([at]) => new Date(at), text: ([, name]) => (name.length > 14 ? `${name.slice(0, 13)}\u2026` : name),
      frameAnchor: "top", dy: -8, lineAnchor: "bottom", fill: "var(--mark)", fontWeight: 600,
      textAnchor: ([at]) => (at - series.start > span * 0.85 ? "end" : "start"),
    }),
  ];
}

function heatClasses(most) {
  const limits = [];
  for (let step = 1; step < 6; step++) {
    const limit = Math.round(most ** (step / 6));
    if (limit > (limits.at(-1) ?? 0)) limits.push(limit);
  }
  const edges = [0, ...limits.filter((limit) => limit < most), most];
  // Few classes still reach from the palest to the strongest.
  return edges.slice(1).map((high, index) => ({
    low: edges[index] + 1, high, color: `var(--heat-${edges.length < 3 ? 4 : 1 + Math.round((index * 5) / (edges.length - 2))})`,
  }));
}

function heat(width, of) {
  const line = lineOf(of);
  const { bounds, counts } = line.heat;
  if (!bounds.length) return [];
  const cells = counts.flatMap((rows, step) => rows.flatMap((count, row) => (count ? [{ step, row, count }] : [])));
  const classes = heatClasses(Math.max(...cells.map((cell) => cell.count)));
  const color = (count) => classes.find((each) => count <= each.high).color;
  const low = Math.max(bounds[0], 0.001);
  const middle = (step) => new Date(+from(step) + series.step / 2);
  // The percentiles of a handful of requests jump about: the table has them, a line would say too much.
  const quantile = (name, options) => Plot.lineY(steps(), {
    x: middle, y: (step) => (line.requests[step] < FEWEST_REQUESTS ? NaN : line[name][step] ?? NaN), stroke: "var(--line)", strokeWidth: 2, ...options,
  });
  const dotted = series.steps === 1 ? { marker: "dot" } : {};
  const svg = drawn(width, {
    height: width < NARROW ? 220 : 260,
    marginLeft: 56,
    x: timeAxis(width),
    y: { type: "log", domain: [low, bounds.at(-1)], ticks: ticksOnLog(low, bounds.at(-1)), tickFormat: tick, label: null, grid: true },
    marks: [
      Plot.rect(cells, {
        x1: ({ step }) => from(step), x2: ({ step }) => from(step + 1), insetLeft: 0.5, insetRight: 0.5, insetTop: 0.5, insetBottom: 0.5,
        y1: ({ row }) => Math.max(bounds[row], low), y2: ({ row }) => bounds[row + 1], fill: ({ count }) => color(count),
      }),
      quantile("p50", { ...dotted }),
      quantile("p95", { strokeDasharray: "5 3", ...dotted }),
      ...deploys(width),
      Plot.tip(cells, Plot.pointer({
        x: ({ step }) => middle(step), y: ({ row }) => Math.sqrt(Math.max(bounds[row], low) * bounds[row + 1]),
        title: ({ step, row, count }) => [
          series.labels[step], `${duration(bounds[row])} \u2013 ${duration(bounds[row + 1])}: ${count.toLocaleString("en")}`,
          `p50 ${duration(line.p50[step])}, p95 ${duration(line.p95[step])}`,
        ].join("\n"),
      })),
    ],
  });
  const told = classes.map(({ low: least, high, color: fill }) => [
    fill, least === high ? `${high}` : `${least.toLocaleString("en")}\u2013${high.toLocaleString("en")}`,
  ]);
  return [keys([...told, ["var(--line)", words.p50, "none"], ["var(--line)", words.p95, "5 3"]], "heat-keys"), svg];
}

// 1, 2 and 5 of each power of ten where there is room for them, else the powers alone.
function ticksOnLog(low, high) {
  const powers = Array.from({ length: Math.ceil(Math.log10(high / low)) + 2 }, (_, index) => 10 ** (Math.floor(Math.log10(low)) + index));
  const factors = high / low > 2000 ? [1] : [1, 2, 5];
  return powers.flatMap((power) => factors.map((factor) => power * factor)).filter((value) => value >= low && value <= high);
}

function heatTable(of) {
  const line = lineOf(of);
  const { bounds } = line.heat;
  const bands = bounds.slice(1).map((bound) => `${words.upTo} ${tick(bound)}`);
  return table([words.requests, words.errors, words.p50, words.p95, words.p99, ...bands], (step) => [
    line.requests[step].toLocaleString("en"), line.errors[step].toLocaleString("en"),
    duration(line.p50[step]), duration(line.p95[step]), duration(line.p99[step]),
    ...bands.map((_, row) => line.heat.counts[step][row].toLocaleString("en")),
  ]);
}

function stackedOverTime(width, values, colors, format, title) {
  const rows = values.flatMap((each, part) => steps().map((step) => ({ step, part, value: each[step] ?? 0 })));
  const known = steps().filter((step) => values.some((each) => each[step] != null && each[step] > 0));
  const top = (step) => values.reduce((sum, each) => sum + (each[step] ?? 0), 0);
  return drawn(width, {
    height: width < NARROW ? 220 : 260,
    marginLeft: 56,
    x: timeAxis(width),
    y: { label: null, grid: true, tickFormat: format, ticks: 5, nice: true, zero: true },
    marks: [
      Plot.rectY(rows, {
        x1: ({ step }) => from(step), x2: ({ step }) => from(step + 1), y: "value", fill: ({ part }) => colors[part],
        z: "part", order: "part", insetLeft: 0.5, insetRight: 0.5, stroke: "var(--surface)", strokeWidth: 0.5,
      }),
      Plot.ruleY([0], { stroke: "var(--ink-soft)" }),
      ...deploys(width),
      Plot.tip(known, Plot.pointerX({ x: (step) => new Date(+from(step) + series.step / 2), y: top, title })),
    ],
  });
}

const perRequest = (line) => line.parts.map((sums) => sums.map((sum, step) => (line.requests[step] ? sum / line.requests[step] : null)));

function parts(width, of) {
  const values = perRequest(lineOf(of));
  // A cache or queue that nobody uses has no key either.
  const used = PARTS.filter((_, part) => values[part].some((value) => value > 0));
  const colors = PARTS.map((part) => `var(--part-${part})`);
  return [
    keys(used.map((part) => [`var(--part-${part})`, words[part]])),
    stackedOverTime(width, values, colors, tick, (step) => [
      series.labels[step], ...used.map((part) => `${words[part]} ${duration(values[PARTS.indexOf(part)][step])}`),
    ].join("\n")),
  ];
}

function partsTable(of) {
  const line = lineOf(of);
  const values = perRequest(line);
  const heads = [words.requests, ...PARTS.map((part) => `${words[part]}, ${words.each}`), ...PARTS.map((part) => `${words[part]}, ${words.all.toLowerCase()}`)];
  return table(heads, (step) => [
    line.requests[step].toLocaleString("en"), ...values.map((each) => duration(each[step])), ...line.parts.map((each) => duration(each[step])),
  ]);
}

const distinct = (line) => line.statements.map((value, step) => (value == null ? null : value - (line.duplicates[step] ?? 0)));

function counts(width, of) {
  const line = lineOf(of);
  const values = [distinct(line), line.duplicates];
  return [
    countKeys(line.duplicates.some((value) => value > 0)),
    stackedOverTime(width, values, ["var(--part-app)", "var(--duplicates)"], rounded, (step) =>
      [series.labels[step], `${words.statements} ${rounded(line.statements[step])}`, `${words.duplicates} ${rounded(line.duplicates[step] ?? 0)}`].join("\n")),
  ];
}

function countsTable(of) {
  const line = lineOf(of);
  const told = (value) => (value == null ? "\u2013" : rounded(value));
  return table([words.requests, words.statements, words.duplicates], (step) => [
    line.requests[step].toLocaleString("en"), told(line.statements[step]), told(line.duplicates[step]),
  ]);
}

function table(heads, cells) {
  const deploysHead = data.marks.length ? [words.deploys] : [];
  const head = element("tr", {}, ...[words.time, ...heads, ...deploysHead].map((text, index) => {
    const isText = index === 0 || (deploysHead.length && index === heads.length + 1);
    return element("th", { scope: "col", class: isText ? "" : "number" }, text);
  }));
  const rows = steps().map((step) => element("tr", {},
    element("th", { scope: "row", class: "when" }, series.labels[step]),
    ...cells(step).map((text) => element("td", { class: "number" }, text)),
    ...deploysHead.map(() => element("td", {}, within(step).join(", "))),
  ));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}

add("heat", heat, heatTable);
add("parts", parts, partsTable);
add("counts", counts, countsTable);
