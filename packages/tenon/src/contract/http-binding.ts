/**
 * Where each field of an input travels over HTTP. Fields named in the path travel there; fields named under
 * `headers` in headers; what is left goes into the query string for GET, DELETE and operations with a body of bytes,
 * and into a JSON body otherwise.
 */
import type { FieldKind, FieldPlace, HttpDescription } from "./description.ts";
import { resolvePointer } from "./data-class.ts";
import type { MistakeList } from "./mistakes.ts";
import type { HttpMethod, OperationSpec } from "./operation.ts";
import type { JsonSchema } from "./schema.ts";

const methodsOf = {
  query: ["GET"],
  command: ["POST", "PUT", "PATCH", "DELETE"],
} as const satisfies Record<OperationSpec["kind"], readonly HttpMethod[]>;

/** Set by the protocol, the platform or a proxy: a field bound to one of these would be overwritten or leak. */
const reservedHeaders = new Set([
  "authorization", "connection", "content-length", "content-type", "cookie", "host", "idempotency-key", "origin",
  "transfer-encoding", "upgrade", "accept", "if-none-match", "traceparent", "tracestate", "request-timeout-ms",
]);

/** @returns `undefined` when a mistake makes the rest meaningless; every mistake found is in `mistakes`. */
export function toHttpDescription(
  at: string,
  spec: OperationSpec,
  input: JsonSchema | undefined,
  mistakes: MistakeList,
): HttpDescription | undefined {
  const binding = typeof spec.http === "string" ? { route: spec.http } : spec.http;
  if (binding === undefined) return undefined;
  const route = /^([A-Z]+) (\/\S*)$/.exec(binding.route);
  const method = methodsOf[spec.kind].find((each) => each === route?.[1]);
  if (route === null || method === undefined) {
    const example = spec.kind === "query" ? '"GET /orders/{id}"' : '"POST /orders"';
    mistakes.add(at, `"${binding.route}" is not a route of a ${spec.kind}`, `write ${methodsOf[spec.kind].join(", ")}, a space and a path: ${example}`);
    return undefined;
  }

  const path = route[2] ?? "/";
  const pathNames = pathParameters(at, path, mistakes);
  const properties = (input?.["properties"] ?? {}) as Record<string, JsonSchema>;
  const required = new Set((input?.["required"] ?? []) as readonly string[]);
  const headerOf = headerFields(at, "headers" in binding ? binding.headers : undefined, properties, mistakes);
  const restIn = method === "GET" || method === "DELETE" || spec.body !== undefined ? "query" : "body";

  for (const name of pathNames) {
    if (!(name in properties)) {
      mistakes.add(at, `the path has {${name}} but the input has no field "${name}"`, `add "${name}" to the input, or take {${name}} out of the path`);
    } else if (!required.has(name)) {
      mistakes.add(at, `the path parameter "${name}" is optional in the input`, "make it required: a path cannot leave it out");
    }
  }

  const fields: FieldPlace[] = [];
  for (const [field, schema] of Object.entries(properties)) {
    const place = pathNames.includes(field) ? "path" : headerOf.has(field) ? "header" : restIn;
    const name = headerOf.get(field) ?? field;
    if (place === "body") {
      fields.push({ field, in: place, name, required: required.has(field), kind: "json", array: false });
      continue;
    }
    const shape = textShape(schema, input ?? {});
    if (shape === undefined || (shape.array && place === "path")) {
      mistakes.add(
        at,
        `the field "${field}" cannot travel in ${place === "header" ? "a header" : place === "path" ? "a path" : "a URL"}`,
        shape?.array === true || spec.kind === "command"
          ? "use text, a number, true/false, or a list of these; or move it into a JSON body (POST, PUT, PATCH)"
          : "flatten it to text, numbers, true/false, or lists of these; or make the operation a command with a body",
      );
      continue;
    }
    fields.push({ field, in: place, name, required: required.has(field), ...shape });
  }

  const noBody = spec.output === undefined;
  const status = ("status" in binding ? binding.status : undefined) ?? (noBody ? 204 : 200);
  if (!Number.isInteger(status) || status < 200 || status > 299) {
    mistakes.add(at, `the success status ${status} is not one of 200 to 299`, "name failures under `errors`; redirects are not an operation's business");
  }
  return { method, path, status, fields };
}

function pathParameters(at: string, path: string, mistakes: MistakeList): readonly string[] {
  const names: string[] = [];
  for (const segment of path.split("/").slice(1)) {
    const whole = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(segment);
    if (whole?.[1] !== undefined) {
      if (names.includes(whole[1])) mistakes.add(at, `the path names {${whole[1]}} twice`, "give each parameter a name of its own");
      names.push(whole[1]);
    } else if (!/^[A-Za-z0-9._~-]*$/.test(segment)) {
      mistakes.add(at, `the path segment "${segment}" is not plain`, "a segment is either a {parameter} as a whole, or letters, digits and . _ ~ -");
    }
  }
  return names;
}

function headerFields(
  at: string,
  headers: Readonly<Record<string, string>> | undefined,
  properties: Record<string, unknown>,
  mistakes: MistakeList,
): ReadonlyMap<string, string> {
  const byField = new Map<string, string>();
  for (const [header, field] of Object.entries(headers ?? {})) {
    const name = header.toLowerCase();
    if (!/^[a-z0-9-]+$/.test(name)) mistakes.add(at, `"${header}" is not a header name`, "letters, digits and - only");
    if (reservedHeaders.has(name)) mistakes.add(at, `the header "${name}" has a meaning of its own`, "choose another name, such as x-" + name);
    if (!(field in properties)) mistakes.add(at, `the header "${name}" is bound to "${field}", which the input lacks`, `add "${field}" to the input`);
    byField.set(field, name);
  }
  return byField;
}

/** How the text of a field is read, or `undefined` when text cannot carry it. */
function textShape(schema: JsonSchema, root: JsonSchema): { readonly kind: FieldKind; readonly array: boolean } | undefined {
  const resolved = resolveRef(schema, root);
  if (resolved["type"] === "array") {
    const item = resolved["items"];
    if (item === null || typeof item !== "object") return undefined;
    const kind = scalarKind(item as JsonSchema, root, 0);
    return kind === undefined ? undefined : { kind, array: true };
  }
  const kind = scalarKind(resolved, root, 0);
  return kind === undefined ? undefined : { kind, array: false };
}

function scalarKind(schema: JsonSchema, root: JsonSchema, depth: number): FieldKind | undefined {
  if (depth > 8) return undefined; // a type that refers to itself is not a scalar
  const resolved = resolveRef(schema, root);
  const branches = (resolved["anyOf"] ?? resolved["oneOf"] ?? resolved["allOf"]) as readonly JsonSchema[] | undefined;
  if (branches !== undefined) return commonKind(branches.map((branch) => scalarKind(branch, root, depth + 1)));
  if ("const" in resolved) return kindOfValue(resolved["const"]);
  if (Array.isArray(resolved["enum"])) return commonKind(resolved["enum"].map(kindOfValue));
  const type = resolved["type"];
  if (Array.isArray(type)) return commonKind(type.map(kindOfType));
  return kindOfType(type);
}

function kindOfType(type: unknown): FieldKind | undefined {
  if (type === "string") return "string";
  if (type === "integer" || type === "number") return "number";
  if (type === "boolean") return "boolean";
  return undefined;
}

function kindOfValue(value: unknown): FieldKind | undefined {
  return kindOfType(typeof value);
}

/** Text is ambiguous between kinds: `1` or `"1"`? Only one kind can be read without guessing. */
function commonKind(kinds: readonly (FieldKind | undefined)[]): FieldKind | undefined {
  const first = kinds[0];
  return kinds.every((kind) => kind === first) ? first : undefined;
}

function resolveRef(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let at = schema;
  for (let hops = 0; hops < 8; hops += 1) {
    const ref = at["$ref"];
    if (typeof ref !== "string" || !ref.startsWith("#")) return at;
    const target = resolvePointer(root, ref.slice(1));
    if (target === null || typeof target !== "object") return at;
    at = target as JsonSchema;
  }
  return at;
}
