// Takes the pictures for the docs. Arguments: the report, the folder for the pictures.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(process.env.NODE_PACKAGES)("playwright-core");
const [report, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function picture(name, viewport, options = {}, prepare = async () => {}) {
  const page = await browser.newPage({ viewport, reducedMotion: "reduce", ...options });
  await page.goto(pathToFileURL(report).href);
  // The folder is that of the machine which takes the pictures.
  await page.evaluate(() => document.querySelectorAll(".top .path").forEach((path) => (path.textContent = path.textContent.replace(/^.*\//, ".perfkit/"))));
  const shown = await prepare(page);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.waitForFunction(() => [...document.querySelectorAll(".canvas")].every((each) => !each.checkVisibility() || each.childElementCount));
  const path = `${folder}/${name}.png`;
  await (shown ? shown.screenshot({ path }) : page.screenshot({ path }));
  await page.close();
}

const openRoute = async (page) => {
  const route = page.locator("details.route", { hasText: "/products/reviews/" }).first();
  await route.locator("> summary").click();
  await route.locator("details.kept > summary").first().click();
  return route;
};

await picture("report-light", { width: 1280, height: 1500 });
await picture("report-dark", { width: 1280, height: 1500 }, { colorScheme: "dark" });
await picture("report-route", { width: 1280, height: 900 }, {}, openRoute);
await picture("report-narrow", { width: 360, height: 1500 });
await picture("report-print", { width: 794, height: 1123 }, {}, (page) => page.emulateMedia({ media: "print" }));
await browser.close();
