/**
 * The headers that the platform asks of nearly every request, read in one pass and kept in one object of one shape.
 * Node's own object is put together name by name for all of them, and most look-ups in it are for names that were not
 * sent, which is the slow kind.
 *
 * Other names are not in here: they are looked up among all headers, as Node reads them.
 */
export class RequestHeaders {
  accept: string | undefined = undefined;
  authorization: string | undefined = undefined;
  baggage: string | undefined = undefined;
  connection: string | undefined = undefined;
  "content-encoding": string | undefined = undefined;
  "content-length": string | undefined = undefined;
  "content-type": string | undefined = undefined;
  expect: string | undefined = undefined;
  host: string | undefined = undefined;
  "idempotency-key": string | undefined = undefined;
  "if-none-match": string | undefined = undefined;
  origin: string | undefined = undefined;
  "request-timeout-ms": string | undefined = undefined;
  te: string | undefined = undefined;
  traceparent: string | undefined = undefined;
  tracestate: string | undefined = undefined;
  "transfer-encoding": string | undefined = undefined;
  upgrade: string | undefined = undefined;

  /** @param raw  Names as they were sent, and values, in turn. */
  constructor(raw: readonly string[]) {
    for (let at = 0; at + 1 < raw.length; at += 2) this.#add(raw[at] as string, raw[at + 1] as string);
  }

  /** By length first: few names that are sent are as long as one of these without being it. */
  #add(name: string, value: string): void {
    switch (name.length) {
      case 2:
        if (is(name, "te", "Te")) this.te = joined(this.te, value);
        break;
      case 4:
        if (is(name, "host", "Host")) this.host = joined(this.host, value);
        break;
      case 6:
        if (is(name, "accept", "Accept")) this.accept = joined(this.accept, value);
        else if (is(name, "expect", "Expect")) this.expect = joined(this.expect, value);
        else if (is(name, "origin", "Origin")) this.origin = joined(this.origin, value);
        break;
      case 7:
        if (is(name, "upgrade", "Upgrade")) this.upgrade = joined(this.upgrade, value);
        else if (is(name, "baggage", "Baggage")) this.baggage = joined(this.baggage, value);
        break;
      case 10:
        if (is(name, "connection", "Connection")) this.connection = joined(this.connection, value);
        else if (is(name, "tracestate", "Tracestate")) this.tracestate = joined(this.tracestate, value);
        break;
      case 11:
        if (is(name, "traceparent", "Traceparent")) this.traceparent = joined(this.traceparent, value);
        break;
      case 12:
        if (is(name, "content-type", "Content-Type")) this["content-type"] = joined(this["content-type"], value);
        break;
      case 13:
        if (is(name, "authorization", "Authorization")) this.authorization = joined(this.authorization, value);
        else if (is(name, "if-none-match", "If-None-Match")) this["if-none-match"] = joined(this["if-none-match"], value);
        break;
      case 14:
        if (is(name, "content-length", "Content-Length")) this["content-length"] = joined(this["content-length"], value);
        break;
      case 15:
        if (is(name, "idempotency-key", "Idempotency-Key")) this["idempotency-key"] = joined(this["idempotency-key"], value);
        break;
      case 16:
        if (is(name, "content-encoding", "Content-Encoding")) this["content-encoding"] = joined(this["content-encoding"], value);
        break;
      case 17:
        if (is(name, "transfer-encoding", "Transfer-Encoding")) this["transfer-encoding"] = joined(this["transfer-encoding"], value);
        break;
      case 18:
        if (is(name, "request-timeout-ms", "Request-Timeout-Ms")) this["request-timeout-ms"] = joined(this["request-timeout-ms"], value);
        break;
    }
  }
}

export type KnownHeader = keyof RequestHeaders;

const knownNames: ReadonlySet<string> = new Set(Object.keys(new RequestHeaders([])));

export function isKnownHeader(name: string): name is KnownHeader {
  return knownNames.has(name);
}

/** What a small letter has and its capital has not. */
const lowerBit = 0x20;

/** Names are written in two ways by nearly everybody, and may be in any (RFC 9110 section 5.1). */
function is(name: string, lower: string, title: string): boolean {
  if (name === lower || name === title) return true;
  return (name.charCodeAt(0) | lowerBit) === lower.charCodeAt(0) && name.toLowerCase() === lower;
}

/** Several of one name are one list (RFC 9110 section 5.3). */
function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
