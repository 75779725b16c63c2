// One way to drive two browsers, so that the same visit runs in both: Chromium through playwright-core, Firefox through
// puppeteer-core over WebDriver BiDi. BROWSER says which; what a page offers here is what both can do.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_PACKAGES);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const REPORT_REFUSALS = () => {
  addEventListener("securitypolicyviolation", (event) => {
    (globalThis.refusals ??= []).push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    console.error(`refused: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
};

async function chromium() {
  const { chromium } = require("playwright-core");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
  const open = async ({ dark, width, height, listen, permissions }) => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", permissions });
    const page = await context.newPage();
    await page.addInitScript(REPORT_REFUSALS);
    return {
      page,
      wait: (test, argument) => page.waitForFunction(test, argument, { timeout: 60_000 }),
      cookies: (cookies) => context.addCookies(cookies),
      close: () => context.close(),
      listen: page.on("console", (message) => ["error", "warning"].includes(message.type()) && listen(`${message.type()}: ${message.text()}`))
        .on("pageerror", (error) => listen(`error: ${error.stack}`)),
    };
  };
  return { open, close: () => browser.close() };
}

async function firefox() {
  const puppeteer = require("puppeteer-core");
  const launch = (dark) => puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX,
    headless: true,
    extraPrefsFirefox: {
      "layout.css.prefers-color-scheme.content-override": dark ? 0 : 1,
      "dom.events.testing.asyncClipboard": true,
    },
  });
  // Firefox has its theme from a preference, so there is one for each; pages have a context of their own.
  const running = new Map();
  const open = async ({ dark, width, height, listen }) => {
    if (!running.has(dark)) running.set(dark, await launch(dark));
    const context = await running.get(dark).createBrowserContext();
    const page = await context.newPage();
    await page.setViewport({ width, height });
    await page.evaluateOnNewDocument(REPORT_REFUSALS);
    page.on("console", (message) => ["error", "warn"].includes(message.type()) && listen(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => listen(`error: ${error.stack ?? error}`));
    return {
      page,
      wait: (test, argument) => page.waitForFunction(test, { timeout: 60_000 }, argument),
      cookies: (cookies) => context.setCookie(...cookies.map(({ url, ...rest }) => ({ domain: new URL(url).hostname, path: "/", ...rest }))),
      close: () => context.close(),
    };
  };
  return { open, close: () => Promise.all([...running.values()].map((each) => each.close())) };
}

/** Start the browser that BROWSER names. `open()` gives a page; `complaints` is what all pages complained of. */
export async function start() {
  const { open, close } = await (process.env.BROWSER === "firefox" ? firefox() : chromium());
  const complaints = [];
  return {
    complaints,
    close,
    name: process.env.BROWSER === "firefox" ? "firefox" : "chromium",
    /** Open an empty page: dark or light, so many pixels wide; `permissions` are Chromium's. */
    async open({ dark = false, width = 1280, height = 900, permissions = [] } = {}) {
      const { page, wait, cookies, close } = await open({ dark, width, height, permissions, listen: (line) => complaints.push(line) });
      return {
        page,
        cookies,
        close,
        /** Wait until a function in the page returns something true. */
        wait,
        goto: (url) => page.goto(url, { waitUntil: "load" }),
        run: (code, argument) => page.evaluate(code, argument),
        press: (key) => page.keyboard.press(key),
        shot: (path, more = {}) => page.screenshot({ path, ...more }),
        /** Return what axe-core finds, one line a rule; `context` is what axe.run() takes as its first argument. */
        async axe(context = {}) {
          // axe-core puts a style of its own into the page, which a strict policy refuses: that is not the page's.
          const before = complaints.length;
          await page.evaluate(AXE);
          const told = await page.evaluate(async (context) => {
            const { violations } = await axe.run(Object.keys(context).length ? context : document, { resultTypes: ["violations"] });
            return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
          }, context);
          complaints.length = before;
          return told;
        },
      };
    },
  };
}
