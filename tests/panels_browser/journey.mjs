// From the toolbar's button to a capture, its flame graph and a comparison, on the example shop; prints as JSON what it found.
// Argument: the site's address. What is right is judged in test_journey.py.
import { start } from "../visiting.mjs";

const [base] = process.argv.slice(2);
const browser = await start();
const found = { axe: {}, widths: {} };
const ready = (page) => page.wait(() => document.getElementById("djDebugRoot")?.shadowRoot?.querySelector("#djDebug[data-theme]"));
const onPage = async (page, selector) => page.wait((wanted) => document.querySelector(wanted), selector);

// Where the browser is still on its way to a page, what is asked of the one before is lost: wait for the new one.
async function left(page, act) {
  await page.run(() => (globalThis.before = true));
  await act();
  await page.wait(() => !globalThis.before && document.readyState === "complete");
}

async function gone(page) {
  for (let looks = 0; looks < 30; looks++) {
    await new Promise((done) => setTimeout(done, 100));
    // While the browser is between two pages there is none to ask.
    if (await page.run(() => !globalThis.before && document.readyState === "complete").catch(() => false)) return true;
  }
  return false;
}

async function capture(page) {
  await page.goto(`${base}/products/suppliers/`);
  await ready(page);
  await page.run(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("a.PerfkitProfilePanel").click());
  await page.wait(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("#PerfkitProfilePanel [data-pk-post]"));
  // The panel's script may still be on its way: the button is clicked until it is heard.
  await page.run(() => (globalThis.before = true));
  for (let tries = 0; tries < 20; tries++) {
    await page.run(() => document.getElementById("djDebugRoot")?.shadowRoot?.querySelector("#PerfkitProfilePanel [data-pk-post]")?.click()).catch(() => 0);
    if (await gone(page)) return;
  }
}

const count = (page) => page.run(() => Number(document.querySelector("[data-captures]").dataset.captures));
// It is written after the answer.
async function listed(page, wanted) {
  for (let tries = 0; tries < 100; tries++) {
    await page.goto(`${base}/perfkit/`);
    if ((await count(page)) >= wanted) return;
    await new Promise((done) => setTimeout(done, 100));
  }
}

const page = await browser.open();
await page.goto(`${base}/login/`);
await left(page, () => page.run(() => {
  document.querySelector("input[name=username]").value = "admin";
  document.querySelector("input[name=password]").value = "admin";
  document.querySelector("input[name=password]").form.submit();
}));
await page.goto(`${base}/perfkit/`);
const already = await count(page);
for (const nth of [1, 2]) {
  await capture(page);
  await listed(page, already + nth);
}
found.captures = (await count(page)) - already;

// The newest capture: reached with the keyboard, its graph drawn, its table walked.
const focusedOn = (wanted) => page.run((wanted) => document.activeElement.matches(wanted), wanted);
const tabTo = async (wanted) => {
  for (let stops = 1; stops < 150; stops++) {
    await page.press("Tab");
    if (await focusedOn(wanted)) return stops;
  }
  return null;
};
found.toLink = await tabTo("[data-captures] tbody a");
await left(page, () => page.press("Enter"));
await onPage(page, "[data-flame] svg");
found.address = await page.run(() => location.pathname);
found.title = await page.run(() => document.querySelector("h1").textContent.replace(/\s+/g, " ").trim());
found.frames = await page.run(() => [...document.querySelectorAll("[data-flame] g.frame title")].map((each) => each.textContent.split("\n")[0]));
found.rows = await page.run(() => [...document.querySelectorAll("[data-grid] tbody tr .frame-name")].map((each) => each.textContent));
found.toTable = await tabTo("[data-grid] tbody tr, [data-grid] tbody tr *");
await page.press("ArrowDown");
found.moved = await page.run(() => document.activeElement.closest("tr")?.rowIndex ?? null);

const looks = async (name) => {
  for (const dark of [false, true]) {
    const other = await browser.open({ dark });
    await other.cookies(await page.run(() => 0).then(() => session));
    await other.goto(base + (await page.run(() => location.pathname + location.search)));
    if (name === "capture") await onPage(other, "[data-flame] svg");
    found.axe[`${name} ${dark ? "dark" : "light"}`] = await other.axe({ exclude: ["#djDebugRoot"] }); // the toolbar's own
    await other.close();
  }
  const narrow = await browser.open({ width: 360, height: 800 });
  await narrow.cookies(session);
  await narrow.goto(base + (await page.run(() => location.pathname + location.search)));
  found.widths[name] = await narrow.run(() => document.documentElement.scrollWidth - innerWidth);
  await narrow.close();
};
const session = (await page.page.cookies?.() ?? (await page.page.context().cookies())).filter(({ name }) => name === "sessionid")
  .map(({ name, value }) => ({ name, value, url: base }));
await looks("capture");

await page.goto(`${base}/perfkit/`);
await looks("list");
await left(page, () => page.run(() => document.querySelector('button[form="compare"]').click()));
found.compared = await page.run(() => location.pathname);
found.statements = await page.run(() => document.querySelector("main").textContent.includes("shop_supplier"));
await looks("difference");
await page.close();

found.complaints = browser.complaints;
await browser.close();
console.log(JSON.stringify(found));
