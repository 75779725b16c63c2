// One request that was kept: what it did when. Its table stands below it in the page.
const { data, words, add, duration, tick, keys, drawn } = globalThis.perfkit;

function timeline(width, of) {
  const { end, entries } = data.requests[of];
  const rows = entries.map(([start, took, part, text, times], index) => ({ number: index + 1, start, took, part, text, times }));
  const used = [...new Set(rows.map(({ part }) => part))];
  const last = Math.max(end, ...rows.map(({ start, took }) => start + took));
  // What took no time to see still shows where it was.
  const least = (last * 2) / width;
  return [
    keys(used.map((part) => [`var(--part-${part})`, words[part]])),
    drawn(width, {
      height: rows.length * 16 + 36,
      marginLeft: 28,
      marginTop: 6,
      x: { domain: [0, last], label: null, tickFormat: tick, ticks: Math.max(2, Math.round(width / 110)), grid: true },
      y: { type: "band", domain: rows.map(({ number }) => number), label: null, tickSize: 0, padding: 0.25 },
      marks: [
        Plot.barX(rows, { x1: "start", x2: ({ start, took }) => start + Math.max(took, least), y: "number", fill: ({ part }) => `var(--part-${part})`, rx: 1 }),
        Plot.ruleX([end], { stroke: "var(--ink-soft)", strokeDasharray: "2 2" }),
        Plot.tip(rows, Plot.pointerY({
          x: ({ start, took }) => start + took / 2, y: "number", lineWidth: 30,
          title: ({ start, took, text, times }) => `${times > 1 ? `${times} \u00d7 ` : ""}${text}\n${tick(start)} + ${duration(took)}`,
        })),
      ],
    }),
  ];
}

add("timeline", timeline);
