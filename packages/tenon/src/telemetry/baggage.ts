/**
 * W3C Baggage: values that travel with a request beside its trace. The platform passes them on to whoever asks for them by
 * the API of OpenTelemetry, and reads nothing out of them: they come from the caller, and nobody vouches for them.
 *
 * A header that is malformed is as good as none. Of one that is too large the entries that fit are taken.
 *
 * @see https://www.w3.org/TR/baggage/
 */
import { withoutBlanks } from "./blanks.ts";

export interface BaggageEntry {
  /** Decoded. */
  readonly value: string;
  /** `;a=1;b`, without the first semicolon, as it came; empty where there is none. */
  readonly properties: string;
}

/** Section 3.3.2: what everybody can pass on. */
export const baggageLimits = { entriesMax: 64, charsMax: 8_192 } as const;

/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~\da-z]+$/i;
/** Section 3.3.1: printable ASCII without blank, quotation mark, comma, semicolon and backslash. */
const octets = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/** @returns Entries by name, of several of one name the last; empty where the header is malformed. */
export function parseBaggage(header: string | undefined): ReadonlyMap<string, BaggageEntry> {
  const entries = new Map<string, BaggageEntry>();
  if (header === undefined || header.trim() === "") return entries;
  let chars = 0;
  let count = 0;
  for (const member of header.split(",")) {
    chars += member.length + 1;
    if (chars - 1 > baggageLimits.charsMax || ++count > baggageLimits.entriesMax) break;
    const [pair = "", ...properties] = member.split(";").map(withoutBlanks);
    const equals = pair.indexOf("=");
    const key = withoutBlanks(pair.slice(0, Math.max(0, equals)));
    const value = decoded(withoutBlanks(pair.slice(equals + 1)));
    if (!token.test(key) || value === undefined || !properties.every(isProperty)) return new Map();
    entries.set(key, { value, properties: properties.join(";") });
  }
  return entries;
}

/** The value of the header; entries that do not fit in its limits, or that no name has the form for, are left out. */
export function toBaggage(entries: Iterable<readonly [string, BaggageEntry]>): string {
  const members: string[] = [];
  let chars = 0;
  for (const [key, { properties, value }] of entries) {
    if (!token.test(key) || (properties !== "" && !properties.split(";").every(isProperty))) continue;
    const member = `${key}=${encoded(value)}${properties === "" ? "" : `;${properties}`}`;
    if (members.length >= baggageLimits.entriesMax || chars + member.length > baggageLimits.charsMax) continue;
    chars += member.length + 1;
    members.push(member);
  }
  return members.join(",");
}

function isProperty(text: string): boolean {
  const equals = text.indexOf("=");
  if (equals === -1) return token.test(withoutBlanks(text));
  return token.test(withoutBlanks(text.slice(0, equals))) && octets.test(withoutBlanks(text.slice(equals + 1)));
}

/** Section 3.3.1.3: bytes that are no UTF-8 are replaced, as is a percent sign that encodes nothing. */
function decoded(text: string): string | undefined {
  if (!octets.test(text)) return undefined;
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = /^%[\da-f]{2}/i.test(text.slice(at, at + 3)) ? Number.parseInt(text.slice(at + 1, at + 3), 16) : undefined;
    bytes.push(code ?? text.charCodeAt(at));
    if (code !== undefined) at += 2;
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
