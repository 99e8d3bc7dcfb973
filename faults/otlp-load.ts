/**
 * OTLP bodies made faster than anybody could read them: one is written out once, and each further one is the same with
 * other identifiers and times in their places.
 */

/** Spans of one trace: a call, what it asks of the database, and the work in between. */
const traceSpans = 7;
const services = ["orders", "payments", "catalog", "mail", "stock"] as const;
const operations = 8;
/** How many of a thousand traces fail. */
const failing = 10;

/** Stands for bytes that are written over: where they are in the template. */
interface Place {
  readonly kind: "trace" | "span" | "time";
  readonly at: number;
  /** The number of the span in its trace; or nanoseconds after the start of the trace. */
  readonly value: number;
}

/** Writes protobuf, and notes where the places to write over are. */
class Template {
  readonly #parts: Buffer[] = [];
  readonly #places: Place[] = [];
  #length = 0;

  get places(): readonly Place[] {
    return this.#places;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes));
    this.#length += bytes.length;
    return this;
  }

  uint(field: number, value: number): this {
    return this.raw(Buffer.from([...varint(field * 8), ...varint(value)]));
  }

  text(field: number, text: string): this {
    const bytes = Buffer.from(text);
    return this.raw(Buffer.from([...varint(field * 8 + 2), ...varint(bytes.length)])).raw(bytes);
  }

  id(field: number, kind: "trace" | "span", value: number): this {
    const size = kind === "trace" ? 16 : 8;
    this.raw(Buffer.from([...varint(field * 8 + 2), size]));
    this.#places.push({ kind, at: this.#length, value });
    return this.raw(Buffer.alloc(size));
  }

  time(field: number, offsetNs: number): this {
    this.raw(Buffer.from(varint(field * 8 + 1)));
    this.#places.push({ kind: "time", at: this.#length, value: offsetNs });
    return this.raw(Buffer.alloc(8));
  }

  message(field: number, write: (inner: Template) => void): this {
    const inner = new Template();
    write(inner);
    this.raw(Buffer.from([...varint(field * 8 + 2), ...varint(inner.#length)]));
    for (const place of inner.#places) this.#places.push({ ...place, at: place.at + this.#length });
    return this.raw(inner.bytes());
  }

  attribute(field: number, name: string, value: string): this {
    return this.message(field, (pair) => pair.text(1, name).message(2, (inner) => inner.text(1, value)));
  }
}

export interface OtlpLoadOptions {
  /** Spans of one body; rounded down to whole traces. */
  readonly spans: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class OtlpLoad {
  /** Spans of one body. */
  readonly spans: number;
  readonly #template: Buffer;
  readonly #traces: readonly (readonly Place[])[];
  readonly #random: () => number;

  constructor({ random, spans }: OtlpLoadOptions) {
    this.#random = random;
    const templates = Array.from({ length: Math.max(1, Math.floor(spans / traceSpans)) }, (_, trace) => traceTemplate(trace, random));
    this.spans = templates.length * traceSpans;
    this.#template = Buffer.concat(templates.map((template) => template.bytes()));
    let at = 0;
    this.#traces = templates.map((template) => {
      const before = at;
      at += template.bytes().length;
      return template.places.map((place) => ({ ...place, at: place.at + before }));
    });
  }

  /** The next body, whose traces begin at a time, and the identifier of its first trace. */
  body(startMs: number): { readonly bytes: Uint8Array<ArrayBuffer>; readonly traceId: string } {
    const bytes = new Uint8Array(this.#template);
    const view = new DataView(bytes.buffer);
    const startNs = BigInt(Math.round(startMs)) * 1_000_000n;
    let first = "";
    for (const places of this.#traces) {
      const words = [1, 2, 3, 4].map(() => 1 + Math.floor(this.#random() * 0xfffffffe));
      if (first === "") first = words.map((word) => word.toString(16).padStart(8, "0")).join("");
      for (const { at, kind, value } of places) {
        if (kind === "time") view.setBigUint64(at, startNs + BigInt(value), true);
        else if (kind === "trace") words.forEach((word, index) => view.setUint32(at + index * 4, word));
        else {
          view.setUint32(at, words[0] ?? 1);
          view.setUint32(at + 4, value + 1);
        }
      }
    }
    return { bytes, traceId: first };
  }
}

/** `ResourceSpans` with one trace. */
function traceTemplate(trace: number, random: () => number): Template {
  const service = services[trace % services.length] ?? "orders";
  const operation = Math.floor(random() * operations);
  const isFailing = random() * 1_000 < failing;
  // Most take a few milliseconds, and one in a hundred takes a hundred times as long.
  const durationNs = Math.round(2e6 * (1 + 8 * random()) * (random() < 0.01 ? 100 : 1));
  return new Template().message(1, (resourceSpans) =>
    resourceSpans
      .message(1, (resource) => resource.attribute(1, "service.name", service).attribute(1, "service.version", "1.4.2").attribute(1, "host.name", `node-${trace % 3}`))
      .message(2, (scopeSpans) => {
        for (let span = 0; span < traceSpans; span += 1) writeSpan(scopeSpans, { span, operation, isFailing, durationNs, random });
      }),
  );
}

interface SpanShape {
  readonly span: number;
  readonly operation: number;
  readonly isFailing: boolean;
  readonly durationNs: number;
  readonly random: () => number;
}

function writeSpan(scopeSpans: Template, { durationNs, isFailing, operation, random, span }: SpanShape): void {
  const isRoot = span === 0;
  const startNs = isRoot ? 0 : Math.round((durationNs * span) / (traceSpans + 1));
  const endNs = isRoot ? durationNs : startNs + Math.round(durationNs / (traceSpans + 2));
  scopeSpans.message(2, (out) => {
    out.id(1, "trace", 0).id(2, "span", span);
    if (!isRoot) out.id(4, "span", 0);
    out.text(5, isRoot ? `POST /things/${operation}` : `SELECT things_${operation}_${span}`).uint(6, isRoot ? 2 : 3);
    out.time(7, startNs).time(8, endNs);
    out.attribute(9, isRoot ? "http.route" : "db.query.summary", `/things/${operation}`);
    out.attribute(9, isRoot ? "url.path" : "db.system.name", isRoot ? `/things/${operation}/${Math.floor(random() * 1e6)}` : "postgresql");
    out.attribute(9, "tenon.caller", `user-${Math.floor(random() * 1_000)}`).attribute(9, "server.address", "10.0.0.7");
    if (isRoot && isFailing) out.message(15, (status) => status.text(2, "unavailable").uint(3, 2));
  });
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];
}
