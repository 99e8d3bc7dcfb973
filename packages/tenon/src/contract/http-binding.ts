/**
 * Where each field of an input travels over HTTP. Fields named in the path travel there; fields named under
 * `headers` in headers; what is left goes into the query string for GET, DELETE and operations with a body of bytes,
 * and into a JSON body otherwise.
 */
import { dataClassKeyword } from "./data-class.ts";
import type { FieldPlace, HttpDescription } from "./description.ts";
import { listAt, resolveRef } from "./json-schema.ts";
import type { MistakesAt } from "./mistakes.ts";
import { type ObjectShape, objectShapeOf } from "./object-shape.ts";
import type { HttpMethod, OperationSpec } from "./operation.ts";
import { type FieldKind, scalarKindOf } from "./scalar-kind.ts";
import type { JsonSchema } from "./schema.ts";

const methodsOf = {
  query: ["GET"],
  command: ["POST", "PUT", "PATCH", "DELETE"],
} as const satisfies Record<OperationSpec["kind"], readonly HttpMethod[]>;

/** Set by the protocol, the platform or a proxy: a field bound to one of these would be overwritten or leak. */
const reservedHeaders = new Set([
  "accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type", "cookie", "expect",
  "forwarded", "host", "idempotency-key", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
  "keep-alive", "last-event-id", "origin", "proxy-authorization", "range", "request-timeout-ms", "set-cookie", "te", "traceparent",
  "tracestate", "trailer", "transfer-encoding", "upgrade", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
]);

const noFields: ObjectShape = { fields: new Map(), required: new Set(), isOpen: false };

/** @returns `undefined` when a mistake makes the rest meaningless; every mistake found is in `mistakes`. */
export function toHttpDescription(spec: OperationSpec, input: JsonSchema | undefined, mistakes: MistakesAt): HttpDescription | undefined {
  const binding = typeof spec.http === "string" ? { route: spec.http } : spec.http;
  if (binding === undefined) return undefined;
  const route = /^([A-Z]+) (\/\S*)$/.exec(binding.route);
  const method = methodsOf[spec.kind].find((each) => each === route?.[1]);
  if (route === null || method === undefined) {
    const example = spec.kind === "query" ? '"GET /orders/{id}"' : '"POST /orders"';
    mistakes.add(`"${binding.route}" is not a route of a ${spec.kind}`, `write ${methodsOf[spec.kind].join(", ")}, a space and a path: ${example}`);
    return undefined;
  }
  if (method === "DELETE" && spec.body !== undefined) {
    mistakes.add("a DELETE has no body (RFC 9110 section 9.3.5)", "use POST, PUT or PATCH");
  }

  const path = route[2] ?? "/";
  const shape = input === undefined ? noFields : (objectShapeOf(input) ?? noFields);
  const status = ("status" in binding ? binding.status : undefined) ?? (spec.output === undefined ? 204 : 200);
  if (!Number.isInteger(status) || status < 200 || status > 299) {
    mistakes.add(`the success status ${status} is not one of 200 to 299`, "name failures under `errors`; redirects are not an operation's business");
  }
  const reader = new FieldReader(input ?? {}, shape, mistakes);
  const pathNames = pathParameters(path, shape, mistakes);
  const headerOf = headerFields("headers" in binding ? binding.headers : undefined, shape, mistakes);
  const restIn = method === "GET" || method === "DELETE" || spec.body !== undefined ? "query" : "body";
  const fields: FieldPlace[] = [];
  for (const field of shape.fields.keys()) {
    const header = headerOf.get(field);
    if (header !== undefined && pathNames.includes(field)) {
      mistakes.add(`the field "${field}" is in the path and in the header "${header}"`, "take it out of one of them");
    }
    const place = pathNames.includes(field) ? "path" : header === undefined ? restIn : "header";
    const read = place === "body" ? reader.inBody(field) : reader.inText(field, place, header);
    if (read !== undefined) fields.push(read);
  }
  checkOpen(shape, fields, restIn, mistakes);
  return { method, path, status, fields };
}

/** Fields that the schema does not name have no place of their own: they can only be the rest of a JSON body. */
function checkOpen(shape: ObjectShape, fields: readonly FieldPlace[], restIn: "query" | "body", mistakes: MistakesAt): void {
  if (!shape.isOpen) return;
  const hasBody = restIn === "body" && (fields.length === 0 || fields.some((field) => field.in === "body"));
  if (hasBody) return;
  mistakes.add("the input takes fields that it does not name, and they cannot travel in a URL", "put them under a field of a JSON body: z.object({ ..., more: z.record(...) })");
}

/** Finds the place of one field, or says why it has none. */
class FieldReader {
  readonly #input: JsonSchema;
  readonly #shape: ObjectShape;
  readonly #mistakes: MistakesAt;

  constructor(input: JsonSchema, shape: ObjectShape, mistakes: MistakesAt) {
    this.#input = input;
    this.#shape = shape;
    this.#mistakes = mistakes;
  }

  inBody(field: string): FieldPlace {
    return { field, in: "body", name: field, required: this.#shape.required.has(field), kind: "json", array: false };
  }

  inText(field: string, place: "path" | "query" | "header", header: string | undefined): FieldPlace | undefined {
    const schema = this.#shape.fields.get(field) ?? {};
    if (place !== "header" && isSecret(schema, this.#input)) {
      this.#mistakes.add(`the field "${field}" is secret and would travel in the URL, which logs and histories keep`, "send it in a header, or in the JSON body of a command");
    }
    const text = textShape(schema, this.#input);
    if (text === undefined || (text.array && place === "path")) {
      this.#mistakes.add(...cannotTravel(field, place, mayBeNull(schema, this.#input)));
      return undefined;
    }
    return { field, in: place, name: header ?? field, required: this.#shape.required.has(field), ...text };
  }
}

function cannotTravel(field: string, place: "path" | "query" | "header", isNullable: boolean): readonly [problem: string, remedy: string] {
  const where = { path: "a path", query: "a URL", header: "a header" }[place];
  const problem = `the field "${field}" cannot travel in ${where}`;
  if (isNullable) return [`${problem}: null cannot be told from the text "null"`, "make it optional instead of nullable, or move it into a JSON body"];
  const remedy = place === "path" ? "text, a number or true/false" : "text, numbers, true/false, or lists of these";
  return [problem, `make it ${remedy}, each of one kind only; or make the operation a command with a JSON body (POST, PUT, PATCH)`];
}

function pathParameters(path: string, shape: ObjectShape, mistakes: MistakesAt): readonly string[] {
  const names: string[] = [];
  const segments = path.split("/").slice(1);
  segments.forEach((segment, index) => {
    const name = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(segment)?.[1];
    if (name !== undefined) {
      if (names.includes(name)) mistakes.add(`the path names {${name}} twice`, "give each parameter a name of its own");
      names.push(name);
    } else if (segment === "" ? index < segments.length - 1 : !/^[A-Za-z0-9._~-]+$/.test(segment) || /^\.\.?$/.test(segment)) {
      mistakes.add(`the path segment "${segment}" is not plain`, "a segment is either a {parameter} as a whole, or letters, digits and . _ ~ -");
    }
  });
  for (const name of new Set(names)) {
    if (!shape.fields.has(name)) {
      mistakes.add(`the path has {${name}} but the input has no field "${name}"`, `add "${name}" to the input, or take {${name}} out of the path`);
    } else if (!shape.required.has(name)) {
      mistakes.add(`the path parameter "${name}" is optional in the input`, "make it required: a path cannot leave it out");
    }
  }
  return names;
}

/** @returns the header name of each field that travels in one. */
function headerFields(headers: Readonly<Record<string, string>> | undefined, shape: ObjectShape, mistakes: MistakesAt): ReadonlyMap<string, string> {
  const byField = new Map<string, string>();
  const names = new Set<string>();
  for (const [header, field] of Object.entries(headers ?? {})) {
    const name = header.toLowerCase();
    if (!/^[a-z0-9-]+$/.test(name)) mistakes.add(`"${header}" is not a header name`, "letters, digits and - only");
    if (reservedHeaders.has(name)) mistakes.add(`the header "${name}" has a meaning of its own`, `choose another name, such as "x-${name}"`);
    if (names.has(name)) mistakes.add(`the header "${name}" is bound twice`, "one header carries one field; case does not tell headers apart");
    if (byField.has(field)) mistakes.add(`the field "${field}" is bound to two headers`, "keep one of them");
    if (!shape.fields.has(field)) mistakes.add(`the header "${name}" is bound to "${field}", which the input lacks`, `add "${field}" to the input`);
    names.add(name);
    byField.set(field, name);
  }
  return byField;
}

/** How the text of a field is read, or `undefined` when text cannot carry it. */
function textShape(schema: JsonSchema, root: JsonSchema): { readonly kind: FieldKind; readonly array: boolean } | undefined {
  const resolved = resolveRef(schema, root);
  const isArray = resolved["type"] === "array";
  const item = isArray ? resolved["items"] : resolved;
  if (item === null || typeof item !== "object") return undefined;
  const kind = scalarKindOf(item as JsonSchema, root);
  return kind === undefined ? undefined : { kind, array: isArray };
}

function mayBeNull(schema: JsonSchema, root: JsonSchema): boolean {
  const resolved = resolveRef(schema, root);
  if ([resolved["type"]].flat().includes("null")) return true;
  return listAt(resolved, "anyOf", "oneOf").some((branch) => resolveRef(branch as JsonSchema, root)["type"] === "null");
}

function isSecret(schema: JsonSchema, root: JsonSchema): boolean {
  return schema[dataClassKeyword] === "secret" || resolveRef(schema, root)[dataClassKeyword] === "secret";
}
