// Keeps the first page as it is now: puts what the server sends in place of each section. The page
// says all without it; it is then loaded again by hand.
"use strict";
(() => {
  const status = document.getElementById("updating");
  const button = document.getElementById("pause");
  const retryAfter = 10000; // ms, where the server has no room
  let source = null;
  let retry = 0;
  let paused = false;

  const say = (what) => {
    if (status.textContent !== status.dataset[what]) status.textContent = status.dataset[what];
  };

  // What has the focus keeps it, and what was scrolled stays so.
  const replace = (event) => {
    const section = document.getElementById(event.type);
    if (!section) return;
    const focused = section.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = Array.from(section.querySelectorAll("[id]"), (e) => [e.id, e.scrollLeft]);
    section.innerHTML = event.data;
    for (const [id, left] of scrolled) {
      const element = left && document.getElementById(id);
      if (element) element.scrollLeft = left;
    }
    const again = focused && document.getElementById(focused);
    if (again) again.focus({ preventScroll: true });
  };

  const stop = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  };

  const start = () => {
    stop();
    source = new EventSource(status.dataset.events);
    for (const section of document.querySelectorAll("[data-section]")) {
      source.addEventListener(section.id, replace);
    }
    source.onopen = () => say("live");
    source.onerror = () => {
      say("lost");
      if (source && source.readyState === EventSource.CLOSED) retry = setTimeout(start, retryAfter);
    };
  };

  // While nobody looks, nothing is sent.
  const update = () => {
    if (paused || document.hidden) stop();
    else if (!source) start();
  };

  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    if (paused) say("paused");
    update();
  });
  document.addEventListener("visibilitychange", update);
  button.hidden = false;
  update();
})();
