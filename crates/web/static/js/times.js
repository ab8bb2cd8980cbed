// Times are written in UTC; here they become the reader's own, the exact value on hover.
const day = (at) => at.toLocaleDateString("sv-SE");
const clock = (at, seconds) =>
  at.toLocaleTimeString("sv-SE", { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });

const exact = (at) => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return `${day(at)} ${at.toLocaleTimeString("sv-SE")} ${zone} (${at.toISOString()})`;
};

// `data-show`: `clock` (14:02:31, with its day where that is another), `day` (2026-11-20 14:02).
// Without it the words stay: "14 s ago" is the same everywhere.
const write = (place) => {
  const at = new Date(place.dateTime);
  if (Number.isNaN(at.getTime())) return;
  place.title = exact(at);
  const today = day(at) === day(new Date());
  if (place.dataset.show === "clock") place.textContent = today ? clock(at, true) : `${day(at).slice(5)} ${clock(at)}`;
  if (place.dataset.show === "day") place.textContent = `${day(at)} ${clock(at)}`;
};

export const writeTimes = (within) => within.querySelectorAll("time[datetime]").forEach(write);

writeTimes(document);
