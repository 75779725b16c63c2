// Copies the text of the element that a button names in data-copy, and says in #said that it did.
const words = JSON.parse(document.getElementById("plot-data").textContent).words;
const said = document.getElementById("said");

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // No permission, or an old browser: the text is at least selected, for Ctrl+C.
    getSelection().selectAllChildren(element);
    return false;
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  const before = button.textContent;
  button.addEventListener("click", async () => {
    const done = await copy(document.getElementById(button.dataset.copy));
    const told = done ? words.copied : words.notCopied;
    said.textContent = told;
    button.textContent = told;
    setTimeout(() => {
      button.textContent = before;
      said.textContent = "";
    }, 2500);
  });
}
