// What can be done with a cluster: on its own page, and in the list with the row one is at.
import { key } from "./keys.js";
import { beginMany } from "./picks.js";
import { here } from "./rows.js";

const NAME = "understudy.name";
const remembered = () => { try { return localStorage.getItem(NAME) ?? ""; } catch { return ""; } };
const remember = (name) => { try { localStorage.setItem(NAME, name); } catch { /* Asked again, then. */ } };

const formOf = (act) => document.querySelector(`form[data-act="${act}"]`);

// In the list a form belongs to the row one is at; on a cluster's page it has its address already.
const aim = (form, act) => {
  const row = here()?.dataset.row ? here() : null;
  if (row) {
    form.action = `/clusters/${row.dataset.row}/${act === "recheck" ? "recheck" : "state"}`;
    form.querySelectorAll("[data-act-id]").forEach((place) => { place.textContent = row.dataset.row; });
    form.querySelectorAll("[data-act-condition]").forEach((place) => { place.textContent = row.dataset.condition || "none"; });
    form.querySelectorAll("[data-name]").forEach((field) => { field.value = row.dataset.owner; });
    const back = form.querySelector('[name="back"]');
    if (back) back.value = location.pathname + location.search;
  }
  return form.getAttribute("action") !== null;
};

const begin = (act) => {
  if (beginMany(act)) return true;
  const form = formOf(act);
  if (!form || !aim(form, act)) return false;
  const box = form.closest("[popover]");
  if (!box) return void form.submit();
  box.showPopover();
  const name = form.querySelector("[data-name]");
  if (name && name.value === "") name.value = remembered();
  form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  return true;
};

if (formOf("accept")) {
  key("a", () => begin("accept"));
  key("o", () => begin("own"));
  key("f", () => begin("fixed"));
  key("r", () => begin("recheck"));
}

document.addEventListener("submit", (event) => {
  const name = event.target.querySelector("[data-name]");
  if (name?.value) remember(name.value);
});
// The name that one gave before is offered again.
document.addEventListener("toggle", (event) => {
  const name = event.newState === "open" ? event.target.querySelector("[data-name]") : null;
  if (name && name.value === "") name.value = remembered();
}, true);
