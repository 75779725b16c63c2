// What is clicked, opened and looked at in perfkit's panels, inside the toolbar's shadow root or without one.
// The toolbar loads this once a page; content comes and goes with the history, and an HTMX page brings a new root.
const known = new WeakSet();
let token = null;

function toolbar() {
  const host = document.getElementById("djDebugRoot");
  return (host?.shadowRoot ?? host)?.querySelector("#djDebug") ?? null;
}

async function ask(element, url, data) {
  const panel = element.closest(".pk");
  const fields = new URLSearchParams({ request_id: panel.dataset.pkRequest, ...data });
  const address = new URL(url, location.href);
  const options = { credentials: "same-origin" };
  if (element.hasAttribute("data-pk-post")) {
    token ??= (await (await fetch(panel.dataset.pkToken, options)).json()).token;
    // In the body, not in a header: how that one is called is a setting.
    fields.set("csrfmiddlewaretoken", token);
    Object.assign(options, { method: "POST", body: fields });
  } else {
    address.search = fields;
  }
  const response = await fetch(address, options);
  if (!response.ok) {
    token = null; // it may have been another session's
    throw new Error(`${response.status} ${response.statusText}`);
  }
  return response.json();
}

function show(place, html) {
  place.innerHTML = html; // of our own views, which escape all that is not theirs
}

function fail(place, error) {
  const line = document.createElement("p");
  line.className = "pk-note pk-warn";
  line.textContent = `perfkit: ${error.message}`;
  place.replaceChildren(line);
}

async function load(element) {
  if (element.dataset.pkLoaded) return;
  element.dataset.pkLoaded = "yes";
  const place = element.querySelector(".pk-into");
  const statement = element.dataset.pkStatement;
  try {
    const { content } = await ask(element, element.dataset.pkLoad, statement === undefined ? {} : { statement });
    show(place, content);
  } catch (error) {
    delete element.dataset.pkLoaded;
    fail(place, error);
  }
}

async function post(button) {
  const place = button.closest("td, section").querySelector(".pk-out");
  const data = {};
  if (button.dataset.pkStatement !== undefined) data.statement = button.dataset.pkStatement;
  if (button.dataset.pkWith === "engine") {
    data.engine = button.closest("section").querySelector("input[name=pk-engine]:checked").value;
  }
  button.setAttribute("aria-busy", "true");
  try {
    const { content, path } = await ask(button, button.dataset.pkPost, data);
    show(place, content);
    if (path && path === location.pathname) location.reload();
  } catch (error) {
    fail(place, error);
  }
  button.removeAttribute("aria-busy");
}

async function copy(button) {
  const code = button.previousElementSibling;
  let said = button.dataset.pkDone;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    // No permission, or no secure origin: the text is at least selected.
    getSelection().selectAllChildren(code);
    said = button.dataset.pkFailed;
  }
  const before = button.textContent;
  button.textContent = said;
  button.closest(".pk").querySelector(".pk-said").textContent = said;
  setTimeout(() => (button.textContent = before), 2500);
}

// What waits to be loaded until it is seen; what is folded waits for its own opening.
function loadSeen(debug) {
  for (const element of debug.querySelectorAll(".pk [data-pk-load]:not(details)")) {
    if (element.checkVisibility()) load(element);
  }
}

function attach(debug) {
  if (!debug || known.has(debug)) return;
  known.add(debug);
  debug.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-pk-post], [data-pk-copy]");
    if (button) (button.hasAttribute("data-pk-copy") ? copy : post)(button);
  });
  // "toggle" does not bubble.
  debug.addEventListener(
    "toggle",
    (event) => {
      const details = event.target;
      if (details.open && details.matches?.(".pk details[data-pk-load]")) load(details);
    },
    true,
  );
  debug.addEventListener("djdt.panel.render", () => loadSeen(debug));
  loadSeen(debug);
}

attach(toolbar());
// A page whose body was replaced has a new toolbar: known before the click that opens its panel gets there.
document.addEventListener("click", () => attach(toolbar()), true);
