// Takes the pictures of the capture pages for the docs. Arguments: the site's address, the folder for the pictures.
// Each capture is a real one: it is started by the form, and the page that it is of is opened.
import { createRequire } from "node:module";

const { chromium } = createRequire(process.env.NODE_PACKAGES)("playwright-core");
const [site, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, reducedMotion: "reduce" });
const page = await context.newPage();
await page.goto(`${site}/admin/login/?next=/perfkit/`);
await page.fill("#id_username", "admin");
await page.fill("#id_password", "admin");
await page.click("[type=submit]");

const captures = () => page.locator("[data-captures]").getAttribute("data-captures").then(Number);

async function capture(path, engine = "sampler") {
  await page.goto(`${site}/perfkit/`);
  const before = await captures();
  await page.fill('[data-start] input[name="path"]', path);
  await page.selectOption('[data-start] select[name="engine"]', engine);
  const opened = context.waitForEvent("page");
  await page.click("[data-start] button");
  const target = await opened;
  await target.waitForLoadState();
  await target.close();
  // It is written after the answer.
  for (let tries = 0; (await captures()) === before; tries++) {
    if (tries > 50) throw new Error(`no capture of ${path} came`);
    await page.waitForTimeout(100);
    await page.goto(`${site}/perfkit/`);
  }
}

const open = async (name, place) => {
  await page.goto(`${site}/perfkit/`);
  await page.locator("[data-captures] tbody a", { hasText: name }).nth(place).click();
  await page.locator("[data-flame] svg").waitFor();
};
const picture = (name) => page.screenshot({ path: `${folder}/${name}.png` });

await page.goto(`${site}/admin/shop/order/`); // once before, so that what the first request loads is not in it
await page.goto(`${site}/bestsellers/`);
await capture("/products/suppliers/");
await capture("/bought-together/", "cprofile");
await capture("/bestsellers/");
await capture("/admin/shop/order/");
await capture("/admin/shop/order/?id__lt=4");
await page.goto(`${site}/perfkit/`);
await picture("captures-list");

await open("/bestsellers/", 0);
await page.locator("[data-mine]").uncheck();
await page.locator("[data-grid] tbody tr", { hasText: "your code" }).first().click();
await page.evaluate(() => document.querySelector("#stacks").scrollIntoView());
await picture("capture-stacks");

await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
await page.check('input[value="ordered"]');
await page.evaluate(() => document.querySelector("#stacks").scrollIntoView());
await picture("capture-time");
await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });

// All orders, and three of them: the form offers the newest two of one route.
await page.goto(`${site}/perfkit/`);
await page.getByRole("button", { name: "Compare before with after" }).click();
await page.waitForURL("**/diff/**");
await picture("capture-diff");

await page.setViewportSize({ width: 360, height: 1000 });
await open("/bestsellers/", 0);
await picture("capture-narrow");
await browser.close();
