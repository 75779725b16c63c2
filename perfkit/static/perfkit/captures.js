// The list: when the reader comes back from the page that was captured, it is loaded anew.
let started = false;

document.querySelector("[data-start]")?.addEventListener("submit", ({ target }) => {
  // Another method opens no page: its answer is this list.
  target.target = target.elements.method.value === "GET" ? "_blank" : "";
  started = target.target === "_blank";
});

document.addEventListener("visibilitychange", () => {
  if (started && document.visibilityState === "visible") location.replace(location.href);
});
