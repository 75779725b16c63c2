// The cache advice of one route: what each timeout would come to. Its table stands below it in the page.
const { data, words, NARROW, add, keys, drawn } = globalThis.perfkit;

const percent = (share) => `${(share * 100).toFixed(1)} %`;

function cache(width, of) {
  const { rows, advised } = data.cache[of];
  const cells = rows.map(([timeout, hits, stale]) => ({ timeout, hits, stale }));
  const line = (y, stroke, strokeDasharray) => Plot.lineY(cells, { x: "timeout", y, stroke, strokeWidth: 2, strokeDasharray, marker: "dot" });
  return [
    keys([
      ["var(--part-app)", words.hits, "none"], ["var(--line)", words.stale, "5 3"],
      ...(advised === null ? [] : [["var(--mark)", words.advised, "4 3"]]),
    ]),
    drawn(width, {
      height: width < NARROW ? 180 : 220,
      marginLeft: 48,
      marginRight: 24,
      x: { type: "point", domain: cells.map(({ timeout }) => timeout), label: null, tickSize: 0, padding: 0.3 },
      y: { domain: [0, 1], label: null, grid: true, ticks: 5, tickFormat: (share) => `${Math.round(share * 100)} %` },
      marks: [
        Plot.ruleY([0], { stroke: "var(--ink-soft)" }),
        ...(advised === null ? [] : [Plot.ruleX([advised], { stroke: "var(--mark)", strokeWidth: 1.5, strokeDasharray: "4 3" })]),
        line("stale", "var(--line)", "5 3"),
        line("hits", "var(--part-app)"),
        Plot.tip(cells, Plot.pointerX({
          x: "timeout", y: "hits",
          title: ({ timeout, hits, stale }) => `${timeout}\n${words.hits}: ${percent(hits)}\n${words.stale}: ${percent(stale)}`,
        })),
      ],
    }),
  ];
}

add("cache", cache);
