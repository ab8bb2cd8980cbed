// The tail of a list: new rows wait behind a line until one asks for them, or come by themselves
// while one follows. Where the pointer or the focus is in the list, they wait.
const line = document.querySelector("[data-newer] a");
const body = document.querySelector("[data-tail]");
const follow = document.querySelector("[data-follow]");
const MOST = 500;
let waiting = [];

const following = () => new URLSearchParams(location.search).get("tail") === "follow";
const reading = () => body.matches(":hover") || body.contains(document.activeElement);

const show = () => {
  const rows = waiting.map(({ row, known }) => { known.add(row.dataset.id); return document.adoptNode(row); });
  waiting = [];
  for (const row of rows) row.classList.add("fresh");
  body.prepend(...rows);
  while (body.children.length > MOST) body.lastElementChild.remove();
  line.hidden = true;
  document.dispatchEvent(new CustomEvent("shown"));
};

if (line && body) {
  document.addEventListener("newer", ({ detail: { rows, known } }) => {
    waiting = rows.map((row) => ({ row, known }));
    if (waiting.length > 0 && following() && !reading()) show();
  });
  line.addEventListener("click", (event) => {
    if (waiting.length === 0) return;
    event.preventDefault();
    show();
  });
}

if (follow) {
  follow.hidden = false;
  const words = follow.querySelector("[data-words]");
  const say = () => {
    words.textContent = following() ? "Hold the list" : "Follow";
    follow.setAttribute("aria-pressed", String(following()));
  };
  follow.addEventListener("click", () => {
    const url = new URL(location.href);
    if (following()) url.searchParams.delete("tail");
    else url.searchParams.set("tail", "follow");
    history.replaceState(history.state, "", url);
    say();
    if (following() && waiting.length > 0) show();
  });
  say();
}
