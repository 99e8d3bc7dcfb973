/**
 * An event on its way between processes: a CloudEvents 1.0.2 envelope in the JSON format, and back.
 *
 * What this service emits comes back from its envelope as it was. Envelopes of others are taken when they carry what a
 * record has to have (a UUID, a time, JSON data); attributes that are not known here are passed over. Nothing here
 * vouches for the data, or for whoever sent it.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/partitioning.md
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/distributed-tracing.md
 */
import { checkDepth } from "../contract/index.ts";
import { parseTraceContext, parseTraceText, toTraceparent, toTraceText } from "../telemetry/index.ts";

/** An event as it is stored and delivered. */
export interface EventRecord {
  /** UUID, lower case. */
  readonly id: string;
  /** The service that emitted it; of another sender the `source` as it was written. */
  readonly source: string;
  /** `orders.placed`: the identifier of an event in a contract. */
  readonly type: string;
  /** Version of the data. */
  readonly version: number;
  /** Events with one key are in order. */
  readonly key: string | undefined;
  /** RFC 3339, in UTC: ends in `Z`. */
  readonly time: string;
  /** What JSON carries. */
  readonly data: unknown;
  /** The span that emitted it, as `toTraceText` writes it. Older rows have another text here, which is none. */
  readonly trace: string | undefined;
}

/** An envelope, ready for `JSON.stringify`. */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  /** Version of the data: `version` of the event in its contract. */
  readonly dataversion: number;
  readonly subject?: string;
  readonly partitionkey?: string;
  /** The key in JSON, in ASCII, where it has characters that an attribute must not have. */
  readonly tenonkey?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly data: unknown;
}

/** A text that is no envelope of an event. The message names attributes and repeats no value. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`not an envelope of an event: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

const serviceName = /^[a-z][a-z0-9-]*$/;

export function toCloudEvent(record: EventRecord): CloudEvent {
  return {
    specversion: "1.0",
    id: record.id,
    source: serviceName.test(record.source) ? `/${record.source}` : record.source,
    type: record.type,
    time: record.time,
    datacontenttype: "application/json",
    dataversion: record.version,
    ...keyAttributes(record.key),
    ...traceAttributes(record.trace),
    data: record.data,
  };
}

/**
 * What a text attribute must not contain (section "Type System"): control characters, halves of surrogate pairs, and
 * code points that Unicode keeps out of interchange.
 */
const forbidden = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/gu;

/**
 * The key as `subject`, for people and filters, and as `partitionkey`, for brokers. A key that an attribute cannot hold
 * stands there in a readable form, which other keys may share, and whole in `tenonkey`.
 */
function keyAttributes(key: string | undefined): Pick<CloudEvent, "subject" | "partitionkey" | "tenonkey"> {
  if (key === undefined) return {};
  const readable = key.replaceAll(forbidden, "\uFFFD");
  const attributes = readable === "" ? {} : { subject: readable, partitionkey: readable }; // neither may be empty
  return readable === key && key !== "" ? attributes : { ...attributes, tenonkey: asciiJson(key) };
}

function traceAttributes(trace: string | undefined): Pick<CloudEvent, "traceparent" | "tracestate"> {
  const context = parseTraceText(trace);
  if (context === undefined) return {};
  return { traceparent: toTraceparent(context), ...(context.state === "" ? {} : { tracestate: context.state }) };
}

function asciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Reads an envelope in the JSON format, one event with its data inside.
 *
 * @throws {EnvelopeError} with everything that is wrong.
 */
export function parseCloudEvent(text: string): EventRecord {
  const envelope = new Attributes(parseObject(text));
  if (envelope.text("specversion") !== "1.0") envelope.refuse("specversion is not 1.0");
  const record = {
    id: envelope.form("id", uuid, "a UUID").toLowerCase(),
    source: envelope.form("source", uriReference, "a URI reference").replace(/^\/(?=[a-z][a-z0-9-]*$)/, ""),
    type: envelope.required("type"),
    version: envelope.version(),
    key: envelope.key(),
    time: envelope.time(),
    data: envelope.data(),
    trace: envelope.trace(),
  };
  envelope.assertSound();
  return record;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** RFC 3986 section 4.1, as far as its characters go. */
const uriReference = /^(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[0-9a-f]{2})+$/i;
/** RFC 6838 and RFC 6839: JSON itself, or something written in it. */
const jsonMediaType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EnvelopeError(["it is not JSON"]); // what the engine says quotes the text
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new EnvelopeError(["it is not a JSON object"]);
  return value as Readonly<Record<string, unknown>>;
}

/** The attributes of one envelope, and what is wrong with them. A value that is wrong is read as an empty one. */
class Attributes {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #problems: string[] = [];

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  refuse(problem: string): void {
    this.#problems.push(problem);
  }

  /** @throws {EnvelopeError} */
  assertSound(): void {
    if (this.#problems.length > 0) throw new EnvelopeError(this.#problems);
  }

  /** An attribute that may be missing: `null` is the same (JSON format, section 2.2). */
  text(name: string): string | undefined {
    const value = this.#own(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string" && value !== "") return value;
    this.refuse(`${name} is not a text of one character or more`);
    return undefined;
  }

  required(name: string): string {
    const value = this.#own(name);
    if (value === undefined || value === null) this.refuse(`${name} is missing`);
    return this.text(name) ?? "";
  }

  form(name: string, form: RegExp, what: string): string {
    const value = this.required(name);
    if (value === "" || form.test(value)) return value;
    this.refuse(`${name} is not ${what}`);
    return "";
  }

  version(): number {
    const value = this.#own("dataversion") ?? 1; // a sender that counts no versions has one
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 2_147_483_647) return value as number;
    this.refuse("dataversion is not a whole number from 1");
    return 1;
  }

  /** Of another sender, what its broker orders by; where that is not said, what the event is about. */
  key(): string | undefined {
    const [exact, partition, subject] = [this.text("tenonkey"), this.text("partitionkey"), this.text("subject")];
    if (exact === undefined) return partition ?? subject;
    const key = parseText(exact);
    if (key === undefined) this.refuse("tenonkey is not a text in JSON");
    return key;
  }

  /** Malformed, it is as good as none: whoever emits must not lose events by how it traces them. */
  trace(): string | undefined {
    const [parent, state] = [this.#own("traceparent"), this.#own("tracestate")];
    const context = typeof parent === "string" ? parseTraceContext(parent, typeof state === "string" ? state : undefined) : undefined;
    return context === undefined ? undefined : toTraceText(context);
  }

  time(): string {
    const written = this.required("time");
    const time = written === "" ? "" : toUtc(written);
    if (time === undefined) this.refuse("time is not a time (RFC 3339)");
    return time ?? "";
  }

  data(): unknown {
    if (this.#own("data_base64") !== undefined) this.refuse("the data is bytes (data_base64), and only JSON is read");
    if (!jsonMediaType.test(this.text("datacontenttype") ?? "application/json")) this.refuse("datacontenttype is not JSON");
    const data = this.#own("data") ?? null;
    const tooDeep = checkDepth(data);
    if (tooDeep !== undefined) this.refuse(`data ${tooDeep.message}`);
    return data;
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }
}

function parseText(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

const rfc3339 = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/;

/** The same instant in UTC, as exact as it was written: a `Date` would cut microseconds. */
function toUtc(written: string): string | undefined {
  const [, day, clock, fraction = "", sign, hours = "0", minutes = "0"] = rfc3339.exec(written.toUpperCase()) ?? [];
  const local = new Date(`${day}T${clock}Z`);
  if (Number.isNaN(local.getTime()) || local.toISOString() !== `${day}T${clock}.000Z`) return undefined; // no 30th of February
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1);
  const utc = new Date(local.getTime() - offsetMs).toISOString();
  return utc.length === 24 ? `${utc.slice(0, 19)}${fraction}Z` : undefined; // years have four digits
}
