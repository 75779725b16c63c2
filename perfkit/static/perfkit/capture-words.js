// What every module of a capture's page shares: its data, its words, figures in words, elements.
export const data = JSON.parse(document.getElementById("plot-data").textContent);
export const words = data.words;

export const say = (name, values = {}) =>
  Object.entries(values).reduce((text, [key, value]) => text.replaceAll(`{${key}}`, () => value), words[name]);

export function duration(ms) {
  if (ms < 0.1) return ms ? `${Number(ms.toPrecision(2))} ms` : "0 ms";
  if (ms < 999.5) return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
  if (ms < 1e5) return `${(ms / 1e3).toFixed(1)} s`;
  return `${(ms / 6e4).toFixed(1)} min`;
}

export const count = (number) => number.toLocaleString(document.documentElement.lang || "en");

export function share(part, whole) {
  if (!whole || !part) return "0 %";
  const percent = (part / whole) * 100;
  return percent < 1 ? "<1 %" : `${Math.round(percent)} %`;
}

export const where = ({ file, line }) => (file && line ? `${file}:${line}` : file);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
