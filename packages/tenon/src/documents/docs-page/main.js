/** The page itself: what it shows, and how one gets about in it. */
import { loadApi } from "./api.js";
import { h, hrefOf, icon, methodChip, pathView, prose, replace, signButton, storedIn } from "./dom.js";
import { eventHref, eventView, versionChip } from "./event-view.js";
import { accessView, markGrant, operationView } from "./operation-view.js";
import { tokenView } from "./token.js";

const [bar, nav, main] = ["bar", "nav", "main"].map((id) => document.getElementById(id));
const menu = signButton(".menu", "Operations", () => toggleMenu(), icon("menu"));
menu.setAttribute("aria-controls", "nav");
let shownArea;

try {
  const api = await loadApi();
  const areas = areasOf(api);
  drawBar(api.info);
  const showArea = drawNav(areas);
  const showRoute = () => showPlace(api.info, areas, showArea);
  addEventListener("hashchange", () => {
    showRoute();
    main.focus({ preventScroll: true }); // what was followed is gone or elsewhere; reading goes on here
  });
  showRoute();
} catch (error) {
  replace(main, h("p.note.warn", `The document cannot be shown: ${error.message}`));
}

/** What the page is divided into: the operations, and the events of an app that has some. */
function areasOf({ emitters, events, info, operations, services }) {
  const aboutOperations = `Version ${info.version}. Every failure is application/problem+json; tell failures apart by their code.`;
  const aboutEvents = "What happened, in envelopes of CloudEvents 1.0.2. Each comes once or more often; those of one key come in order.";
  const all = [
    { name: "Operations", one: "operation", title: info.title, about: aboutOperations, source: "openapi.json", members: operations, groups: services, idOf: (each) => each.operationId, href: (id) => (id === "" ? "#/" : hrefOf(id)), link: navLink, card: cardOf, view: operationView },
    { name: "Events", one: "event", title: "Events", about: aboutEvents, source: "asyncapi.json", members: events, groups: emitters, idOf: (each) => each.id, href: eventHref, link: eventLink, card: eventCard, view: eventView },
  ];
  return events.length > 0 ? all : all.slice(0, 1);
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

/** Gives back a function that shows the list of an area. */
function drawNav(areas) {
  const search = h("input", { type: "search", placeholder: "Search", oninput: () => filter() });
  const found = h("p.quiet.found", { role: "status" });
  const list = h("div");
  const tabs = areas.map(({ href, name }) => h("a", { href: href("") }, name));
  let items = [];
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { item, member } of items) item.hidden = !words.every((word) => member.words.includes(word));
    for (const each of list.children) each.hidden = each.querySelector("li:not([hidden])") === null;
    replace(found, words.length > 0 && `${items.filter(({ item }) => !item.hidden).length} of ${items.length}`);
  };
  const showArea = (area) => {
    nav.ariaLabel = area.name;
    search.ariaLabel = `Search ${area.name.toLowerCase()}`;
    tabs.forEach((tab, index) => (tab.ariaCurrent = areas[index] === area ? "true" : null));
    const groups = area.groups.map(({ members, name, version }) => ({ name, version, rows: members.map((member) => ({ member, item: h("li", area.link(member)) })) }));
    items = groups.flatMap(({ rows }) => rows);
    replace(list, groups.map(({ name, rows, version }) => h("section", h("h2", name, h("span.version", version)), h("ul", rows.map(({ item }) => item)))));
    filter();
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
  replace(nav, tabs.length > 1 && h("div.tabs", tabs), h("div.search", search, h("kbd", "/")), found, list);
  return showArea;
}

function navLink({ deprecated, method, operationId, path, summary }) {
  return h(deprecated ? "a.op.old" : "a.op", { href: hrefOf(operationId), "data-id": operationId }, methodChip(method), h("span.name", summary), h("span.op-path", path));
}

function eventLink(event) {
  return h(event.deprecated ? "a.op.old" : "a.op", { href: eventHref(event.id), "data-id": event.id }, versionChip(event), h("span.name", event.summary), h("span.op-path", event.id));
}

function showPlace(info, areas, showArea) {
  if (location.hash === "#main") return; // the link that skips to the operation
  const path = decodeURIComponent(location.hash.replace(/^#\/?/, ""));
  const isEvent = areas.length > 1 && /^events(\/|$)/.test(path);
  const area = areas[isEvent ? 1 : 0];
  const id = isEvent ? path.slice("events/".length) : path;
  if (area !== shownArea) showArea((shownArea = area));
  const member = area.members.find((each) => area.idOf(each) === id);
  for (const link of nav.querySelectorAll("li > a")) link.ariaCurrent = link.dataset.id === id ? "page" : null;
  nav.querySelector("li > [aria-current]")?.scrollIntoView({ block: "nearest" });
  toggleMenu(false);
  const raw = bar.querySelector(".raw");
  raw.href = raw.textContent = area.source;
  const title = member?.summary ?? (isEvent ? area.title : undefined);
  document.title = title ? `${title} · ${info.title}` : info.title;
  replace(main, member ? area.view(member) : overview(area, id));
  scrollTo(0, 0);
}

function overview({ about, card, groups, one, title }, id) {
  return h("div.overview",
    id !== "" && h("p.note.warn", `There is no ${one} ${id}.`),
    h("h1", title),
    h("p.quiet", about),
    groups.map(({ description = "", members, name, version }) => h("section.service",
      h("h2", name, h("span.version", version)),
      h("div.prose", prose(description)),
      h("ul.cards", members.map(card)))));
}

function eventCard(event) {
  const { deprecated, id, subscribers, summary } = event;
  const count = subscribers.length;
  return h("li", h(deprecated ? "a.card.old" : "a.card", { href: eventHref(id) },
    h("span.card-head", versionChip(event), h("code.path", id)),
    h("strong.name", summary),
    h("span.quiet", count === 0 ? "no subscribers here" : `${count} ${count === 1 ? "subscriber" : "subscribers"}`)));
}

function cardOf({ access, deprecated, method, operationId, path, summary }) {
  return h("li", h(deprecated ? "a.card.old" : "a.card", { href: hrefOf(operationId) },
    h("span.card-head", methodChip(method), pathView(path)),
    h("strong.name", summary),
    h("span.quiet", icon(access === "public" ? "open" : "lock"), " ", accessView(access))));
}
