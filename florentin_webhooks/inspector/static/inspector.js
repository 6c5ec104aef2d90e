// Everything works without this script. It keeps the page live, adds keys, and copies.

const live = document.getElementById("live");
const announce = document.getElementById("announce");
const rows = () => [...document.querySelectorAll("table.list tbody tr")];

function enliven() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

async function refresh() {
  const known = new Set(rows().map((row) => row.id));
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || fresh.innerHTML === part.innerHTML) continue;
    const focused = document.activeElement?.id;
    const open = [...part.querySelectorAll("details[open] [id]")].map((each) => each.id);
    part.replaceChildren(...fresh.childNodes);
    for (const id of open) document.getElementById(id)?.closest("details")?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
  enliven();
  const added = rows().filter((row) => known.size && !known.has(row.id));
  for (const row of added) row.classList.add("new");
  if (added.length) announce.textContent = `${added.length} new`;
}

const events = document.body.dataset.events;
let source = null, silence = 0;

function listen() { // A stream ends by itself, and the browser opens the next.
  if (!events || source || document.hidden) return;
  source = new EventSource(events);
  source.addEventListener("open", () => { clearTimeout(silence); live.hidden = false; });
  source.addEventListener("error", () => {
    clearTimeout(silence);
    silence = setTimeout(() => { live.hidden = true; }, 5000);
    if (source?.readyState === EventSource.CLOSED) { // No browser asks again after a 502 or 403.
      leave();
      setTimeout(listen, 5000);
    }
  });
  source.addEventListener("change", () => {
    refresh().catch(() => { live.hidden = true; });
  });
}

function leave() {
  source?.close();
  source = null;
}

addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
listen();

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text.textContent);
    return "Copied";
  } catch { // Not allowed here, or not over https.
    getSelection().selectAllChildren(text);
    return "Selected";
  }
}

function move(step) {
  const links = rows().map((row) => row.querySelector("a"));
  if (!links.length) return;
  const place = links.indexOf(document.activeElement);
  links[Math.min(Math.max(place + step, 0), links.length - 1)].focus();
}

addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && typing) return typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.getElementById("search");
  if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
  if (event.key === "j") move(1);
  if (event.key === "k") move(-1);
});

addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    button.textContent = await copy(document.getElementById(button.dataset.copy));
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
    return;
  }
  const row = event.target.closest("table.list tbody tr");
  if (row && !event.target.closest("a") && !String(getSelection())) row.querySelector("a").click();
});

for (const select of document.querySelectorAll("[data-submit]")) {
  select.addEventListener("change", () => select.form.submit());
}
for (const each of document.querySelectorAll(".no-script")) each.hidden = true;
enliven();
