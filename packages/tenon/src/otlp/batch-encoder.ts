/**
 * Bodies of OTLP requests, built item by item. An item is encoded when it comes, so what waits to be sent is bytes: their
 * size is known, and the objects behind them are gone.
 *
 * Requests of all three signals have one shape, with the same numbers: a request holds resources, a resource its scopes,
 * a scope its items.
 */
import type { Attributes, LogRecord, MetricFamily, Span } from "../telemetry/index.ts";
import { toAttributesJson, toFamilyJson, toLogRecordJson, toSpanJson } from "./json-items.ts";
import { writeAttributes } from "./proto-attributes.ts";
import { writeLogRecord } from "./proto-logs.ts";
import { writeFamily } from "./proto-metrics.ts";
import { writeSpan } from "./proto-spans.ts";
import { ProtoWriter } from "./proto-writer.ts";

export type Protocol = "http/protobuf" | "http/json";

/** Who says it all, in every request. */
export interface Origin {
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
}

/** The body of the request that comes next. */
export interface BatchEncoder<Item> {
  /** Bytes of the items so far. */
  readonly byteLength: number;
  /**
   * Adds an item whole, or throws and adds nothing.
   *
   * @returns its bytes, or 0 where it takes more than `maxBytes`; then it is not added.
   */
  add(item: Item, maxBytes: number): number;
  /** The body with everything that was added; the next one begins empty. */
  seal(): Buffer;
}

/** How items of one signal are written, in both encodings. */
export interface ItemFormat<Item> {
  readonly write: (writer: ProtoWriter, item: Item) => void;
  readonly toJson: (item: Item) => string;
  /** Names in JSON, from the outermost to the innermost. */
  readonly names: readonly [resources: string, scopes: string, items: string];
}

export const spanFormat: ItemFormat<Span> = { write: writeSpan, toJson: toSpanJson, names: ["resourceSpans", "scopeSpans", "spans"] };
export const logFormat: ItemFormat<LogRecord> = { write: writeLogRecord, toJson: toLogRecordJson, names: ["resourceLogs", "scopeLogs", "logRecords"] };

/** @param nowMs  The time of the reading, which families do not carry. */
export function metricFormat(nowMs: () => number): ItemFormat<MetricFamily> {
  return {
    write: (writer, family) => writeFamily(writer, family, nowMs()),
    toJson: (family) => toFamilyJson(family, nowMs()),
    names: ["resourceMetrics", "scopeMetrics", "metrics"],
  };
}

export function createBatchEncoder<Item>(protocol: Protocol, format: ItemFormat<Item>, origin: Origin): BatchEncoder<Item> {
  return protocol === "http/json" ? new JsonBatch(format, origin) : new ProtoBatch(format, origin);
}

/** `resource_spans` of the request, `scope_spans` of that; and so for the other signals. */
const outer = { resources: 0x0a, resource: 0x0a, scopes: 0x12, scope: 0x0a } as const;
const attributeTag = 0x0a;
const scopeTags = { name: 0x0a, version: 0x12 } as const;

class ProtoBatch<Item> implements BatchEncoder<Item> {
  readonly #items = new ProtoWriter();
  readonly #frame = new ProtoWriter();
  readonly #write: ItemFormat<Item>["write"];
  readonly #resource: Buffer;
  readonly #scope: Buffer;

  constructor(format: ItemFormat<Item>, origin: Origin) {
    this.#write = format.write;
    const resource = this.#frame.open(outer.resource);
    writeAttributes(this.#frame, attributeTag, origin.resource);
    this.#frame.close(resource);
    this.#resource = this.#frame.take();
    const scope = this.#frame.open(outer.scope);
    this.#frame.text(scopeTags.name, origin.scope.name);
    this.#frame.text(scopeTags.version, origin.scope.version);
    this.#frame.close(scope);
    this.#scope = this.#frame.take();
  }

  get byteLength(): number {
    return this.#items.length;
  }

  add(item: Item, maxBytes: number): number {
    const before = this.#items.length;
    try {
      this.#write(this.#items, item);
    } catch (error) {
      this.#items.cutTo(before);
      throw error;
    }
    const bytes = this.#items.length - before;
    if (bytes <= maxBytes) return bytes;
    this.#items.cutTo(before);
    return 0;
  }

  seal(): Buffer {
    const scopesBytes = this.#scope.length + this.#items.length;
    this.#frame.uint(outer.scopes, scopesBytes);
    const scopesHead = this.#frame.take();
    this.#frame.uint(outer.resources, this.#resource.length + scopesHead.length + scopesBytes);
    return this.#items.take(Buffer.concat([this.#frame.take(), this.#resource, scopesHead, this.#scope]));
  }
}

class JsonBatch<Item> implements BatchEncoder<Item> {
  readonly #toJson: ItemFormat<Item>["toJson"];
  readonly #head: string;
  #items: string[] = [];
  #byteLength = 0;

  constructor(format: ItemFormat<Item>, { resource, scope }: Origin) {
    const [resources, scopes, items] = format.names;
    this.#toJson = format.toJson;
    this.#head = `{"${resources}":[{"resource":${JSON.stringify({ attributes: toAttributesJson(resource) })},"${scopes}":[{"scope":${JSON.stringify(scope)},"${items}":[`;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  add(item: Item, maxBytes: number): number {
    const text = this.#toJson(item);
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes > maxBytes) return 0;
    this.#items.push(text);
    this.#byteLength += bytes;
    return bytes;
  }

  seal(): Buffer {
    const body = Buffer.from(`${this.#head}${this.#items.join(",")}]}]}]}`);
    this.#items = [];
    this.#byteLength = 0;
    return body;
  }
}
