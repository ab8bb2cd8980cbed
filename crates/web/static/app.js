// Everything works without this script. It adds: counters that change in place, keys, copying.
"use strict";
(() => {
  const EVERY = 2000;
  const list = (within) => [...within.querySelectorAll("[data-list] [data-open]")];
  const rowOf = (link) => link.closest("tr, li");

  // Counters: the same page again, and of it only the texts of the places that are marked.
  const known = new Set([...document.querySelectorAll("[data-id]")].map((row) => row.dataset.id));

  const refresh = (fresh) => {
    const texts = new Map();
    for (const place of fresh.querySelectorAll("[data-live]")) texts.set(place.dataset.live, place.textContent);
    for (const place of document.querySelectorAll("[data-live]")) {
      const text = texts.get(place.dataset.live);
      if (text !== undefined && text !== place.textContent) place.textContent = text;
    }
    announce(fresh);
    // The first page becomes the readiness page once there is something to show.
    const waiting = document.querySelector("[data-reload-when-changed]");
    if (waiting && !fresh.querySelector("[data-reload-when-changed]")) location.reload();
  };

  // New rows wait behind a line, so that nothing moves under the reader.
  const announce = (fresh) => {
    const line = document.querySelector("[data-newer] a");
    if (!line || new URLSearchParams(location.search).has("cursor")) return;
    const newer = [...fresh.querySelectorAll("[data-id]")].filter((row) => !known.has(row.dataset.id)).length;
    line.hidden = newer === 0;
    line.href = location.href;
    line.querySelector("span").textContent = `${newer} newer ${newer === 1 ? "exchange" : "exchanges"}, show ${newer === 1 ? "it" : "them"}`;
  };

  const look = () => {
    if (document.hidden) return void setTimeout(look, EVERY);
    const request = new XMLHttpRequest();
    request.open("GET", location.pathname + location.search);
    request.responseType = "document";
    request.timeout = 10000;
    const live = document.querySelector(".live");
    request.onload = () => {
      const fine = request.status === 200 && request.response;
      if (fine) refresh(request.response);
      if (live) live.hidden = !fine;
    };
    request.onerror = request.ontimeout = () => { if (live) live.hidden = true; };
    request.onloadend = () => setTimeout(look, EVERY);
    request.send();
  };
  if (document.querySelector("[data-live], [data-reload-when-changed]")) setTimeout(look, EVERY);

  // Copying.
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        const words = button.lastChild;
        words.textContent = " Copied";
        setTimeout(() => { words.textContent = " Copy"; }, 1500);
      } catch { /* The text can be selected by hand. */ }
    });
  }

  // Keys: never in inputs, never with modifiers, and `?` switches them off.
  const OFF = "understudy.keys";
  const memory = { get: () => { try { return localStorage.getItem(OFF); } catch { return null; } },
    set: (value) => { try { localStorage.setItem(OFF, value); } catch { /* Not kept, then. */ } } };
  let off = memory.get() === "off";
  document.documentElement.classList.toggle("nokeys", off);
  let at = null;

  const mark = (row) => {
    if (at) delete at.dataset.at;
    at = row;
    row.dataset.at = "";
    row.scrollIntoView({ block: "nearest" });
  };

  const move = (step) => {
    const links = list(document);
    if (links.length === 0) return;
    const rows = links.map(rowOf);
    const next = at && rows.includes(at) ? rows.indexOf(at) + step : step > 0 ? 0 : rows.length - 1;
    const place = Math.max(0, Math.min(rows.length - 1, next));
    mark(rows[place]);
    links[place].focus({ preventScroll: true });
  };

  const jump = (step) => {
    const places = [...document.querySelectorAll("[data-difference]")].filter((place) => place.offsetParent);
    if (places.length === 0) return;
    const next = at && places.includes(at) ? places.indexOf(at) + step : step > 0 ? 0 : places.length - 1;
    const place = places[Math.max(0, Math.min(places.length - 1, next))];
    mark(place);
    place.focus({ preventScroll: true });
  };

  const follow = (selector) => {
    const link = document.querySelector(selector);
    if (link) location.assign(link.href);
    return Boolean(link);
  };

  const KEYS = {
    j: () => follow('a[rel="next"]:not(.pages a)') || move(1),
    k: () => follow('a[rel="prev"]') || move(-1),
    n: () => jump(1),
    p: () => jump(-1),
    "/": () => { const field = document.querySelector("[data-search]"); if (field) { field.focus(); field.select(); } },
    Escape: () => follow("[data-back]"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target;
    if (target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (event.key === "?") {
      off = !off;
      memory.set(off ? "off" : "on");
      document.documentElement.classList.toggle("nokeys", off);
      return;
    }
    const act = KEYS[event.key];
    if (off || !act) return;
    event.preventDefault();
    act();
  });

  // One open menu at a time; a click elsewhere closes it.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
})();
