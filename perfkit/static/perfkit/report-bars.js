// The report's bars: one for each route, finding or change.
const { data, words, PARTS, NARROW, add, rounded, tick, keys, countKeys, drawn } = globalThis.perfkit;
const MOST_BARS = 25;

// Names stand left of their bars, or above them where it is narrow.
function rowsOf(width, shown) {
  const isNarrow = width < NARROW;
  const left = isNarrow ? 0 : Math.min(Math.max(...shown.map(({ label }) => label.length)) * 6.6 + 12, width * 0.42);
  return {
    left,
    options: {
      height: shown.length * (isNarrow ? 38 : 24) + 40,
      marginLeft: left,
      marginRight: 62,
      marginTop: isNarrow ? 18 : 6,
      marginBottom: 24,
      y: { type: "band", domain: shown.map((_, place) => place), axis: null, padding: isNarrow ? 0.55 : 0.3 },
    },
    names: Plot.text(shown, {
      ...(isNarrow ? { frameAnchor: "left" } : { frameAnchor: "left", dx: -8 }), y: (_, place) => place, text: "label", fill: "var(--ink)",
      textOverflow: "ellipsis-middle", lineWidth: (isNarrow ? width - 20 : left - 12) / 12, textAnchor: isNarrow ? "start" : "end", dy: isNarrow ? -17 : 0,
    }),
  };
}

function bars(width, rows, values, colors, format) {
  const shown = rows.slice(0, MOST_BARS);
  const { left, options, names } = rowsOf(width, shown);
  const flat = shown.flatMap((row, place) => values(row).map((value, part) => ({ place, part, value: value ?? 0 })));
  const sum = (row) => values(row).reduce((total, value) => total + (value ?? 0), 0);
  return drawn(width, {
    ...options,
    x: { label: null, tickFormat: format, ticks: Math.max(2, Math.round((width - left) / 110)), grid: true, zero: true, nice: true },
    marks: [
      Plot.barX(flat, { x: "value", y: "place", fill: ({ part }) => colors[part], order: "part", stroke: "var(--surface)", strokeWidth: 0.5 }),
      Plot.ruleX([0], { stroke: "var(--ink-soft)" }),
      Plot.text(shown, { x: sum, y: (_, place) => place, text: (row) => format(sum(row)), textAnchor: "start", dx: 5, fill: "var(--ink-soft)" }),
      names,
    ],
  });
}

function time(width) {
  const used = PARTS.filter((_, part) => data.routes.some((row) => row.parts[part] > 0));
  return [
    keys(used.map((part) => [`var(--part-${part})`, words[part]])),
    bars(width, data.routes, (row) => row.parts, PARTS.map((part) => `var(--part-${part})`), tick),
  ];
}

function statements(width) {
  const split = (row) => [Math.max((row.statements ?? 0) - (row.duplicates ?? 0), 0), row.duplicates ?? 0];
  return [
    countKeys(data.routes.some((row) => row.duplicates > 0)),
    bars(width, data.routes, split, ["var(--part-app)", "var(--duplicates)"], rounded),
  ];
}

const findings = (width) => [
  bars(width, data.findings.map((row, place) => ({ ...row, label: `${place + 1}. ${row.label}` })), (row) => [row.cost], ["var(--part-app)"], tick),
];

const share = (value) => `${value > 0 ? "+" : ""}${Math.round(value * 100)} %`;

function changes(width) {
  const shown = data.changes.slice(0, MOST_BARS);
  const { left, options, names } = rowsOf(width, shown);
  const place = (_, index) => index;
  const color = ({ isWorse }) => (isWorse ? "var(--bad)" : "var(--good)");
  return [
    drawn(width, {
      ...options,
      x: { label: null, tickFormat: share, ticks: Math.max(2, Math.round((width - left) / 90)), grid: true, zero: true, nice: true },
      marks: [
        Plot.ruleX([0], { stroke: "var(--ink-soft)" }),
        Plot.barX(shown, { x1: "low", x2: "high", y: place, fill: color, fillOpacity: 0.25, rx: 2 }),
        Plot.tickX(shown, { x: "change", y: place, stroke: color, strokeWidth: 3 }),
        Plot.text(shown, { x: "high", y: place, text: ({ change }) => share(change), textAnchor: "start", dx: 5, fill: "var(--ink-soft)" }),
        names,
      ],
    }),
  ];
}

add("time", time);
add("statements", statements);
add("findings", findings);
add("changes", changes);
