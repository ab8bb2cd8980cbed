// The row one is at: moved by keys, kept in the URL as `at`, so that a link shared is a view shared.
let at = document.querySelector("[data-list] [data-at], [data-list][data-at]");

const rowOf = (link) => link.closest("tr, li");
const links = () => [...document.querySelectorAll("[data-list] [data-open]")].filter((link) => link.offsetParent);

const remember = (row) => {
  if (!row.dataset.row) return;
  const url = new URL(location.href);
  url.searchParams.set("at", row.dataset.row);
  history.replaceState(history.state, "", url);
};

export const here = () => (at && at.isConnected ? at : null);

export const mark = (row) => {
  if (at) delete at.dataset.at;
  at = row;
  row.dataset.at = "";
  row.scrollIntoView({ block: "nearest" });
  remember(row);
  document.dispatchEvent(new CustomEvent("moved", { detail: row }));
};

const step = (places, by) => {
  if (places.length === 0) return null;
  const now = places.indexOf(here());
  const next = now >= 0 ? now + by : by > 0 ? 0 : places.length - 1;
  return places[Math.max(0, Math.min(places.length - 1, next))];
};

export const move = (by) => {
  const all = links();
  const row = step(all.map(rowOf), by);
  if (!row) return;
  mark(row);
  all.find((link) => rowOf(link) === row).focus({ preventScroll: true });
};

export const jump = (by) => {
  const places = [...document.querySelectorAll("[data-difference]")].filter((place) => place.offsetParent);
  const place = step(places, by);
  if (!place) return;
  mark(place);
  place.focus({ preventScroll: true });
};

export const follow = (selector) => {
  const link = document.querySelector(selector);
  if (link) location.assign(link.href);
  return Boolean(link);
};

export const openRow = () => {
  const link = here()?.querySelector("[data-open]");
  if (link) location.assign(link.href);
  return Boolean(link);
};

// A link of the row one is at, by what it is.
export const openOf = (selector) => {
  const link = here()?.querySelector(selector);
  if (link) location.assign(link.href);
  return Boolean(link);
};

// What has the focus is where one is.
document.addEventListener("focusin", (event) => {
  const link = event.target.closest?.("[data-list] [data-open]");
  if (link && rowOf(link) !== here()) mark(rowOf(link));
});
