/** What a collector says back: which items it did not take, and why, in either encoding. */
import type { Protocol } from "./batch-encoder.ts";

/** `Export…PartialSuccess`, or a `Status` of a refusal, which has a message alone. */
export interface Answer {
  /** Items that were not taken though the request was. */
  readonly rejected: number;
  /** The collector's own words, cut to what a log line holds; may be empty. */
  readonly message: string;
}

const messageMaxChars = 300;
const nothing: Answer = { rejected: 0, message: "" };

/** The body of a 2xx. One that cannot be read rejects nothing: the status has said that the request was taken. */
export function readAcceptance(protocol: Protocol, body: Buffer): Answer {
  try {
    if (protocol === "http/json") return readJsonAcceptance(body);
    const partial = readFields(body).get(1);
    if (!(partial instanceof Buffer)) return nothing;
    const fields = readFields(partial);
    return { rejected: wholeOf(fields.get(1)), message: textOf(fields.get(2)) };
  } catch {
    return nothing; // garbage from a collector is no reason for anything to happen here
  }
}

/** The body of another status: google.rpc.Status where it is one, else what there is of text. */
export function readRefusal(contentType: string, body: Buffer): string {
  if (!contentType.includes("protobuf")) return cut(body.toString("utf8"));
  try {
    return textOf(readFields(body).get(2));
  } catch {
    return "";
  }
}

function readJsonAcceptance(body: Buffer): Answer {
  const json = JSON.parse(body.toString("utf8")) as { readonly partialSuccess?: Readonly<Record<string, unknown>> } | null;
  const partial = json?.partialSuccess ?? {};
  const rejected = Number(partial["rejectedSpans"] ?? partial["rejectedDataPoints"] ?? partial["rejectedLogRecords"] ?? 0);
  const message = partial["errorMessage"];
  return { rejected: wholeOf(rejected), message: typeof message === "string" ? cut(message) : "" };
}

type Field = number | Buffer;

/** The last field of each number; fixed ones are passed over. @throws {RangeError} it is no protobuf. */
function readFields(bytes: Buffer): ReadonlyMap<number, Field> {
  const fields = new Map<number, Field>();
  let at = 0;
  function varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at];
      at += 1;
      if (byte === undefined || factor > 2 ** 63) throw new RangeError("no varint");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) {
      fields.set(number, varint());
    } else if (tag % 8 === 2) {
      const end = varint() + at;
      if (end > bytes.length) throw new RangeError("cut off");
      fields.set(number, bytes.subarray(at, end));
      at = end;
    } else if (tag % 8 === 1) {
      at += 8;
    } else if (tag % 8 === 5) {
      at += 4;
    } else {
      throw new RangeError("no type of protobuf");
    }
  }
  return fields;
}

function wholeOf(field: Field | undefined): number {
  return typeof field === "number" && Number.isSafeInteger(field) && field > 0 ? field : 0;
}

function textOf(field: Field | undefined): string {
  return field instanceof Buffer ? cut(field.toString("utf8")) : "";
}

/** On one line, and short. */
function cut(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(0, messageMaxChars);
}
