// Opens every panel of the toolbar on the example shop as a developer does, and prints as JSON what it found.
// Arguments: the site's address, a folder for pictures ("" for none). What is right is judged in test_panels.py.
import { start } from "../visiting.mjs";

const [base, folder] = process.argv.slice(2);
const NAMES = ["Requests", "Queries", "Advice", "Cache", "Profile"];
const idOf = (name) => `Perfkit${name}Panel`;

const browser = await start();
const found = { axe: {}, panels: {} };

// Functions that run in the page see nothing of this file, so each looks the toolbar up by itself.
const ready = (page) => page.wait(() => document.getElementById("djDebugRoot")?.shadowRoot?.querySelector("#djDebug[data-theme]"));
const click = (page, selector) => page.run((wanted) => document.getElementById("djDebugRoot").shadowRoot.querySelector(wanted).click(), selector);
const text = (page, selector) => page.run((wanted) => document.getElementById("djDebugRoot").shadowRoot.querySelector(wanted)?.textContent.replace(/\s+/g, " ").trim() ?? null, selector);
const has = (page, selector, words = "") => page.wait(([wanted, words]) => [...document.getElementById("djDebugRoot").shadowRoot.querySelectorAll(wanted)].some((each) => each.textContent.includes(words)), [selector, words]);
const opened = async (page, name) => {
  await click(page, `a.${idOf(name)}`);
  await has(page, `#${idOf(name)} .pk`);
  // The style is there when the figures stand beside each other.
  await page.wait((id) => {
    const panel = document.getElementById("djDebugRoot").shadowRoot.querySelector(`#${id} .pk`);
    return getComputedStyle(panel).maxWidth === "1200px";
  }, idOf(name));
};
// What comes from the store; which may not have been written yet, so that it says just that.
const told = (page, name) => page.wait((id) => {
  const place = document.getElementById("djDebugRoot").shadowRoot.querySelector(`#${id} [data-pk-load]`);
  return place && !place.textContent.includes("Reading the store");
}, idOf(name));
// The row of the loop's statement, wherever its time has put it.
const LOOP = "#PerfkitQueriesPanel tr[data-loop]";
const markLoop = (page) => page.run(() => {
  const rows = [...document.getElementById("djDebugRoot").shadowRoot.querySelectorAll("#PerfkitQueriesPanel .pk-queries tbody tr")];
  rows.find((row) => row.textContent.includes("shop_supplier")).setAttribute("data-loop", "");
});
const closed = (page, name) => click(page, `a.${idOf(name)}`);

{
  const page = await browser.open({ permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto(`${base}/products/suppliers/`);
  await ready(page);
  found.shadow = await page.run(() => Boolean(document.getElementById("djDebugRoot").shadowRoot) && !document.querySelector("#djDebug"));

  for (const name of NAMES) {
    found.panels[name] = { button: await text(page, `#djdt-${idOf(name)}`) };
    await opened(page, name);
    Object.assign(found.panels[name], { title: await text(page, `#${idOf(name)} .pk-title`), text: await text(page, `#${idOf(name)} .pk`) });
    await closed(page, name);
  }

  await opened(page, "Requests");
  found.bars = await page.run(() => [...document.getElementById("djDebugRoot").shadowRoot.querySelectorAll("#PerfkitRequestsPanel .pk-lane")].map((lane) => lane.querySelectorAll("rect").length));
  found.lane = await page.run(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("#PerfkitRequestsPanel rect.pk-view").getBoundingClientRect().width);
  await closed(page, "Requests");

  // A statement: laid out when it is opened, its values and its plan when they are asked for.
  await opened(page, "Queries");
  await markLoop(page);
  const first = LOOP;
  found.secretive = !(await text(page, first)).includes("stored nowhere");
  await click(page, `${first} summary`);
  await page.wait((wanted) => document.getElementById("djDebugRoot").shadowRoot.querySelector(`${wanted} .pk-into pre`).textContent.includes("\n"), first);
  await click(page, `${first} [data-pk-post$="values/"]`);
  await has(page, `${first} .pk-out`, "stored nowhere");
  found.values = await page.run((wanted) => document.getElementById("djDebugRoot").shadowRoot.querySelectorAll(`${wanted} .pk-values li`).length, first);
  await click(page, `${first} [data-pk-post$="explain/"]`);
  await has(page, `${first} .pk-plan`);
  found.plan = await text(page, `${first} .pk-plan`);
  found.editor = await page.run(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("#PerfkitQueriesPanel tr[data-loop] a.pk-editor").getAttribute("href"));
  await closed(page, "Queries");

  // The edit is copied, or selected where the browser does not let it.
  await opened(page, "Advice");
  await click(page, "#PerfkitAdvicePanel [data-pk-copy]");
  await page.wait(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("#PerfkitAdvicePanel .pk-said").textContent);
  found.said = await text(page, "#PerfkitAdvicePanel .pk-said");
  found.edit = await text(page, "#PerfkitAdvicePanel .pk-copied pre");
  await closed(page, "Advice");

  // What is read from the store comes when the panel is looked at.
  await opened(page, "Cache");
  await told(page, "Cache");
  found.cache = await text(page, "#PerfkitCachePanel [data-pk-load]");
  await closed(page, "Cache");
  await opened(page, "Profile");
  await told(page, "Profile");
  found.refused = await text(page, "#PerfkitProfilePanel [data-pk-load]");
  await closed(page, "Profile");

  // With the keyboard alone: from the panel's button to its content and to a statement's values.
  await page.run(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("a.PerfkitQueriesPanel").focus());
  await page.press("Enter");
  await has(page, "#PerfkitQueriesPanel:not(.djdt-hidden) .pk");
  found.keyboard = await (async () => {
    for (let stops = 1; stops < 120; stops++) {
      await page.press("Tab");
      if (await page.run(() => document.getElementById("djDebugRoot").shadowRoot.activeElement?.matches('.pk [data-pk-post$="values/"]') ?? false)) return stops;
    }
    return null;
  })();
  found.outline = await page.run(() => getComputedStyle(document.getElementById("djDebugRoot").shadowRoot.activeElement).outlineStyle);
  await page.press("Escape");

  // A request of the page's own script appears in the history; switching to it changes every panel.
  const id = await page.run(async () => {
    const response = await fetch("/api/products/");
    await response.json();
    return response.headers.get("Perfkit-Record");
  });
  found.record = id;
  await click(page, "a.HistoryPanel");
  await has(page, `#djdtHistoryRequests tr[data-request-id="${id}"]`);
  // The toolbar's own script may still be on its way: its button is clicked until it is heard.
  await page.run(async (id) => {
    const debug = document.getElementById("djDebugRoot").shadowRoot.querySelector("#djDebug");
    for (let tries = 0; debug.dataset.requestId !== id && tries < 40; tries++) {
      debug.querySelector(`#djdtHistoryRequests button.switchHistory[data-request-id="${id}"]`)?.click();
      await new Promise((done) => setTimeout(done, 250));
    }
  }, id);
  await opened(page, "Queries");
  found.switched = await text(page, "#PerfkitQueriesPanel .pk-title");
  await click(page, "#PerfkitQueriesPanel .pk-queries tbody tr:first-child summary");
  await page.wait(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("#PerfkitQueriesPanel .pk-into pre").textContent.includes("\n"));

  // HTMX puts a new body into the same document, a new toolbar with it.
  await page.run(async () => {
    const made = new DOMParser();
    const page = await (await fetch("/products/tags/")).text();
    const body = made.parseFromString("", "text/html").body;
    body.setHTMLUnsafe(page.slice(page.indexOf("<body>") + 6, page.lastIndexOf("</body>")));
    document.body.replaceChildren(...body.childNodes);
    djdt.init();
  });
  await ready(page);
  await opened(page, "Advice");
  found.boosted = await text(page, "#PerfkitAdvicePanel .pk-title");
  await click(page, "#PerfkitAdvicePanel [data-pk-copy]");
  await page.wait(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("#PerfkitAdvicePanel .pk-said").textContent);
  found.narrow = await page.run(() => document.documentElement.scrollWidth <= innerWidth);
  await page.close();
}

// A capture, from the click to the list: by staff, on the page that is open.
{
  const page = await browser.open();
  await page.goto(`${base}/login/`);
  await page.run(() => {
    document.querySelector("input[name=username]").value = "admin";
    document.querySelector("input[name=password]").value = "admin";
    document.querySelector("input[name=password]").form.submit();
  });
  await page.wait(() => !location.pathname.startsWith("/login"));
  await page.goto(`${base}/products/suppliers/`);
  await ready(page);
  await opened(page, "Profile");
  await page.run(() => (globalThis.before = true));
  await click(page, "#PerfkitProfilePanel [data-pk-post]");
  await page.wait(() => !globalThis.before && document.getElementById("djDebugRoot")?.shadowRoot?.querySelector("#djDebug[data-theme]"));
  found.captured = await text(page, `#djdt-${idOf("Profile")}`);
  // It is written as soon as the request has been handled, in the background.
  for (let tries = 0; tries < 20 && !found.listed; tries++) {
    await page.goto(`${base}/products/suppliers/`);
    await ready(page);
    await opened(page, "Profile");
    await told(page, "Profile");
    found.listed = await page.run(() => document.getElementById("djDebugRoot").shadowRoot.querySelectorAll("#PerfkitProfilePanel [data-pk-load] tbody tr").length);
  }
  found.link = await page.run(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("#PerfkitProfilePanel [data-pk-load] a")?.getAttribute("href") ?? "");
  if (folder) await page.shot(`${folder}/panel-captured.png`);
  await page.close();
}

// Every panel open, in both themes: axe-core, and a picture.
for (const dark of [false, true]) {
  const theme = dark ? "dark" : "light";
  const page = await browser.open({ dark, height: 1000 });
  found.axe[theme] = [];
  await page.goto(`${base}/products/suppliers/`);
  await ready(page);
  found[theme] = await page.run(() => document.getElementById("djDebugRoot").shadowRoot.querySelector("#djDebug").dataset.theme);
  for (const name of NAMES) {
    if (name === "Cache") {
      await page.goto(`${base}/products/new/`); // which asks the cache
      await ready(page);
    }
    await opened(page, name);
    if (name === "Queries") {
      await markLoop(page);
      await click(page, `${LOOP} summary`);
      await click(page, `${LOOP} [data-pk-post$="explain/"]`);
      await has(page, `${LOOP} .pk-plan`);
    }
    if (name === "Cache" || name === "Profile") await told(page, name);
    const violations = await page.axe({ include: { fromShadowDom: ["#djDebugRoot", `#${idOf(name)} .pk`] } });
    found.axe[theme].push(...violations.map((each) => `${name}: ${each}`));
    if (folder) await page.shot(`${folder}/panel-${name.toLowerCase()}-${theme}.png`);
    await closed(page, name);
  }
  await page.close();
}

found.complaints = browser.complaints;
await browser.close();
console.log(JSON.stringify(found));
