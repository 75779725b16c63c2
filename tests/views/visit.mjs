// Opens the capture pages in Chromium as their readers do, and prints as JSON what it found. Argument: the site's address.
// What is right is judged in test_browser.py; nothing is asserted here.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_PACKAGES);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [site] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// What a page complained of, asked for and was refused, over all visits.
const complaints = [];
const requests = new Set();
const PAGES = {
  list: "/perfkit/", stacks: "/perfkit/captures/plain/", counts: "/perfkit/captures/counted/", hostile: "/perfkit/captures/hostile/",
  hostileCounts: "/perfkit/captures/hostile-counted/", large: "/perfkit/captures/large/", difference: "/perfkit/diff/plain/mended/?frames=all", kept: "/perfkit/requests/1/",
};

// A visit that hangs says where.
let at = "";
setTimeout(() => {
  console.error(`hung at ${at}`);
  process.exit(1);
}, 200_000).unref();

async function open(path, options = {}) {
  at = `${path} opened`;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.on("console", (message) => complaints.push(`${path} ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`${path} error: ${error.stack}`));
  page.on("request", (request) => requests.add(new URL(request.url()).origin));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective} ${event.sample}`));
  });
  await page.goto(site + path);
  await settled(page);
  return page;
}

// The graph is drawn when the browser has measured its place; what it moves is timed by itself.
const settled = async (page) => {
  at += " settled";
  await page.waitForFunction(() => (globalThis.turn = (globalThis.turn ?? 0) + 1) % 3 === 0); // asked once a frame
  await page.waitForFunction(() => [...document.querySelectorAll("[data-flame], .canvas")].every((each) => !each.checkVisibility() || each.querySelector("svg")));
};
const widths = (page) => page.evaluate(() => ({ page: document.documentElement.scrollWidth, window: innerWidth }));
const axe = async (page) => {
  at += " axe";
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
};
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
const rows = (page) => page.locator("[data-grid] tbody tr").evaluateAll((all) => all.map((row) => ({
  name: row.querySelector(".frame-name")?.textContent, level: Number(row.ariaLevel), cells: [...row.cells].map((cell) => cell.textContent), size: row.ariaSetSize, place: row.ariaPosInSet,
})));
const frames = (page) => page.locator("[data-flame] g.frame").evaluateAll((all) => all.filter((each) => each.querySelector("rect").getAttribute("fill") !== "none")
  .map((each) => each.querySelector("title").textContent.split("\n")));
const status = (page) => page.locator("[data-stacks] [data-status]").textContent();
const focused = (page) => page.evaluate(() => document.activeElement.querySelector(".frame-name")?.textContent ?? document.activeElement.outerHTML.slice(0, 120));
// Opens every row, callers first.
const openAll = async (page) => {
  await page.evaluate(() => {
    let row = document.querySelector("[data-grid] tbody tr");
    while (row) {
      row.querySelector(".twist")?.click();
      if (row.getAttribute("aria-expanded") === "false") row.querySelector(".twist").click();
      row = row.nextElementSibling;
    }
  });
};

const found = { axe: {}, widths: {} };

for (const [name, path] of Object.entries(PAGES)) {
  const page = await open(path);
  await unfold(page);
  if (name === "stacks") await page.locator("[data-grid] tbody tr").first().click();
  if (name === "counts") await page.locator("[data-calls] tbody tr:visible button").first().click();
  if (!name.startsWith("hostile")) {
    for (const colorScheme of name === "large" ? ["dark"] : ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      found.axe[`${name} ${colorScheme}`] = await axe(page);
    }
  }
  await page.setViewportSize({ width: 360, height: 800 });
  await settled(page);
  found.widths[name] = await widths(page);
  if (name !== "large") found.axe[`${name} narrow`] = await axe(page);
  found.hacked ||= await page.evaluate(() => "hacked" in globalThis || document.querySelector("img") !== null);
  await page.context().close();
}

// The graph and the tree hold the same, in each order, with and without foreign frames.
found.same = {};
{
  const page = await open(PAGES.stacks);
  for (const order of ["summed", "ordered", "reversed"]) {
    for (const mine of [true, false]) {
      await page.locator(`input[value=${order}]`).check();
      await page.locator("[data-mine]").setChecked(mine);
      await settled(page);
      const drawn = await frames(page);
      await openAll(page);
      found.same[`${order} ${mine ? "mine" : "all"}`] = { frames: drawn, rows: await rows(page), spans: await page.locator("[data-lanes]:visible rect").count() };
    }
  }
  await page.context().close();
}

{
  // From the top of the page with the keyboard alone.
  const page = await open(PAGES.stacks);
  const tabTo = async (selector) => {
    for (let stops = 1; stops < 100; stops++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return stops;
    }
    return null;
  };
  const keyboard = (found.keyboard = {});
  keyboard.order = await tabTo('input[name="order"]');
  await page.keyboard.press("ArrowRight");
  keyboard.ordered = await page.locator('input[value="ordered"]').isChecked();
  await page.keyboard.press("ArrowLeft");
  keyboard.mine = await tabTo("[data-mine]");
  await page.keyboard.press("Space");
  await settled(page);
  keyboard.all = (await frames(page)).map(([name]) => name);
  keyboard.search = await tabTo("[data-search]");
  await page.keyboard.type("price");
  keyboard.found = await status(page);
  keyboard.marked = await page.locator("[data-grid] mark").allTextContents();
  keyboard.highlit = await page.locator('[data-flame] rect[fill="var(--frame-match)"]').count();
  keyboard.grid = await tabTo("[data-grid] tr");
  keyboard.first = await focused(page);
  await page.keyboard.press("ArrowDown");
  keyboard.second = await focused(page);
  keyboard.outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  await page.keyboard.press("ArrowLeft");
  keyboard.closed = (await rows(page)).length;
  await page.keyboard.press("ArrowRight");
  keyboard.opened = (await rows(page)).length;
  await page.keyboard.press("ArrowRight");
  keyboard.child = await focused(page);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  keyboard.parent = await focused(page);
  await page.keyboard.press("End");
  keyboard.end = await focused(page);
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  keyboard.zoomed = await status(page);
  keyboard.selected = await page.locator("[data-detail] .selected-name").textContent();
  keyboard.lines = await page.locator("[data-detail] .hot td:last-child").allTextContents();
  // Backward, to the button that shows all again.
  for (let stops = 0; stops < 20 && !(await page.evaluate(() => document.activeElement.matches("[data-reset]"))); stops++) await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  keyboard.whole = await status(page);
  await page.context().close();
}

{
  // Deep stacks of thousands of functions: what cannot be drawn is told.
  const page = await open(PAGES.large);
  await page.locator("[data-mine]").uncheck();
  await page.locator("input[value=reversed]").check();
  found.large = { status: await status(page), frames: await page.locator("[data-flame] g.frame").count() };
  await page.context().close();
}

{
  // The pointer zooms, and the tree follows.
  const page = await open(PAGES.stacks);
  await page.locator("[data-flame] g.frame", { hasText: "template shop" }).click();
  found.pointer = { status: await status(page), selected: await page.locator('[data-grid] [aria-selected="true"] .frame-name').textContent() };
  await page.locator("[data-reset]").click();
  found.pointer.reset = await status(page);
  await page.context().close();
}

{
  const page = await open(PAGES.counts);
  const names = () => page.locator("[data-calls] tbody tr:visible th code").allTextContents();
  found.counts = { mine: await names(), hidden: await page.locator("[data-status]").textContent() };
  await page.locator("[data-mine]").uncheck();
  await page.locator('[data-sort="calls"] button').click();
  found.counts.byCalls = await names();
  found.counts.sort = await page.locator("[data-sort=calls]").getAttribute("aria-sort");
  await page.locator("[data-search]").fill("execute");
  found.counts.searched = await names();
  await page.locator("[data-calls] tbody tr:visible button").click();
  found.counts.callers = await page.locator("[data-detail] .related").first().locator("li").allTextContents();
  await page.context().close();
}

{
  // The list, from the form to the page that is captured, and back.
  const page = await open(PAGES.list);
  await page.locator('input[name="path"]').fill("/products/suppliers/");
  const opened = page.context().waitForEvent("page");
  await page.getByRole("button", { name: "Open and capture" }).click();
  const target = await opened;
  await target.waitForLoadState();
  found.start = { url: new URL(target.url()).pathname, cookies: (await page.context().cookies()).map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })), scripts: await target.evaluate(() => document.cookie) };
  await target.close();
  await page.locator('input[name="before"][value="plain"]').check();
  await page.locator('input[name="after"][value="mended"]').check();
  await page.getByRole("button", { name: "Compare before with after" }).click();
  await page.waitForURL("**/diff/**"); // a context that closes while its page loads may never close
  found.start.compared = new URL(page.url()).pathname;
  await page.context().close();
}

{
  const page = await open(PAGES.stacks, { reducedMotion: "no-preference", forcedColors: "active" });
  found.forced = { edge: await page.locator("[data-flame] g.frame rect").first().evaluate((rect) => getComputedStyle(rect).stroke), fill: await page.locator("[data-flame] g.frame rect").nth(1).evaluate((rect) => getComputedStyle(rect).fill) };
  await page.context().close();
}

{
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } });
  const page = await context.newPage();
  await page.goto(site + PAGES.stacks);
  await page.locator("details.data > summary").first().click();
  found.scriptless = {
    told: await page.locator("noscript p").isVisible(), functions: await page.locator("#stacks details tbody th").allTextContents(),
    buttons: await page.locator("[data-stacks]:visible, button.copy:visible").count(),
  };
  await context.close();
}

await browser.close();
console.log(JSON.stringify({ ...found, complaints, origins: [...requests] }));
