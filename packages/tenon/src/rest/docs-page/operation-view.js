/** All that is known of one operation. */
import { copyButton, h, icon, inline, methodChip, pathView, prose } from "./dom.js";
import { fieldRow, schemaView } from "./schema-view.js";
import { holds } from "./token.js";
import { tryIt } from "./try-it.js";

export function operationView(operation) {
  const { deprecated, description, method, path, summary } = operation;
  const own = operation.parameters.filter((parameter) => !parameter.isPlatform);
  const body = Object.entries(operation.requestBody?.content ?? {});
  // What the document adds about the end of an operation has a place of its own here.
  const about = (description ?? "").replace(/\s*Deprecated since version [^]*$/, "");
  const panel = tryIt(operation);
  return h("div.operation", h("article", h("p.crumbs", h("a", { href: "#/" }, "All operations"), " / ", operation.service),
      h("h1", summary),
      h("div.route", methodChip(method), pathView(path), copyButton("the path", () => path), h("button.jump", { type: "button", onclick: () => panel.scrollIntoView() }, "Try it")),
      promises(operation),
      deprecated === true ? deprecationNote(operation) : undefined,
      about === "" ? undefined : h("div.prose", prose(about)),
      own.length === 0 ? undefined : section("Parameters", parameterLists(own)),
      body.length === 0 ? undefined : section("Body", bodyView(body, operation.requestBody)),
      section("Answer", successView(operation)),
      section("Failures", failuresView(operation)),
      platformHeaders(operation)),
    panel);
}

function section(title, ...content) {
  return h("section.part", h("h2", title), content);
}

function promises(operation) {
  const deadlineMs = operation["x-tenon-deadline-ms"];
  const limit = operation["x-tenon-rate-limit"];
  const { availability, latency } = operation["x-tenon-objective"] ?? {};
  const goals = [availability === undefined ? undefined : `${availability} %`, ...Object.entries(latency ?? {}).map(([name, value]) => `${name} ${value}`)].filter(Boolean);
  return h("ul.promises", h("li", { title: "Who may call" }, icon(operation.access === "public" ? "open" : "lock"), accessView(operation.access)),
    h("li", { title: operation.kind === "query" ? "Changes nothing; safe to ask again" : "Changes something; one transaction" }, icon(operation.kind === "query" ? "eye" : "pen"), operation.kind),
    deadlineMs === undefined ? undefined : h("li", { title: "How long a call may take" }, icon("clock"), `within ${duration(deadlineMs)}`),
    limit === undefined ? undefined : h("li", { title: "Rate limit" }, icon("gauge"), `${limit.calls} in ${limit.per}, by ${limit.by ?? "caller"}`),
    goals.length === 0 ? undefined : h("li", { title: "Objective" }, icon("target"), goals.join(" · ")));
}

function duration(ms) {
  if (ms < 1_000) return `${ms} ms`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}

/** The rule in words, with what the token at hand has of it. */
export function accessView(rule, depth = 0) {
  if (rule === "public") return "anybody";
  if (rule === "signed-in") return "anybody signed in";
  if ("scope" in rule) return grant("scope", rule.scope);
  if ("role" in rule) return grant("role", rule.role);
  if ("predicate" in rule) return h("span", `“${rule.predicate}”`);
  if ("calledBy" in rule) return "other services";
  const [parts, word] = "allOf" in rule ? [rule.allOf, " and "] : [rule.anyOf, " or "];
  const joined = parts.flatMap((part, index) => [index === 0 ? "" : word, accessView(part, depth + 1)]);
  return h("span", depth > 0 && parts.length > 1 ? ["(", joined, ")"] : joined);
}

function grant(claim, name) {
  const view = h("span.grant", `${claim} `, h("code", name));
  const mark = () => {
    const has = holds(name, claim);
    view.dataset.held = has === undefined ? "" : String(has);
    view.title = has === undefined ? "" : has ? "Your token has it" : "Your token lacks it";
  };
  mark();
  addEventListener("tenon-token", mark);
  return view;
}

function deprecationNote(operation) {
  const { since, sunset, use } = operation["x-tenon-deprecated"] ?? {};
  return h("p.note.warn", h("strong", "Deprecated"), since === undefined ? "" : ` since ${since}`, sunset === undefined ? "." : `; it may be gone after ${sunset}.`, use === undefined ? "" : [" Use ", h("a", { href: `#/${encodeURIComponent(use)}` }, use), " instead."]);
}

function parameterLists(parameters) {
  return [["path", "in the path"], ["query", "in the query"], ["header", "in headers"]].map(([place, title]) => {
    const some = parameters.filter((parameter) => parameter.in === place);
    return some.length === 0 ? undefined : [h("h3", title), h("ul.fields", some.map(parameterRow))];
  });
}

function parameterRow({ deprecated, description, name, required, schema }) {
  return fieldRow(name, { ...schema, ...(description === undefined ? {} : { description }), ...(deprecated === true ? { deprecated } : {}) }, { isRequired: required });
}

function bodyView(content, { description, required }) {
  return content.map(([type, { schema }]) => [
    h("h3", h("code", type), required ? h("span.required", "required") : undefined),
    schema === undefined ? h("p.quiet", description) : schemaView(schema),
  ]);
}

function successView({ status, success }) {
  const content = Object.entries(success.content ?? {});
  const types = content.map(([type]) => h("code", type));
  const schema = content[0]?.[1].schema;
  return [
    h("h3", h("span.status.s2", status), types),
    "x-tenon-stream" in success || schema === undefined ? h("p.quiet", success.description) : undefined,
    schema === undefined ? undefined : schemaView(schema),
  ];
}

const advice = { never: "not as it is", after_reread: "after reading anew", after_delay: "after a while", if_idempotent: "yes, with the same key" };

function failuresView({ failures }) {
  const declared = failures.filter((failure) => failure.declared);
  const platform = failures.filter((failure) => !failure.declared && failure.status !== "default");
  const rows = platform.map(({ code, retry, status, title }) => h("tr", h("td", h(`span.status.s${status[0]}`, status)), h("td", h("code", code), h("div.quiet", title)), h("td", advice[retry] ?? "")));
  return [
    declared.length === 0 ? undefined : h("ul.failures", declared.map(({ code, data, status, title }) => h("li", h("div.field-head", h(`span.status.s${status[0]}`, status), h("code.field-name", code), title === undefined ? undefined : h("span.quiet", inline(title))),
      data === undefined ? undefined : h("details.inside", h("summary", "data"), schemaView(data))))),
    h("details.platform", h("summary", `${platform.length} that any operation like this can meet`),
      h("table", h("thead", h("tr", ["Status", "Code", "Try again?"].map((title) => h("th", { scope: "col" }, title)))), h("tbody", rows))),
  ];
}

function platformHeaders({ parameters }) {
  const own = parameters.filter((parameter) => parameter.isPlatform);
  if (own.length === 0) return undefined;
  return section("Headers of the platform", h("details.platform", h("summary", own.map(({ name }) => name.toLowerCase()).join(", ")), h("ul.fields", own.map(parameterRow))));
}
