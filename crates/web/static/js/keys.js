// Keys: never in fields, never with modifiers, and they can be switched off in the list of keys.
import { closeMenus } from "./menus.js";
import { follow, here, jump, move, openOf, openRow } from "./rows.js";

const OFF = "understudy.keys";
const memory = {
  get: () => { try { return localStorage.getItem(OFF); } catch { return null; } },
  set: (value) => { try { localStorage.setItem(OFF, value); } catch { /* Not kept, then. */ } },
};
const help = document.querySelector("#keys-help");
const toggle = document.querySelector("[data-keys-switch]");
let off = memory.get() === "off";

const show = () => {
  document.documentElement.classList.toggle("nokeys", off);
  if (toggle) toggle.checked = !off;
};

const search = () => {
  const field = document.querySelector("[data-search]");
  field?.focus();
  field?.select();
  return Boolean(field);
};

const KEYS = new Map([
  ["j", () => follow('a[rel="next"]:not(.pages a)') || move(1)],
  ["k", () => follow('a[rel="prev"]') || move(-1)],
  ["n", () => jump(1)],
  ["p", () => jump(-1)],
  ["/", search],
  ["c", () => openOf("[data-cluster]")],
  [" ", () => openOf("[data-fold-row]")],
  ["Enter", () => here() !== null && openRow()],
  ["Escape", () => closeMenus() || follow("[data-back]")],
  ["?", () => help?.showModal()],
]);

// Other parts of a page bring their own keys. The last one that brings a key has it, and gets the
// one before to go on with.
export const key = (name, act) => {
  const before = KEYS.get(name);
  KEYS.set(name, () => act(before));
};

// `<button data-press="a">` and `<a data-press="c">` are pressed by their key.
const press = (name) => {
  const named = [...document.querySelectorAll(`[data-press="${CSS.escape(name)}"]`)];
  const place = named.find((one) => one.offsetParent && !one.disabled);
  place?.click();
  return Boolean(place);
};

const inField = (target) =>
  target instanceof HTMLElement && target.matches('input:not([type="checkbox"]), textarea, select, [contenteditable]');

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (inField(event.target)) {
    if (event.key === "Escape" && !event.target.closest("dialog, [popover]")) event.target.blur();
    return;
  }
  // A dialog has its own keys: Escape closes it, Enter sends it.
  if (document.querySelector("dialog[open]")) return;
  const named = event.key === "?" || event.key === "Escape";
  if (off && !named) return;
  // Enter on a link or a button means that one.
  if ((event.key === "Enter" || event.key === " ") && event.target.closest?.("a, button, summary, input")) return;
  if (press(event.key)) return void event.preventDefault();
  const act = KEYS.get(event.key);
  if (act && act() !== false) event.preventDefault();
});

toggle?.addEventListener("change", () => {
  off = !toggle.checked;
  memory.set(off ? "off" : "on");
  show();
});

for (const button of document.querySelectorAll("[data-show-dialog]")) {
  button.hidden = false;
  button.addEventListener("click", () => document.getElementById(button.dataset.showDialog)?.showModal());
}
for (const button of document.querySelectorAll("[data-close-dialog]")) {
  button.addEventListener("click", () => button.closest("dialog")?.close());
}
// A click beside a dialog closes it.
document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

show();
