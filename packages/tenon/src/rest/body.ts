/** JSON bodies: whether one is to be read at all, and from its bytes to a value, or a clear refusal. */
import { constants, isUtf8 } from "node:buffer";
import { Fault } from "../kernel/index.ts";
import type { HttpRequest } from "./ports.ts";

/** Why the announced body of a request cannot be JSON to be read here: `unsupported_media_type`, or nothing against it. */
export function jsonRefusal(request: HttpRequest): Fault | undefined {
  const type = request.header("content-type");
  if (type !== "application/json" && !isJson(type ?? "")) {
    return new Fault("unsupported_media_type", "the body has to be JSON in UTF-8: send content-type: application/json");
  }
  return encodingRefusal(request);
}

/** Bodies are read as they are sent: unpacking would let a few bytes become gigabytes. */
export function encodingRefusal(request: HttpRequest): Fault | undefined {
  const encoding = request.header("content-encoding");
  if (encoding === undefined || encoding === "" || encoding.toLowerCase() === "identity") return undefined;
  return new Fault("unsupported_media_type", `the body is encoded as ${JSON.stringify(encoding.slice(0, 40))}: send it as it is`);
}

/** JSON travels in UTF-8 (RFC 8259 section 8.1), whatever a charset says that other parameters stand beside. */
function isJson(contentType: string): boolean {
  const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
  if (type !== "application/json" && !/^application\/[a-z0-9.+-]+\+json$/.test(type)) return false;
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length).replaceAll('"', "");
  return charset === undefined || charset === "utf-8" || charset === "utf8";
}

/**
 * The value of a JSON body; `undefined` where it is empty.
 *
 * Of two fields with one name the last counts, as everywhere in JavaScript. A field named `__proto__` is refused: no
 * contract means it, and code behind that merges objects would take it for a prototype.
 *
 * @throws {Fault} `invalid_argument`: the bytes are not UTF-8, or the text is not JSON (RFC 8259). `payload_too_large`:
 * half a gigabyte is the longest text that there can be.
 */
export function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  if (body.length > constants.MAX_STRING_LENGTH) throw new Fault("payload_too_large", "the body is longer than any text can be here");
  if (!isUtf8(body)) throw new Fault("invalid_argument", "the body is not UTF-8");
  const text = (Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)).toString();
  const value = parseText(text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text);
  if (mayHaveProtoField(text) && hasProtoField(value)) throw new Fault("invalid_argument", 'the body has a field named "__proto__"');
  return value;
}

/** RFC 8259 section 8.1: nobody must send one, and a reader may overlook it. */
const byteOrderMark = 0xfeff;

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's message quotes the text; only where it stopped may be told.
    const position = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(error instanceof Error ? error.message : "")?.[1];
    throw new Fault("invalid_argument", position === undefined ? "the body is not JSON" : `the body is not JSON: it stops making sense at character ${position}`);
  }
}

/** Quick, and true for a few bodies that have none. A letter of the name may be written as an escape. */
function mayHaveProtoField(text: string): boolean {
  return text.includes("__proto__") || (text.includes("\\u00") && /\\u00(?:5f|6f|7[024])/i.test(text));
}

/** Without recursion: a body may be nested a hundred thousand levels deep. */
function hasProtoField(value: unknown): boolean {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== "object" || node === null) continue;
    if (Object.hasOwn(node, "__proto__")) return true;
    for (const child of Object.values(node)) waiting.push(child);
  }
  return false;
}
