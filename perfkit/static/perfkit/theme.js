// Switches between the system's colors, light and dark, and remembers the choice where the browser lets it.
const CHOICES = ["auto", "light", "dark"];
const KEY = "perfkit-theme";
const root = document.documentElement;
const button = document.querySelector("[data-theme-switch]");
const name = document.querySelector("[data-theme-name]");

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a page from disk may have no storage
  }
}

function remember(choice) {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // then it lasts as long as the page
  }
}

function apply(choice) {
  if (choice === "auto") delete root.dataset.theme;
  else root.dataset.theme = choice;
  if (name) name.textContent = name.dataset[choice];
}

let current = CHOICES.includes(remembered()) ? remembered() : "auto";
apply(current);
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    current = CHOICES[(CHOICES.indexOf(current) + 1) % CHOICES.length];
    apply(current);
    remember(current);
  });
}
