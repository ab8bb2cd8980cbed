// The diff without a mouse and without reloads: folds and chunks are loaded on demand, rows are
// copied, and a rule begins at a row. Without this script the same links lead to whole pages.
import { page, wire } from "./rules.js";

const diff = document.querySelector("[data-diff]");
const box = document.querySelector("#ignore");

// The row one is at. Where rows of lists are walked by keys too, both mean the same row.
const here = () => document.querySelector(".pair[data-at]");
let shared = null;
import("./js/rows.js").then((rows) => { shared = rows.mark; }, () => {});
const mark = (row) => {
  if (shared) shared(row);
  else {
    if (here() && here() !== row) delete here().dataset.at;
    row.dataset.at = "";
    row.scrollIntoView({ block: "nearest" });
  }
  if (!row.contains(document.activeElement)) row.focus({ preventScroll: true });
};

const withParameter = (href, name, value) => {
  const url = new URL(href, location.href);
  if (value === "") url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  return url;
};

// Folds and chunks.
const load = async (place, parameters) => {
  if (place.hasAttribute("aria-busy")) return false;
  place.setAttribute("aria-busy", "true");
  const url = new URL(diff.dataset.rowsHref, location.href);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  try {
    const rows = (await page(url)).querySelector("[data-rows]");
    const nodes = [...rows.childNodes].map((node) => document.adoptNode(node));
    place.replaceWith(...nodes);
    watch();
    return true;
  } catch {
    place.removeAttribute("aria-busy");
    return false;
  }
};

const opened = () => (new URL(location.href).searchParams.get("open") ?? "").split(",").filter(Boolean);

// What is open stands in the URL and in the links that lead to other looks at the same.
const remember = (from) => {
  const open = opened();
  if (open.includes("all") || open.includes(from)) return;
  open.push(from);
  const text = open.sort((a, b) => a - b).join(",");
  history.replaceState(history.state, "", withParameter(location.href, "open", text));
  for (const link of document.querySelectorAll("[data-split], [data-unified], .tabs nav a")) {
    link.href = withParameter(link.href, "open", text);
  }
  diff.dataset.rowsHref = withParameter(diff.dataset.rowsHref, "open", text);
};

const unfold = async (fold) => {
  const from = fold.dataset.foldFrom;
  const focused = document.activeElement === fold;
  if (!(await load(fold, { fold: "1", from }))) return void location.assign(fold.href);
  remember(from);
  if (focused) document.getElementById(`r${from}`)?.focus({ preventScroll: true });
};

const rests = diff && new IntersectionObserver((seen) => {
  for (const one of seen) if (one.isIntersecting) load(one.target, { from: one.target.dataset.rest });
}, { rootMargin: "1500px" });
const watch = () => diff.querySelectorAll("[data-rest]").forEach((rest) => rests.observe(rest));

// What one can do with a row stands on it while one is there.
const button = (words, act) => {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button small";
  made.textContent = words;
  made.addEventListener("click", async (event) => {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(await act());
      made.textContent = "Copied";
    } catch { made.textContent = "Not copied"; }
    setTimeout(() => { made.textContent = words; }, 1500);
  });
  return made;
};

const value = async (row) => {
  const url = new URL(diff.dataset.rowsHref.replace(/\/rows.*/, "/value"), location.href);
  url.searchParams.set("at", row.dataset.path);
  url.searchParams.set("side", row.dataset.side ?? "");
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.text();
};

const equip = (row) => {
  if (row.dataset.equipped !== undefined || row.dataset.path === undefined) return;
  row.dataset.equipped = "";
  let acts = row.querySelector(".acts");
  if (!acts) {
    acts = document.createElement("span");
    acts.className = "acts";
    row.append(acts);
  }
  acts.prepend(button("Path", () => row.dataset.path || "/"), button("Value", () => value(row)));
  if (!acts.querySelector("[data-ignore]")) {
    const link = document.createElement("a");
    link.className = "button small";
    link.dataset.ignore = "";
    link.textContent = "Ignore…";
    const href = withParameter(diff.dataset.ruleHref, "at", row.dataset.path);
    link.href = withParameter(href, "side", row.dataset.side ?? "");
    acts.append(link);
  }
};

// The popover with the rule, under its row.
const place = (row) => {
  box.style.removeProperty("top");
  box.style.removeProperty("left");
  if (innerWidth < 720) return;
  const at = row.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const below = at.bottom + 4;
  const top = below + size.height <= innerHeight ? below : Math.max(8, at.top - 4 - size.height);
  box.style.top = `${Math.max(8, Math.min(top, innerHeight - size.height - 8))}px`;
  box.style.left = `${Math.max(8, at.right - size.width - 12)}px`;
};

const ignore = async (row) => {
  equip(row);
  mark(row);
  const link = row.querySelector("[data-ignore]");
  if (!link || !box) return;
  try {
    const form = document.adoptNode((await page(link.href)).querySelector("[data-rule-form]"));
    form.querySelector("[data-back-field]").value = location.pathname + location.search + location.hash;
    wire(form);
    box.replaceChildren(form);
    box.showPopover();
    place(row);
    form.querySelector('[name="path"]:checked, [name="path"]')?.focus({ preventScroll: true });
  } catch { location.assign(link.href); }
};

const shut = () => {
  if (!box?.matches(":popover-open")) return false;
  box.hidePopover();
  here()?.focus({ preventScroll: true });
  return true;
};

const row = () => here() ?? document.activeElement.closest?.(".pair[data-path]") ?? diff.querySelector("[data-difference]");

// Beyond the last difference that is loaded there may be more.
const further = () => {
  const rest = diff.querySelector("[data-rest]");
  const all = diff.querySelectorAll("[data-difference]");
  if (rest && (all.length === 0 || here() === all[all.length - 1])) load(rest, { from: rest.dataset.rest });
};

const nextSample = () => {
  const links = [...document.querySelectorAll(".samples > .list a")];
  if (links.length === 0) return false;
  const now = links.findIndex((link) => link.hasAttribute("aria-current"));
  location.assign(links[(now + 1) % links.length].href);
  return true;
};

const press = (selector) => {
  const link = document.querySelector(selector);
  link?.click();
  return Boolean(link);
};

const copyLink = async () => {
  try { await navigator.clipboard.writeText(location.href); } catch { /* It stands in the address bar. */ }
};

const KEYS = {
  n: () => diff && further(),
  s: nextSample,
  u: () => press("[data-unified]:not([aria-current]), [data-split]:not([aria-current])"),
  e: () => press("[data-folds]"),
  i: () => { const at = diff && row(); if (at) ignore(at); return Boolean(at); },
  y: () => { if (!document.querySelector('[data-press="y"]')) copyLink(); },
};

// The row one is at stands in the URL.
const arrived = (at) => {
  equip(at);
  const url = new URL(location.href);
  url.hash = at.id;
  history.replaceState(history.state, "", url);
};

if (diff) {
  watch();
  diff.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const fold = event.target.closest("[data-fold-from]");
    const begin = event.target.closest("[data-ignore]");
    if (fold || begin) event.preventDefault();
    if (fold) return void unfold(fold);
    const at = event.target.closest(".pair[data-path]");
    if (begin) return void ignore(at);
    if (at && getSelection().isCollapsed && !event.target.closest("a, button")) mark(at);
  });
  diff.addEventListener("pointerover", (event) => {
    const at = event.target.closest(".pair[data-path]");
    if (at) equip(at);
  });
  diff.addEventListener("focusin", (event) => {
    const at = event.target.closest(".pair[data-path]");
    if (at && at !== event.target) equip(at);
    else if (at) arrived(at);
  });
  const linked = /^#r\d+$/.test(location.hash) && document.querySelector(location.hash);
  if (linked) mark(linked);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.documentElement.classList.contains("nokeys") || document.querySelector("dialog[open], :popover-open")) return;
  if (event.target.matches?.("input, textarea, select, [contenteditable]")) return;
  if (KEYS[event.key]?.()) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shut()) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);
box?.addEventListener("click", (event) => {
  if (event.target.closest("[data-cancel]")) {
    event.preventDefault();
    shut();
  }
});
