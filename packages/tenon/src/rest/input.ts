/**
 * Puts the input of a call together from path, query, headers and body, by the field places of the contract's
 * description. Compiled once per operation. Text that is not of the expected kind is passed on as text, so that the
 * contract's own validation says what is wrong with it.
 */
import type { FieldKind, FieldPlace, HttpDescription } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { readJson } from "./body.ts";
import { queryMaxParameters } from "./limits.ts";
import type { HttpRequest } from "./ports.ts";

/** @param query  The part of the target after `?`, or `""`. */
export type InputReader = (request: HttpRequest, path: Readonly<Record<string, string | undefined>>, query: string) => unknown;

/** How the input of an operation is read. A promise where a body has to be awaited, a plain value otherwise. */
export function inputReader(http: HttpDescription, bodyMaxBytes: number): InputReader {
  const outside = http.fields.filter((place) => place.in !== "body");
  const hasJson = http.fields.some((place) => place.in === "body") || (http.fields.length === 0 && takesBody(http));
  if (!hasJson) return (request, path, query) => fromText(outside, request, path, query);
  if (outside.length === 0) return (request) => readJson(request, bodyMaxBytes).then(emptyIfMissing);

  return async (request, path, query) => {
    const text = fromText(outside, request, path, query);
    const body = emptyIfMissing(await readJson(request, bodyMaxBytes));
    // Not an object: validation says so. The text goes last, so that a body cannot pass for a path.
    return isObject(body) ? { ...body, ...text } : body;
  };
}

function takesBody(http: HttpDescription): boolean {
  return http.method !== "GET" && http.method !== "DELETE";
}

/** A body that was not sent is an empty object: an operation with only optional fields needs none. */
function emptyIfMissing(body: unknown): unknown {
  return body === undefined ? {} : body;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fromText(
  places: readonly FieldPlace[],
  request: HttpRequest,
  path: Readonly<Record<string, string | undefined>>,
  query: string,
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  let parameters: URLSearchParams | undefined;
  for (const place of places) {
    if (place.in === "path") {
      input[place.field] = toKind(path[place.name] ?? "", place.kind);
    } else if (place.in === "header") {
      const value = request.header(place.name);
      if (value === undefined) continue;
      input[place.field] = place.array ? value.split(",").map((item) => toKind(item.trim(), place.kind)) : toKind(value, place.kind);
    } else {
      parameters ??= parseQuery(query);
      readParameter(place, parameters, input);
    }
  }
  return input;
}

function parseQuery(query: string): URLSearchParams {
  const parameters = new URLSearchParams(query);
  if (parameters.size > queryMaxParameters) throw new Fault("invalid_argument", `the query string has more than ${queryMaxParameters} parameters`);
  return parameters;
}

function readParameter(place: FieldPlace, parameters: URLSearchParams, input: Record<string, unknown>): void {
  const values = parameters.getAll(place.name);
  if (place.array) {
    if (values.length > 0 || place.required) input[place.field] = values.map((value) => toKind(value, place.kind));
    return;
  }
  const [value] = values;
  if (value === undefined) return;
  // Two readers that pick different ones of two values are how guards are passed by.
  if (values.length > 1) throw new Fault("invalid_argument", `the query parameter "${place.name}" was sent ${values.length} times`);
  input[place.field] = toKind(value, place.kind);
}

function toKind(text: string, kind: FieldKind): unknown {
  if (kind === "number" && /^-?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?$/.test(text)) return Number(text);
  if (kind === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}
