// Live pages. An event says that something changed; we fetch this same page again and swap the
// parts marked data-live. Without this script every page works; it is then reloaded by hand.
(() => {
  "use strict";
  const live = () => [...document.querySelectorAll("[data-live][id]")];
  if (!live().length || !window.EventSource) return;
  const offline = document.getElementById("offline");
  const PACE_MS = 1000, POLL_MS = 15000;
  let running = false, again = false, last = 0;

  const busy = (part) => part.contains(document.activeElement) &&
    /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);

  async function refresh() {
    if (running) { again = true; return; }
    running = true;
    await new Promise((done) => setTimeout(done, Math.max(0, last + PACE_MS - Date.now())));
    last = Date.now();
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Reprise-Live": "1" } });
      if (answer.redirected) { location.reload(); return; }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of live()) {
          const fresh = page.getElementById(part.id);
          if (!fresh) { location.reload(); return; }
          if (busy(part) || fresh.outerHTML === part.outerHTML) continue;
          const held = document.activeElement && part.contains(document.activeElement) && document.activeElement.id;
          const open = [...part.querySelectorAll("details[id][open]")].map((d) => d.id);
          part.replaceWith(document.importNode(fresh, true));
          for (const id of open) { const d = document.getElementById(id); if (d) d.open = true; }
          if (held) { const el = document.getElementById(held); if (el) el.focus(); }
        }
        offline.hidden = true;
      }
    } catch { offline.hidden = false; }
    running = false;
    if (again) refresh();
  }

  let source = null;
  function listen() {
    source = new EventSource("/events");
    source.onopen = () => { if (!offline.hidden) refresh(); offline.hidden = true; };
    source.addEventListener("fact", refresh);
    source.addEventListener("progress", refresh);
    source.onerror = () => { if (source && source.readyState !== EventSource.OPEN) offline.hidden = false; };
  }
  function rest() { if (source) source.close(); source = null; }
  // A browser keeps six connections to one host: only the tab that is looked at holds one.
  function follow() {
    if (document.hidden) { rest(); return; }
    if (!source) { listen(); refresh(); }
  }
  if (!document.hidden) listen();
  // The stream may be refused (too many tabs, log-in over): then this page asks by itself.
  setInterval(() => {
    if (source && source.readyState === EventSource.CLOSED) { rest(); follow(); }
  }, POLL_MS);
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (shown) => { if (shown.persisted) follow(); });
})();
