/**
 * Puts the input of a call together from path, query, headers and body, by the field places of the contract's
 * description. Compiled once per operation. Text that is not of the expected kind is passed on as text, so that the
 * contract's own validation says what is wrong with it.
 *
 * A field is read from its own place and from no other: a body cannot pass for a path or a header.
 */
import { type FieldKind, type FieldPlace, hasJsonBody, type OperationDescription } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { parseJson } from "./body.ts";
import { queryMaxParameters } from "./limits.ts";
import type { HttpRequest } from "./ports.ts";

/** Where the fields of one request are. */
export interface InputPlaces {
  readonly request: HttpRequest;
  /** Path parameters, decoded. */
  readonly path: Readonly<Record<string, string | undefined>>;
  /** The part of the target after `?`, or `""`. */
  readonly query: string;
  /** The JSON body, where the operation reads one and the request had one. */
  readonly body: Uint8Array | undefined;
}

/** @throws {Fault} `invalid_argument` */
export type InputReader = (places: InputPlaces) => unknown;

/** How the input of an operation is read. */
export function inputReader(description: OperationDescription): InputReader {
  const fields = description.http?.fields ?? [];
  const outside = fields.filter((place) => place.in !== "body");
  if (description.input === undefined) return () => undefined;
  if (!hasJsonBody(description)) return (places) => fromText(outside, places);
  if (outside.length === 0) return (places) => fromBody(places);

  return (places) => {
    const body = fromBody(places);
    if (!isObject(body)) return body; // validation says what is wrong with it
    const text = fromText(outside, places);
    const input = { ...body };
    for (const { field } of outside) {
      if (Object.hasOwn(text, field)) input[field] = text[field];
      else delete input[field];
    }
    return input;
  };
}

/** A body that was not sent is an empty object: an operation with only optional fields needs none. */
function fromBody({ body }: InputPlaces): unknown {
  const value = body === undefined ? undefined : parseJson(body);
  return value === undefined ? {} : value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fromText(places: readonly FieldPlace[], { path, query, request }: InputPlaces): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  let parameters: URLSearchParams | undefined;
  for (const place of places) {
    if (place.in === "path") {
      input[place.field] = toKind(path[place.name] ?? "", place.kind);
    } else if (place.in === "header") {
      readHeader(place, request.header(place.name), input);
    } else {
      parameters ??= parseQuery(query);
      readParameter(place, parameters, input);
    }
  }
  return input;
}

function readHeader(place: FieldPlace, value: string | undefined, input: Record<string, unknown>): void {
  if (value === undefined) {
    if (place.array && place.required) input[place.field] = [];
  } else if (place.array) {
    // Empty elements do not count (RFC 9110 section 5.6.1).
    const items = value.split(",").map((item) => item.trim()).filter((item) => item !== "");
    input[place.field] = items.map((item) => toKind(item, place.kind));
  } else {
    input[place.field] = toKind(value, place.kind);
  }
}

/** As https://url.spec.whatwg.org/#urlencoded-parsing has it: what is not encoded properly stands for itself. */
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
