/** The OpenAPI document as this page needs it, and the AsyncAPI document where there is one. */

let api = { components: {} };

/** Reads the documents and gives operations and events, both grouped by service, in the documents' order. */
export async function loadApi() {
  const eventsAt = document.body.dataset.events;
  const [openApi, asyncApi] = await Promise.all([readDocument("openapi.json"), eventsAt ? readDocument(eventsAt, withinEvents) : undefined]);
  api = { ...openApi, events: asyncApi };
  const operations = Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, raw]) => toOperation(method, path, raw)));
  const events = Object.entries(asyncApi?.channels ?? {}).map(([id, channel]) => toEvent(id, channel, Object.values(asyncApi.operations)));
  return {
    info: api.info,
    operations,
    services: api.tags.map((tag) => ({ ...tag, version: tag["x-tenon-version"], members: operations.filter((each) => each.tags[0] === tag.name) })),
    events,
    emitters: emittersOf(events, asyncApi?.info.tags ?? []),
  };
}

async function readDocument(name, reviver) {
  const response = await fetch(name);
  if (!response.ok) throw new TypeError(`${name} was answered with status ${response.status}`);
  return JSON.parse(await response.text(), reviver);
}

/** To both documents `#` is themselves. Here they are one, and this one is a part of it. */
function withinEvents(key, value) {
  return key === "$ref" && typeof value === "string" ? value.replace(/^#/, "#/events") : value;
}

/** Services that emit, those of other apps last. */
function emittersOf(events, tags) {
  const names = new Set([...tags.map(({ name }) => name), ...events.map(({ service }) => service)]);
  return [...names].map((name) => {
    const tag = tags.find((each) => each.name === name);
    return { name, description: tag?.description, version: tag?.["x-tenon-version"] ?? "", members: events.filter((each) => each.service === name) };
  }).filter(({ members }) => members.length > 0);
}

function toEvent(id, { description = "", title = id }, operations) {
  const { payload, "x-tenon-deprecated": deprecated, "x-tenon-key": key, "x-tenon-upcasts-from": readsFrom = [], "x-tenon-version": version } = api.events.components.messages[id];
  const own = operations.filter(({ channel }) => channel.$ref === `#/events/channels/${id}`);
  const parties = (action) => own.filter((each) => each.action === action).map((each) => ({ service: each["x-tenon-service"], name: each["x-tenon-subscription"] }));
  const subscribers = parties("receive");
  const words = JSON.stringify([id, title, description, key, subscribers]).toLowerCase();
  return { id, service: id.split(".")[0], summary: title, description, payload, data: version && flat(payload).properties.data, deprecated, key, readsFrom, version, emitters: parties("send"), subscribers, words };
}

/** Where calls go: the document's server, from the page's own origin, which is all that its policy lets it reach. */
export function serverUrl() {
  return location.origin + new URL(api.servers[0].url, location.href).pathname.replace(/\/$/, "");
}

function toOperation(method, path, raw) {
  const parameters = raw.parameters.map((each) => ({ ...deref(each), isPlatform: "$ref" in each }));
  const [status, success] = Object.entries(raw.responses).find(([code]) => code.startsWith("2"));
  const failures = Object.entries(raw.responses).flatMap(([code, response]) => toFailures(code, deref(response)));
  const access = raw["x-tenon-access"];
  const words = JSON.stringify([raw.operationId, method, path, raw.summary, raw.description, access, parameters.map(({ name }) => name), failures.map(({ code }) => code)]);
  return { ...raw, method, path, parameters, access, status, success, failures, kind: raw["x-tenon-kind"], isStream: "x-tenon-stream" in success, words: words.toLowerCase() };
}

function toFailures(status, response) {
  // Each is a Problem and what is its own: its code, and perhaps its data.
  const parts = Object.values(response.content ?? {}).flatMap(({ schema }) => (schema?.oneOf ?? [schema]).flatMap((each) => each?.allOf ?? []));
  return (response["x-tenon-faults"] ?? []).map((fault) => {
    const own = parts.find((part) => part.properties?.code?.const === fault.code);
    return { ...fault, status, data: own?.properties.data };
  });
}

/** What a reference leads to, with what stands beside it, and with its name under `refName`. */
function deref(node) {
  if (typeof node?.$ref !== "string") return node ?? {};
  const { $ref, ...beside } = node;
  const steps = $ref.slice(2).split("/");
  return { ...deref(steps.reduce((at, step) => at?.[step], api)), ...beside, refName: steps.at(-1) };
}

/** A schema with its references and its `allOf` worked in: one level, ready to be looked at. */
export function flat(node) {
  const { allOf = [], ...schema } = deref(node === true ? {} : node);
  if (Array.isArray(schema.items)) Object.assign(schema, { prefixItems: schema.items, items: schema.additionalItems }); // a tuple, as AsyncAPI writes it
  return allOf.map(flat).reduce((whole, part) => {
    const merged = { ...part, ...whole };
    if (whole.properties && part.properties) merged.properties = { ...whole.properties, ...part.properties };
    if (whole.required && part.required) merged.required = [...whole.required, ...part.required];
    return merged;
  }, schema);
}

/** The alternatives of a schema, `null` apart. */
export function choicesOf(schema) {
  const all = (schema.oneOf ?? schema.anyOf ?? []).map((option) => [option, flat(option).type === "null"]);
  return { options: all.filter(([, isNull]) => !isNull).map(([option]) => option), orNull: all.some(([, isNull]) => isNull) || (Array.isArray(schema.type) && schema.type.includes("null")) };
}

export function typeOf(schema) {
  const types = [schema.type].flat().filter((type) => type !== "null");
  return types.length === 1 ? types[0] : undefined;
}

export function exampleOf(schema) {
  return schema.examples?.[0] ?? schema.example;
}

/** A value that fits, for a person to start from: what is required, and no more. */
export function sampleOf(node, depth = 0) {
  const schema = flat(node);
  const given = [exampleOf(schema), schema.default, schema.const, schema.enum?.[0]].find((value) => value !== undefined);
  if (given !== undefined) return given;
  const inner = (child) => (depth > 6 ? null : sampleOf(child, depth + 1));
  const [option] = choicesOf(schema).options;
  if (option !== undefined) return inner(option);
  switch (typeOf(schema)) {
    case "object": return Object.fromEntries((schema.required ?? []).map((name) => [name, inner(schema.properties?.[name])]));
    case "array": return schema.prefixItems?.map(inner) ?? Array.from({ length: Math.min(schema.minItems ?? 0, 3) }, () => inner(schema.items));
    case "integer":
    case "number": return numberIn(schema);
    case "boolean": return false;
    case "string": return textIn(schema);
    default: return null;
  }
}

function numberIn({ exclusiveMinimum, maximum = 1, minimum = 1, multipleOf = 1 }) {
  if (exclusiveMinimum !== undefined) return exclusiveMinimum + multipleOf;
  return Math.abs(minimum) > 1e15 ? multipleOf : Math.min(Math.max(minimum, multipleOf), Math.max(maximum, minimum));
}

function textIn({ format, minLength = 0 }) {
  const now = new Date().toISOString();
  const known = { uuid: "3fa85f64-5717-4562-b3fc-2c963f66afa6", email: "ada@example.com", "date-time": now, date: now.slice(0, 10), time: "12:00:00", uri: "https://example.com", duration: "P1D" };
  return known[format] ?? "text".padEnd(minLength, "x");
}
