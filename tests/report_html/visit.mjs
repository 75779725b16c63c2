// Opens a report in Chromium as its readers do, and prints as JSON what it found. Arguments: the report, a hostile one,
// a folder to write a PDF into. What is right is judged in test_browser.py; nothing is asserted here.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.NODE_PACKAGES);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [plain, hostile, folder] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// What a page complained of, asked for and was refused, over all visits.
const complaints = [];
const requests = [];

async function open(file, options = {}, { wide = true } = {}) {
  const context = await browser.newContext({ viewport: { width: wide ? 1280 : 360, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("request", (request) => requests.push(request.url()));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective} ${event.sample}`));
  });
  await page.goto(pathToFileURL(file).href);
  return page;
}

// Plots are drawn when the browser has measured their places: two frames later.
const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const unfold = async (page) => {
  await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
  await settled(page);
  await settled(page);
};
// One of each kind is enough for axe-core, whose time grows with the cells of the tables.
const unfoldFirst = async (page) => {
  await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = !each.closest("ol.routes > li + li"))));
  await settled(page);
  await settled(page);
};
const widths = (page) => page.evaluate(() => ({ page: document.documentElement.scrollWidth, window: innerWidth }));
const axe = async (page) => {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
};
const color = (page, selector, property) => page.locator(selector).first().evaluate((element, name) => getComputedStyle(element)[name], property);

const found = {};

{
  const page = await open(plain, { permissions: ["clipboard-read", "clipboard-write"] });
  await settled(page);
  found.title = await page.title();
  found.drawn = await page.evaluate(() => [...document.querySelectorAll("figure[data-plot]")].map((figure) => ({
    plot: figure.dataset.plot, of: figure.dataset.of ?? "", shapes: figure.querySelectorAll("svg.drawing rect, svg.drawing path").length,
    visible: figure.checkVisibility(),
  })));
  found.marks = await page.locator("#over-time figure svg.drawing g[aria-label=rule] line").count();
  await page.locator("button[data-copy]").first().click();
  await page.locator("#said:has-text('Copied')").waitFor({ state: "attached" });
  found.copied = await page.evaluate(() => navigator.clipboard.readText());

  // From the top of the page with the keyboard alone: to the first route, in, to its first kept request, in.
  await page.reload();
  await page.keyboard.press("Tab");
  found.firstStop = await page.evaluate(() => document.activeElement.className);
  const tabTo = async (selector) => {
    for (let stops = 1; stops < 300; stops++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return stops;
    }
    return null;
  };
  found.keyboard = { route: await tabTo("details.route > summary") };
  found.keyboard.outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  await page.keyboard.press("Enter");
  await settled(page);
  found.keyboard.opened = await page.evaluate(() => document.activeElement.parentElement.open);
  found.keyboard.drawn = await page.locator("details.route[open] svg.drawing").count();
  found.keyboard.table = await tabTo("details.route[open] details.data > summary");
  await page.keyboard.press("Space");
  await settled(page);
  found.keyboard.rows = await page.locator("details.route[open] details.data[open] tbody tr").count();
  found.keyboard.kept = await tabTo("details.kept > summary");
  await page.keyboard.press("Enter");
  await settled(page);
  found.keyboard.timeline = await page.locator("details.kept[open] svg.drawing g[aria-label=bar] rect").count();

  await unfold(page);
  found.tables = await page.evaluate(() => [...document.querySelectorAll("figure[data-plot][data-of] details.data table")].map((table) => ({
    plot: table.closest("figure").dataset.plot, of: table.closest("figure").dataset.of,
    heads: [...table.querySelectorAll("thead th")].map((cell) => cell.textContent),
    rows: [...table.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent)),
  })));
  found.spread = await widths(page);

  // The pointer on a plot tells what the table says there.
  const plot = page.locator("#over-time svg.drawing").first();
  await plot.scrollIntoViewIfNeeded();
  const cell = await plot.locator("g[aria-label=rect] rect").first().boundingBox();
  await page.mouse.move(cell.x + cell.width / 2, cell.y + cell.height / 2);
  await page.locator("#over-time g[aria-label=tip] text").first().waitFor({ state: "attached" });
  found.tip = await page.locator("#over-time g[aria-label=tip] text").first().textContent();

  // The theme: its button goes round, and the choice lasts.
  const before = await color(page, "html", "backgroundColor");
  await page.locator("[data-theme-switch]").click();
  await page.locator("[data-theme-switch]").click();
  const dark = await color(page, "html", "backgroundColor");
  await page.reload();
  found.theme = { before, dark, after: await color(page, "html", "backgroundColor"), name: await page.locator("[data-theme-name]").textContent() };
  await page.context().close();
}

found.axe = {};
for (const colorScheme of ["light", "dark"]) {
  const page = await open(plain, { colorScheme });
  await unfoldFirst(page);
  found.axe[colorScheme] = await axe(page);
  await page.context().close();
}

{
  const page = await open(plain, {}, { wide: false });
  await settled(page);
  found.narrow = { closed: await widths(page) };
  await unfoldFirst(page);
  found.narrow.axe = await axe(page);
  await unfold(page);
  found.narrow.open = await widths(page);
  found.narrow.drawn = await page.locator("svg.drawing").count();
  await page.context().close();
}

{
  const page = await open(plain, { colorScheme: "dark", reducedMotion: "no-preference" });
  const moving = await color(page, "button", "transitionDuration");
  await page.emulateMedia({ reducedMotion: "reduce", colorScheme: "dark" });
  found.motion = { moving, reduced: await color(page, "button", "transitionDuration"), scroll: await color(page, "html", "scrollBehavior") };
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  found.print = {
    background: await color(page, "html", "backgroundColor"), text: await color(page, "body", "color"),
    buttons: await page.locator("button:visible").count(), plots: await page.locator("svg.drawing:visible").count(),
    edits: await page.locator(".edit pre:visible").count(), scroll: await color(page, ".routes-table .scroll", "overflowX"),
  };
  await page.pdf({ path: `${folder}/report.pdf`, format: "A4", printBackground: true });
  await page.context().close();
}

{
  const page = await open(plain, { forcedColors: "active", colorScheme: "dark" });
  await settled(page);
  found.forced = {
    active: await page.evaluate(() => matchMedia("(forced-colors: active)").matches),
    heat: await page.evaluate(() => [...new Set([...document.querySelectorAll("#over-time g[aria-label=rect] rect")].map((each) => getComputedStyle(each).fill))].length),
    surface: await color(page, ".plot", "backgroundColor"), page: await color(page, "html", "backgroundColor"),
  };
  await page.context().close();
}

{
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 900 } });
  const page = await context.newPage();
  await page.goto(pathToFileURL(plain).href);
  found.scriptless = {
    told: await page.locator("noscript p").isVisible(), edit: await page.locator(".edit code").first().textContent(),
    buttons: await page.locator("button:visible").count(),
  };
  await page.locator("details.route > summary").first().click();
  found.scriptless.kept = await page.locator("details.route[open] details.kept").first().isVisible();
  await context.close();
}

{
  const page = await open(hostile);
  await unfold(page);
  found.hostile = {
    hacked: await page.evaluate(() => "hacked" in globalThis), images: await page.locator("img").count(),
    shown: await page.locator("details.route .name").first().textContent(), plots: await page.locator("svg.drawing").count(), wide: await widths(page),
  };
  await page.context().close();
  const narrow = await open(hostile, {}, { wide: false });
  await unfold(narrow);
  found.hostile.narrow = await widths(narrow);
  await narrow.context().close();
}

await browser.close();
console.log(JSON.stringify({ ...found, complaints, requests }));
