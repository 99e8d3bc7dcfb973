/** The page itself: what it shows, and how one gets about in it. */
import { loadApi } from "./api.js";
import { h, hrefOf, icon, methodChip, pathView, prose, replace, signButton, storedIn } from "./dom.js";
import { accessView, markGrant, operationView } from "./operation-view.js";
import { tokenView } from "./token.js";

const [bar, nav, main] = ["bar", "nav", "main"].map((id) => document.getElementById(id));
const menu = signButton(".menu", "Operations", () => toggleMenu(), icon("menu"));
menu.setAttribute("aria-controls", "nav");

try {
  const api = await loadApi();
  drawBar(api.info);
  drawNav(api);
  addEventListener("hashchange", () => {
    showRoute(api);
    main.focus({ preventScroll: true }); // what was followed is gone or elsewhere; reading goes on here
  });
  showRoute(api);
} catch (error) {
  replace(main, h("p.note.warn", `The document cannot be shown: ${error.message}`));
}

function drawBar({ title, version }) {
  const token = tokenView(() => document.querySelectorAll(".grant").forEach(markGrant));
  replace(bar, menu, h("a.home", { href: "#/" }, h("span.mark"), h("strong", title), h("span.version", version)), h("a.raw", { href: "openapi.json" }, "openapi.json"), token, themeButton());
}

function toggleMenu(isOpen = menu.ariaExpanded !== "true") {
  document.body.classList.toggle("menu-open", isOpen);
  menu.ariaExpanded = isOpen;
}

function themeButton() {
  const themes = ["auto", "light", "dark"];
  const store = storedIn("localStorage", "tenon-docs-theme");
  const made = signButton("", "", () => set((at + 1) % 3), icon("theme"));
  let at;
  const set = (index) => {
    at = index;
    store.write((document.documentElement.dataset.theme = themes[at]));
    made.title = made.ariaLabel = `Colors: ${themes[at]}`;
  };
  set(Math.max(themes.indexOf(store.read()), 0));
  return made;
}

function drawNav({ operations, services }) {
  const search = h("input", { type: "search", placeholder: "Search", "aria-label": "Search operations", oninput: () => filter() });
  const found = h("p.quiet.found", { role: "status" });
  const sections = services.map(({ name, operations: own, version }) => h("section", h("h2", name, h("span.version", version)), h("ul", own.map((operation) => h("li", navLink(operation))))));
  const items = operations.map((operation) => ({ operation, item: sections.flatMap((each) => [...each.querySelectorAll("li")]).find((li) => li.firstChild.dataset.id === operation.operationId) }));
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { item, operation } of items) item.hidden = !words.every((word) => operation.words.includes(word));
    for (const each of sections) each.hidden = each.querySelector("li:not([hidden])") === null;
    replace(found, words.length > 0 && `${items.filter(({ item }) => !item.hidden).length} of ${items.length}`);
  };
  const walk = (event) => {
    const stops = [search, ...nav.querySelectorAll("li:not([hidden]) > a")];
    const at = stops.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") toggleMenu(filter((search.value = "")));
    if (event.key === "Enter" && at === 0) stops[1]?.click();
    if (step === undefined) return;
    event.preventDefault();
    stops[Math.min(Math.max(at + step, 0), stops.length - 1)].focus();
  };
  nav.addEventListener("keydown", walk);
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    toggleMenu(true);
    search.focus();
  });
  replace(nav, h("div.search", search, h("kbd", "/")), found, sections);
}

function navLink({ deprecated, method, operationId, path, summary }) {
  return h(deprecated ? "a.op.old" : "a.op", { href: hrefOf(operationId), "data-id": operationId }, methodChip(method), h("span.name", summary), h("span.op-path", path));
}

function showRoute(api) {
  if (location.hash === "#main") return; // the link that skips to the operation
  const id = decodeURIComponent(location.hash.replace(/^#\/?/, ""));
  const operation = api.operations.find((each) => each.operationId === id);
  for (const link of nav.querySelectorAll("a")) link.ariaCurrent = link.dataset.id === id ? "page" : null;
  nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  toggleMenu(false);
  document.title = operation ? `${operation.summary} · ${api.info.title}` : api.info.title;
  replace(main, operation ? operationView(operation) : overview(api, id));
  scrollTo(0, 0);
}

function overview({ info, services }, id) {
  return h("div.overview",
    id !== "" && h("p.note.warn", `There is no operation ${id}.`),
    h("h1", info.title),
    h("p.quiet", `Version ${info.version}. Every failure is application/problem+json; tell failures apart by their code.`),
    services.map(({ description = "", name, operations, version }) => h("section.service",
      h("h2", name, h("span.version", version)),
      h("div.prose", prose(description)),
      h("ul.cards", operations.map(cardOf)))));
}

function cardOf({ access, deprecated, method, operationId, path, summary }) {
  return h("li", h(deprecated ? "a.card.old" : "a.card", { href: hrefOf(operationId) },
    h("span.card-head", methodChip(method), pathView(path)),
    h("strong.name", summary),
    h("span.quiet", icon(access === "public" ? "open" : "lock"), " ", accessView(access))));
}
