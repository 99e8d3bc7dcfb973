/** All that is known of one operation. */
import { button, copyButton, fold, h, hrefOf, icon, inline, methodChip, pathView, prose, statusView } from "./dom.js";
import { fieldRow, schemaView } from "./schema-view.js";
import { holds } from "./token.js";
import { tryIt } from "./try-it.js";

export function operationView(operation) {
  const { description = "", method, parameters, path, requestBody, summary, tags } = operation;
  const own = parameters.filter((parameter) => !parameter.isPlatform);
  const panel = tryIt(operation);
  return h("div.operation",
    h("article",
      h("p.crumbs", h("a", { href: "#/" }, "All operations"), " / ", tags),
      h("h1", summary),
      h("div.route", methodChip(method), pathView(path), copyButton("the path", () => path), button(".jump", () => panel.scrollIntoView(), "Try it")),
      promises(operation),
      deprecationNote(operation["x-tenon-deprecated"], hrefOf),
      h("div.prose", prose(aboutOf(description))),
      own.length > 0 && section("Parameters", parameterLists(own)),
      requestBody && section("Body", bodyView(requestBody)),
      section("Answer", successView(operation)),
      section("Failures", failuresView(operation)),
      section("Headers of the platform", platformHeaders(parameters))),
    panel);
}

/** A description without what the document adds about the end of an operation, which has a place of its own here. */
export function aboutOf(description) {
  return description.replace(/\s*Deprecated since version [^]*$/, "");
}

export function section(title, ...content) {
  return h("section.part", h("h2", title), content);
}

function promises(operation) {
  const { access, kind, "x-tenon-deadline-ms": deadlineMs, "x-tenon-objective": goal, "x-tenon-rate-limit": limit } = operation;
  const goals = goal && [goal.availability && `${goal.availability} %`, ...Object.entries(goal.latency ?? {}).map(([name, value]) => `${name} ${value}`)].filter(Boolean);
  const promise = (title, sign, text) => h("li", { title }, icon(sign), text);
  return h("ul.promises",
    promise("Who may call", access === "public" ? "open" : "lock", accessView(access)),
    promise(kind === "query" ? "Changes nothing: safe to ask again" : "Changes something, in one transaction", kind, kind),
    promise("How long a call may take", "clock", `within ${deadlineMs < 1_000 ? `${deadlineMs} ms` : `${deadlineMs / 1_000} s`}`),
    limit && promise("Rate limit", "limit", `${limit.calls} in ${limit.per.replace(/m$/, " min")}, by ${limit.by ?? "caller"}`),
    goals && promise("Objective", "goal", goals.join(" · ")));
}

/** The rule in words, with what the token at hand has of it. */
export function accessView(rule, depth = 0) {
  if (rule === "public") return "anybody";
  if (rule === "signed-in") return "anybody signed in";
  if (rule.predicate) return `“${rule.predicate}”`;
  const parts = rule.allOf ?? rule.anyOf;
  if (!parts) return grantView(...Object.entries(rule)[0]);
  const joined = parts.flatMap((part, index) => [index > 0 && (rule.allOf ? " and " : " or "), accessView(part, depth + 1)]);
  return h("span", depth > 0 ? ["(", joined, ")"] : joined);
}

function grantView(claim, name) {
  return markGrant(h("span.grant", { "data-claim": claim, "data-name": name }, `${claim} `, h("code", name)));
}

/** Shows whether the token at hand has it. */
export function markGrant(view) {
  const has = holds(view.dataset.claim, view.dataset.name);
  view.dataset.held = has ?? "";
  view.title = has === undefined ? "" : `Your token ${has ? "has" : "lacks"} it`;
  return view;
}

/** @param toHref  Leads from an identifier to its place on this page. */
export function deprecationNote(deprecation, toHref) {
  const { since, sunset, use } = deprecation ?? {};
  return deprecation && h("p.note.warn", h("strong", "Deprecated"), ` since ${since}`, sunset ? `; it may be gone after ${sunset}.` : ".", use && [" Use ", h("a", { href: toHref(use) }, use), " instead."]);
}

function parameterLists(parameters) {
  return Object.entries({ path: "in the path", query: "in the query", header: "in headers" }).map(([place, title]) => {
    const rows = parameters.filter((parameter) => parameter.in === place).map(parameterRow);
    return rows.length > 0 && [h("h3", title), h("ul.fields", rows)];
  });
}

function parameterRow({ deprecated, description, name, required, schema }) {
  return fieldRow(name, { description, deprecated, ...schema }, { isRequired: required });
}

function bodyView({ content, description, required }) {
  return Object.entries(content).map(([type, { schema }]) => [h("h3", h("code", type), required && h("span.required", "required")), schema ? schemaView(schema) : h("p.quiet", description)]);
}

function successView({ isStream, status, success }) {
  const content = Object.entries(success.content ?? {});
  const schema = content[0]?.[1].schema;
  return [h("h3", statusView(status), content.map(([type]) => h("code", type))), (isStream || !schema) && h("p.quiet", success.description), schema && schemaView(schema)];
}

const advice = { never: "not as it is", after_reread: "after reading anew", after_delay: "after a while", if_idempotent: "yes, with the same key" };

function failuresView({ failures }) {
  const own = failures.filter((failure) => failure.declared);
  const platform = failures.filter((failure) => !failure.declared);
  return [
    h("ul.failures", own.map(({ code, data, status, title }) => h("li",
      h("div.field-head", statusView(status), h("code.field-name", code), title && h("span.quiet", inline(title))),
      data && fold("inside", true, "data", schemaView(data))))),
    fold("platform", false, `${platform.length} that any operation like this can meet`, h("table",
      h("thead", h("tr", ["Status", "Code", "Try again?"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", platform.map(({ code, retry, status, title }) => h("tr", h("td", statusView(status)), h("td", h("code", code), h("div.quiet", title)), h("td", advice[retry])))))),
  ];
}

function platformHeaders(parameters) {
  const own = parameters.filter((parameter) => parameter.isPlatform);
  return fold("platform", false, own.map(({ name }) => name.toLowerCase()).join(", "), h("ul.fields", own.map(parameterRow)));
}
