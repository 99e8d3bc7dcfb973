/** Reads OTLP by OpenTelemetry's own definitions: what its transformer package generates from its .proto files. */
import root from "otlp-decoder/build/src/generated/root.js";
import type { SignalName } from "../../src/otlp/index.ts";

/** What the generated code has of each message; its own types say nothing of them. */
interface Message {
  decode(bytes: Uint8Array): object;
  encode(decoded: object): { finish(): Uint8Array };
  fromObject(json: Readonly<Record<string, unknown>>): object;
  toObject(decoded: object, options: { readonly longs: typeof String }): object;
}

const { collector } = (root as unknown as { readonly opentelemetry: { readonly proto: { readonly collector: Record<string, { readonly v1: Record<string, Message> }> } } }).opentelemetry.proto;

function message(package_: string, name: string): Message {
  const found = collector[package_]?.v1[name];
  if (found === undefined) throw new TypeError(`the transformer knows no ${name}`);
  return found;
}

const requests: Readonly<Record<SignalName, Message>> = {
  traces: message("trace", "ExportTraceServiceRequest"),
  metrics: message("metrics", "ExportMetricsServiceRequest"),
  logs: message("logs", "ExportLogsServiceRequest"),
};
const responses: Readonly<Record<SignalName, Message>> = {
  traces: message("trace", "ExportTraceServiceResponse"),
  metrics: message("metrics", "ExportMetricsServiceResponse"),
  logs: message("logs", "ExportLogsServiceResponse"),
};

/** A message as plain data: whole numbers of 64 bits in digits, bytes in hexadecimal digits, nothing for what is absent. */
export type Decoded = Readonly<Record<string, unknown>>;

export interface DecodedBatch {
  readonly resource: Decoded;
  readonly scope: Decoded;
  readonly items: readonly Decoded[];
}

const names = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
} as const;

export function decodeProtobuf(signal: SignalName, body: Uint8Array): DecodedBatch {
  return toBatch(signal, toPlain(requests[signal].toObject(requests[signal].decode(body), { longs: String })) as Decoded);
}

/** By protobuf's own mapping of JSON, save identifiers, which OTLP writes in hexadecimal digits. */
export function decodeJson(signal: SignalName, body: Uint8Array): DecodedBatch {
  const json = JSON.parse(Buffer.from(body).toString("utf8"), (name, value: unknown) => (/^(?:traceId|spanId|parentSpanId)$/.test(name) ? Buffer.from(value as string, "hex") : value)) as Record<string, unknown>;
  // Through bytes: the mapping takes nanoseconds after 2262 for negative, bytes do not.
  return decodeProtobuf(signal, requests[signal].encode(requests[signal].fromObject(json)).finish());
}

/** What a collector answers that rejects some items. */
export function encodePartialSuccess(signal: SignalName, rejected: number, errorMessage: string): Uint8Array {
  const name = { traces: "rejectedSpans", metrics: "rejectedDataPoints", logs: "rejectedLogRecords" }[signal];
  return responses[signal].encode(responses[signal].fromObject({ partialSuccess: { [name]: rejected, errorMessage } })).finish();
}

/** A list inside of what was decoded; empty where it is absent. */
export function listIn(decoded: Decoded | undefined, name: string): readonly Decoded[] {
  return (decoded?.[name] ?? []) as readonly Decoded[];
}

/** The value of the first series of each counter. */
export function firstCounts(batch: DecodedBatch): readonly unknown[] {
  return batch.items.map((item) => listIn(item["sum"] as Decoded | undefined, "dataPoints")[0]?.["asDouble"]);
}

/** What attributes say, by their names. */
export function attributesOf(decoded: Decoded | undefined): ReadonlyMap<unknown, Decoded> {
  return new Map(listIn(decoded, "attributes").map(({ key, value }) => [key, value as Decoded]));
}

function toBatch(signal: SignalName, request: Decoded): DecodedBatch {
  const [resources, scopes, items] = names[signal];
  const resource = only(request[resources]);
  const scope = only(resource[scopes]);
  return { resource: resource["resource"] as Decoded, scope: scope["scope"] as Decoded, items: listIn(scope, items) };
}

function only(list: unknown): Decoded {
  if (!Array.isArray(list) || list.length !== 1) throw new TypeError(`there must be one, got ${JSON.stringify(list)}`);
  return list[0] as Decoded;
}

function toPlain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(toPlain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toPlain(each)]));
}
