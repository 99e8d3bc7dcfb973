/** The OpenAPI document as this page needs it. */

let api = { components: {} };

/** Reads the document and gives its operations, grouped by service, in the document's order. */
export async function loadApi() {
  const response = await fetch("openapi.json", { headers: { accept: "application/json" } });
  if (!response.ok) throw new TypeError(`openapi.json was answered with status ${response.status}`);
  api = await response.json();
  const operations = Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => toOperation(method, path, operation)));
  const services = api.tags.map((tag) => ({ ...tag, operations: operations.filter((operation) => operation.service === tag.name) }));
  return { info: api.info, services, operations };
}

/** Where calls go: the document's server, from the page's own origin, which is all that its policy lets it reach. */
export function serverUrl() {
  const url = new URL(api.servers?.[0]?.url ?? "/", location.href);
  return location.origin + url.pathname.replace(/\/$/, "");
}

function toOperation(method, path, raw) {
  const parameters = raw.parameters.map((each) => ({ ...deref(each), isPlatform: "$ref" in each }));
  const [status, success] = Object.entries(raw.responses).find(([code]) => code.startsWith("2")) ?? ["200", {}];
  const failures = Object.entries(raw.responses).flatMap(([code, response]) => toFailures(code, deref(response)));
  const access = raw["x-tenon-access"] ?? "signed-in";
  const name = raw.operationId.split(".").pop();
  const words = [raw.operationId, method, path, raw.summary, raw.description, JSON.stringify(access), ...parameters.map((each) => each.name), ...failures.map((each) => each.code)];
  return { ...raw, method, path, name, parameters, access, status, success, failures, service: raw.tags[0], kind: raw["x-tenon-kind"], words: words.join(" ").toLowerCase() };
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
export function deref(node) {
  if (typeof node?.$ref !== "string") return node ?? {};
  const { $ref, ...beside } = node;
  const steps = $ref.slice(2).split("/");
  const target = deref(steps.reduce((at, step) => at?.[step], api));
  return { ...target, ...beside, refName: steps.at(-1) };
}

/** A schema with its references and its `allOf` worked in: one level, ready to be looked at. */
export function flat(node) {
  const { allOf, ...schema } = deref(node === true ? {} : node);
  return (allOf ?? []).map(flat).reduce((whole, part) => ({
    ...part,
    ...whole,
    ...(whole.properties || part.properties ? { properties: { ...whole.properties, ...part.properties } } : {}),
    ...(whole.required || part.required ? { required: [...(whole.required ?? []), ...(part.required ?? [])] } : {}),
  }), schema);
}

/** The alternatives of a schema, `null` apart. */
export function choicesOf(schema) {
  const all = schema.oneOf ?? schema.anyOf ?? [];
  return { options: all.filter((each) => flat(each).type !== "null"), orNull: all.some((each) => flat(each).type === "null") || [schema.type].flat().includes("null") };
}

export function typeOf(schema) {
  const types = [schema.type].flat().filter((type) => type !== undefined && type !== "null");
  return types.length === 1 ? types[0] : undefined;
}

/** A value that fits, for a person to start from: what is required, and no more. */
export function sampleOf(node, depth = 0) {
  const schema = flat(node);
  const given = [schema.examples?.[0], schema.example, schema.default, schema.const, schema.enum?.[0]].find((value) => value !== undefined);
  if (given !== undefined) return given;
  const { options } = choicesOf(schema);
  if (options.length > 0) return sampleOf(options[0], depth + 1);
  if (depth > 6) return null;
  switch (typeOf(schema)) {
    case "object": return Object.fromEntries((schema.required ?? []).map((name) => [name, sampleOf(schema.properties?.[name] ?? {}, depth + 1)]));
    case "array": {
      if (schema.prefixItems) return schema.prefixItems.map((item) => sampleOf(item, depth + 1));
      return Array.from({ length: Math.min(schema.minItems ?? 0, 3) }, () => sampleOf(schema.items ?? {}, depth + 1));
    }
    case "integer":
    case "number": return numberIn(schema);
    case "boolean": return false;
    case "string": return textIn(schema);
    default: return null;
  }
}

function numberIn({ exclusiveMinimum, maximum = 1, minimum = 1, multipleOf }) {
  if (exclusiveMinimum !== undefined) return exclusiveMinimum + (multipleOf ?? 1);
  return Math.abs(minimum) > 1e15 ? 1 : Math.min(Math.max(minimum, multipleOf ?? 1), Math.max(maximum, minimum));
}

function textIn({ format, minLength = 0 }) {
  const now = new Date().toISOString();
  const known = { uuid: "3fa85f64-5717-4562-b3fc-2c963f66afa6", email: "ada@example.com", "date-time": now, date: now.slice(0, 10), time: "12:00:00", uri: "https://example.com", hostname: "example.com", ipv4: "192.0.2.1", ipv6: "2001:db8::1", duration: "P1D" };
  return known[format] ?? "text".padEnd(minLength, "x");
}
