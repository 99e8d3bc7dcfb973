/** Turns the input of a call into a request: the counterpart of what the REST face reads, from the same field places. */
import { type Bytes, type FieldPlace, hasJsonBody, type HttpDescription, type OperationDescription } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { type RequestBody, uploadBody } from "./upload.ts";

export interface WireRequest {
  readonly method: string;
  /** Path and query, to be put behind the app's URL. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: RequestBody | undefined;
  /** Whether it can be sent a second time: a stream is gone after the first. */
  readonly isRepeatable: boolean;
}

/** @throws {Fault} `invalid_argument` for an input that no request can carry. */
export type RequestBuilder = (input: unknown, upload: Bytes | undefined) => Promise<WireRequest>;

export function requestBuilder(operation: OperationDescription, http: HttpDescription): RequestBuilder {
  const outside = http.fields.filter((place) => place.in !== "body");
  const takesJson = hasJsonBody(operation);

  return async (input, upload) => {
    assertUpload(operation, upload);
    const fields = (input ?? {}) as Readonly<Record<string, unknown>>;
    const headers = new Headers();
    const accept = acceptedTypes(operation);
    if (accept !== undefined) headers.set("accept", accept);
    for (const place of outside) {
      if (place.in === "header") setHeader(headers, place, fields[place.field]);
    }
    const common = { method: http.method, target: pathOf(http, fields) + queryOf(outside, fields), headers };

    if (upload !== undefined) {
      headers.set("content-type", upload.mediaType);
      return { ...common, body: await uploadBody(upload), isRepeatable: upload.content instanceof Uint8Array };
    }
    if (!takesJson) return { ...common, body: undefined, isRepeatable: true };
    headers.set("content-type", "application/json");
    return { ...common, body: toJson(bodyFields(outside, input)), isRepeatable: true };
  };
}

function assertUpload(operation: OperationDescription, upload: Bytes | undefined): void {
  if (operation.body !== undefined && upload === undefined) {
    throw new Fault("invalid_argument", `${operation.id} takes a body of bytes: give options.body`);
  }
  if (operation.body === undefined && upload !== undefined) {
    throw new Fault("invalid_argument", `${operation.id} takes no body of bytes`);
  }
}

function acceptedTypes(operation: OperationDescription): string | undefined {
  const { output } = operation;
  switch (output.kind) {
    case "none": return undefined;
    case "json": return "application/json";
    case "stream": return "application/x-ndjson";
    case "bytes": return output.mediaTypes.join(", ");
  }
}

function pathOf(http: HttpDescription, fields: Readonly<Record<string, unknown>>): string {
  return http.path.replaceAll(/\{([^}]*)\}/g, (_, name: string) => {
    const place = http.fields.find((each) => each.in === "path" && each.name === name);
    const [text = ""] = place === undefined ? [] : valuesOf(place, fields[place.field]);
    // A URL drops "." and ".." (https://url.spec.whatwg.org/#single-dot-path-segment), so the call would go elsewhere.
    if (text === "" || text === "." || text === "..") {
      throw invalid(place?.field ?? name, text === "" ? "is needed: it is a part of the path" : "cannot be a part of a path");
    }
    try {
      return encodeURIComponent(text);
    } catch {
      throw invalid(place?.field ?? name, "is not well-formed text");
    }
  });
}

function queryOf(outside: readonly FieldPlace[], fields: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  for (const place of outside) {
    if (place.in !== "query") continue;
    for (const value of valuesOf(place, fields[place.field])) parameters.append(place.name, value);
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function setHeader(headers: Headers, place: FieldPlace, value: unknown): void {
  const values = valuesOf(place, value);
  if (values.length === 0) return;
  if (place.array && values.some((each) => each.includes(","))) throw invalid(place.field, "has a comma, which separates items in a header");
  try {
    headers.set(place.name, values.join(", "));
  } catch {
    throw invalid(place.field, "has characters that no header can carry");
  }
}

/** The texts of one field: none where it is left out. */
function valuesOf(place: FieldPlace, value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!place.array) return [toText(place, value)];
  if (!Array.isArray(value)) throw invalid(place.field, "is not a list");
  return value.map((item) => toText(place, item));
}

function toText(place: FieldPlace, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw invalid(place.field, "is not text, a number or true/false");
}

function bodyFields(outside: readonly FieldPlace[], input: unknown): unknown {
  if (outside.length === 0) return input ?? {};
  const elsewhere = new Set(outside.map((place) => place.field));
  return Object.fromEntries(Object.entries(input ?? {}).filter(([field]) => !elsewhere.has(field)));
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw new Fault("invalid_argument", "the input cannot be written as JSON", { cause: error });
  }
}

function invalid(field: string, message: string): Fault {
  return new Fault("invalid_argument", `${field} ${message}`, { details: [{ path: `/${field.replaceAll("~", "~0").replaceAll("/", "~1")}`, message }] });
}
