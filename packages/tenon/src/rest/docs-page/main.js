/** The page itself: what it shows, and how one gets about in it. */
import { loadApi } from "./api.js";
import { h, icon, methodChip, pathView, prose, replace } from "./dom.js";
import { accessView, operationView } from "./operation-view.js";
import { tokenBox } from "./token.js";

const bar = document.getElementById("bar");
const nav = document.getElementById("nav");
const main = document.getElementById("main");

try {
  start(await loadApi());
} catch (error) {
  replace(main, h("p.note.warn", `The document cannot be shown: ${error.message}`));
}

function start(api) {
  drawBar(api);
  drawNav(api);
  const show = () => showRoute(api);
  addEventListener("hashchange", show);
  show();
}

function drawBar({ info }) {
  const menu = h("button.icon.menu", { type: "button", "aria-label": "Operations", "aria-expanded": "false", "aria-controls": "nav", onclick: () => toggleMenu() }, icon("menu"));
  replace(bar, menu,
    h("a.home", { href: "#/" }, h("span.mark", { "aria-hidden": "true" }), h("strong", info.title), h("span.version", info.version)),
    h("span.space"),
    h("a.raw", { href: "openapi.json" }, "openapi.json"),
    tokenBox.view(),
    themeButton());
}

function toggleMenu(isOpen = !document.body.classList.contains("menu-open")) {
  document.body.classList.toggle("menu-open", isOpen);
  bar.querySelector(".menu").setAttribute("aria-expanded", String(isOpen));
}

const themes = ["auto", "light", "dark"];

function themeButton() {
  const button = h("button.icon", { type: "button" }, icon("theme"));
  const set = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.title = `Colors: ${theme}`;
    button.setAttribute("aria-label", `Colors: ${theme}`);
    keepTheme(theme);
  };
  button.addEventListener("click", () => set(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]));
  set(keptTheme());
  return button;
}

// Storage may be switched off; then the colors are the system's at each visit.
function keptTheme() {
  try {
    const theme = localStorage.getItem("tenon-docs-theme");
    return themes.includes(theme) ? theme : "auto";
  } catch {
    return "auto";
  }
}

function keepTheme(theme) {
  try {
    localStorage.setItem("tenon-docs-theme", theme);
  } catch {
    // see above
  }
}

function drawNav({ operations, services }) {
  const search = h("input.search", { type: "search", placeholder: "Search", "aria-label": "Search operations", autocomplete: "off", spellcheck: "false" });
  const found = h("p.quiet.found", { role: "status" });
  const groups = services.map((service) => {
    const links = service.operations.map((operation) => ({ operation, link: navLink(operation) }));
    return { links, view: h("section", h("h2", service.name, h("span.version", service["x-tenon-version"])), h("ul", links.map(({ link }) => h("li", link)))) };
  });
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { links, view } of groups) {
      const shown = links.filter(({ link, operation }) => !(link.parentElement.hidden = !words.every((word) => operation.words.includes(word))));
      view.hidden = shown.length === 0;
      count += shown.length;
    }
    replace(found, words.length === 0 ? "" : `${count} of ${operations.length}`);
  };
  search.addEventListener("input", filter);
  nav.addEventListener("keydown", (event) => moveInNav(event, search));
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    toggleMenu(true);
    search.focus();
  });
  replace(nav, h("div.search-box", search, h("kbd", { "aria-hidden": "true" }, "/")), found, groups.map(({ view }) => view));
}

function navLink({ deprecated, method, operationId, path, summary }) {
  return h(`a.op${deprecated === true ? ".old" : ""}`, { href: `#/${encodeURIComponent(operationId)}`, "data-id": operationId }, methodChip(method), h("span.op-name", summary), h("span.op-path", path));
}

/** Up and down walk through what is shown; Escape empties the search. */
function moveInNav(event, search) {
  const stops = [search, ...nav.querySelectorAll("li:not([hidden]) > a")];
  const at = stops.indexOf(document.activeElement);
  if (event.key === "Escape") {
    search.value = "";
    search.dispatchEvent(new Event("input"));
    toggleMenu(false);
  } else if (event.key === "Enter" && at === 0) {
    stops[1]?.click();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && at >= 0) {
    event.preventDefault();
    stops[Math.min(Math.max(at + (event.key === "ArrowDown" ? 1 : -1), 0), stops.length - 1)].focus();
  }
}

function showRoute(api) {
  if (location.hash === "#main") return; // the link that skips to the operation
  const id = decodeURIComponent(location.hash.replace(/^#\/?/, ""));
  const operation = api.operations.find((each) => each.operationId === id);
  for (const link of nav.querySelectorAll("a.op")) {
    if (link.dataset.id === id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  toggleMenu(false);
  document.title = operation === undefined ? api.info.title : `${operation.summary} · ${api.info.title}`;
  replace(main, operation === undefined ? overview(api, id) : operationView(operation));
  scrollTo(0, 0);
  if (id !== "") main.focus({ preventScroll: true });
}

function overview({ info, services }, id) {
  return h("div.overview", id === "" ? undefined : h("p.note.warn", `There is no operation ${id}.`),
    h("h1", info.title),
    h("p.quiet", `Version ${info.version}. Every failure is application/problem+json; tell failures apart by their code.`),
    services.map((service) => h("section.service", h("h2", service.name, h("span.version", service["x-tenon-version"])),
      service.description === undefined ? undefined : h("div.prose", prose(service.description)),
      h("ul.cards", service.operations.map((operation) => h("li", h(`a.card${operation.deprecated === true ? ".old" : ""}`, { href: `#/${encodeURIComponent(operation.operationId)}` },
        h("span.card-head", methodChip(operation.method), pathView(operation.path)),
        h("span.card-name", operation.summary),
        h("span.quiet.card-access", icon(operation.access === "public" ? "open" : "lock"), accessView(operation.access)))))))));
}
