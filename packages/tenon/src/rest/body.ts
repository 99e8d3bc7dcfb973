/** Reading a JSON body: bytes to value, or a clear refusal. */
import { isUtf8 } from "node:buffer";
import { Fault } from "../kernel/index.ts";
import type { HttpRequest } from "./ports.ts";

/**
 * The value of a JSON body; `undefined` where there is none.
 *
 * @throws {Fault} `unsupported_media_type`, `payload_too_large`, or `invalid_argument` for bytes that are not UTF-8 or
 * text that is not JSON (RFC 8259). Of two fields with one name the last counts, as everywhere in JavaScript.
 */
export async function readJson(request: HttpRequest, maxBytes: number): Promise<unknown> {
  if (!request.hasBody) return undefined;
  assertJsonType(request.header("content-type"));
  const encoding = request.header("content-encoding");
  if (encoding !== undefined && encoding !== "identity") {
    throw new Fault("unsupported_media_type", `the body is encoded as ${JSON.stringify(encoding.slice(0, 40))}: send it as it is`);
  }
  const body = await request.readBody(maxBytes);
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new Fault("invalid_argument", "the body is not UTF-8");
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's message quotes the text; only where it stopped may be told.
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    throw new Fault("invalid_argument", position === undefined ? "the body is not JSON" : `the body is not JSON: it stops making sense at character ${position}`);
  }
}

/** @throws {Fault} `unsupported_media_type` unless the type is JSON, in UTF-8. */
function assertJsonType(contentType: string | undefined): void {
  if (contentType === "application/json") return;
  const [type = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  const isJson = type === "application/json" || /^application\/[a-z0-9.+-]+\+json$/.test(type);
  if (!isJson) throw new Fault("unsupported_media_type", "the body has to be JSON: send content-type: application/json");
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length).replaceAll('"', "");
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw new Fault("unsupported_media_type", "JSON travels in UTF-8 (RFC 8259 section 8.1)");
  }
}
