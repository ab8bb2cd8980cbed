// Counters and new rows: the same page again, and of it only the places that are marked.
// The server says on one stream when something changed; where it cannot, the page asks by itself.
import { listen } from "./stream.js";
import { writeTimes } from "./times.js";

const EVERY = 2000;
const known = new Set([...document.querySelectorAll("[data-id]")].map((row) => row.dataset.id));
const waits = document.querySelector("[data-live], [data-reload-when-changed]") !== null;

const copyPlaces = (fresh) => {
  const places = new Map();
  for (const place of fresh.querySelectorAll("[data-live]")) places.set(place.dataset.live, place);
  for (const place of document.querySelectorAll("[data-live]")) {
    const other = places.get(place.dataset.live);
    if (!other) continue;
    if (other.textContent !== place.textContent) place.textContent = other.textContent;
    for (const name of ["href", "data-n", "datetime", "value"]) {
      const value = other.getAttribute(name);
      if (value !== null && value !== place.getAttribute(name)) place.setAttribute(name, value);
    }
  }
};

// New rows wait behind a line, so that nothing moves under the reader.
const announce = (fresh) => {
  const line = document.querySelector("[data-newer] a");
  if (!line || new URLSearchParams(location.search).has("cursor")) return;
  const rows = [...fresh.querySelectorAll("[data-id]")].filter((row) => !known.has(row.dataset.id));
  const [one, many] = (line.closest("[data-newer]").dataset.newer || "exchange exchanges").split(" ");
  line.hidden = rows.length === 0;
  line.href = location.href;
  line.querySelector("span").textContent =
    `${rows.length} newer ${rows.length === 1 ? one : many}, show ${rows.length === 1 ? "it" : "them"}`;
  document.dispatchEvent(new CustomEvent("newer", { detail: { rows, known } }));
};

const refresh = (fresh) => {
  copyPlaces(fresh);
  announce(fresh);
  writeTimes(document);
  // The first page becomes the readiness page once there is something to show.
  const waiting = document.querySelector("[data-reload-when-changed]");
  if (waiting && !fresh.querySelector("[data-reload-when-changed]")) location.reload();
};

const isLive = (fine) => {
  for (const place of document.querySelectorAll(".live")) place.hidden = !fine;
};

// A page of ours as a document that runs nothing; markup from elsewhere never gets here.
export const fetchPage = (url) => new Promise((done) => {
  const request = new XMLHttpRequest();
  request.open("GET", url);
  request.responseType = "document";
  request.timeout = 10000;
  request.onload = () => done(request.status === 200 ? request.response : null);
  request.onerror = request.ontimeout = () => done(null);
  request.send();
});

let busy = false;
let again = false;

export const look = async () => {
  if (busy) return void (again = true);
  busy = true;
  again = false;
  const fresh = await fetchPage(location.pathname + location.search);
  if (fresh) refresh(fresh);
  isLive(fresh !== null);
  // News that come in the meantime wait: at most one look per stretch.
  setTimeout(() => {
    busy = false;
    if (again && !document.hidden) look();
  }, EVERY);
};

if (waits) {
  let streaming = false;
  listen(() => { if (!document.hidden) look(); }, (up) => { streaming = up; });
  // The stream tells of counters and clusters; how far a recheck is, the page asks.
  const underWay = () => document.querySelector("progress") !== null;
  setInterval(() => { if ((!streaming || underWay()) && !document.hidden) look(); }, EVERY);
}
