// Check boxes of the list: several rows are acted on at once. Which are ticked stands in the URL.
import { key } from "./keys.js";
import { here } from "./rows.js";

const boxes = () => [...document.querySelectorAll('[data-list] .pick input[name="id"]')];
const all = document.querySelector("[data-pick-all]");
const none = document.querySelector("[data-pick-none]");
const form = document.querySelector("#many");
let last = null;

export const picked = () => boxes().filter((box) => box.checked);

const keep = () => {
  const url = new URL(location.href);
  const ids = picked().map((box) => box.value);
  if (ids.length > 0) url.searchParams.set("picked", ids.join(","));
  else url.searchParams.delete("picked");
  history.replaceState(history.state, "", url);
};

const show = () => {
  const count = picked().length;
  form.querySelector("[data-picked]").textContent = `${count} selected`;
  all.checked = count > 0 && count === boxes().length;
  all.indeterminate = count > 0 && !all.checked;
};

const changed = () => {
  keep();
  show();
};

// From the row that was ticked before to this one, as in any list.
const stretch = (box) => {
  const rows = boxes();
  const [from, to] = [rows.indexOf(last), rows.indexOf(box)].sort((a, b) => a - b);
  if (from >= 0) for (const one of rows.slice(from, to + 1)) one.checked = box.checked;
};

const clear = () => {
  const ticked = picked();
  for (const box of ticked) box.checked = false;
  if (ticked.length > 0) changed();
  return ticked.length > 0;
};

// `accept`, `own`, `fixed` or `recheck` for all that are ticked; false where none is.
export const beginMany = (act) => {
  if (!form || picked().length === 0) return false;
  form.querySelector(`[data-many="${act}"]`).click();
  return true;
};

if (form && all) {
  all.hidden = none.hidden = false;
  for (const box of boxes()) {
    box.addEventListener("click", (event) => {
      if (event.shiftKey) stretch(box);
      last = box;
      changed();
    });
  }
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    changed();
  });
  none.addEventListener("click", clear);
  form.addEventListener("submit", () => {
    const url = new URL(location.href);
    url.searchParams.delete("picked");
    form.querySelector('[name="back"]').value = url.pathname + url.search;
  });
  // Enter in a field means the button of its own box.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    event.target.closest("[popover]")?.querySelector(".main").click();
  });
  key("x", () => {
    const box = here()?.querySelector('.pick input[name="id"]');
    if (box) box.click();
    return Boolean(box);
  });
  key("Escape", (back) => clear() || back());
  show();
}
