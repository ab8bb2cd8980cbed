// One stream per page, only while it is looked at: browsers open few connections to one host.
// It says that something changed; where there is none, the page asks by itself.
export const listen = (changed, up) => {
  let stream = null;
  const open = () => {
    if (stream || document.hidden) return;
    stream = new EventSource("/api/v1/events");
    stream.addEventListener("open", () => up(true));
    stream.addEventListener("news", changed);
    stream.addEventListener("error", () => {
      up(false);
      // Refused for good: the browser does not try again by itself.
      if (stream && stream.readyState === EventSource.CLOSED) stream = null;
    });
  };
  const close = () => {
    stream?.close();
    stream = null;
    up(false);
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  setInterval(open, 15000);
  open();
};
