/** `Span` of opentelemetry/proto/trace/v1 in protobuf. */
import { type Attributes, type Span, spanKinds } from "../telemetry/index.ts";
import { writeAttributes } from "./proto-attributes.ts";
import type { ProtoWriter } from "./proto-writer.ts";

/** `spans` of `ScopeSpans`. */
const spanTag = 0x12;
const tags = { traceId: 0x0a, spanId: 0x12, traceState: 0x1a, parentSpanId: 0x22, name: 0x2a, kind: 0x30, start: 0x39, end: 0x41, attribute: 0x4a, event: 0x5a, link: 0x6a, status: 0x7a } as const;
const eventTags = { time: 0x09, name: 0x12, attribute: 0x1a } as const;
const linkTags = { traceId: 0x0a, spanId: 0x12, attribute: 0x22 } as const;
const statusTags = { message: 0x12, code: 0x18 } as const;

/** Numbers of `Status.StatusCode`. */
export const statusCodes: Readonly<Record<Span["status"], number>> = { unset: 0, ok: 1, error: 2 };

/** What came of attributes that never change, which most spans of an operation share. */
const encodedAttributes = new WeakMap<Attributes, Uint8Array>();

function writeSpanAttributes(writer: ProtoWriter, attributes: Attributes): void {
  const encoded = encodedAttributes.get(attributes);
  if (encoded !== undefined) {
    writer.raw(encoded);
    return;
  }
  const before = writer.length;
  writeAttributes(writer, tags.attribute, attributes);
  if (Object.isFrozen(attributes)) encodedAttributes.set(attributes, writer.copyFrom(before));
}

export function writeSpan(writer: ProtoWriter, span: Span): void {
  const start = writer.open(spanTag, 2);
  writer.hex(tags.traceId, span.traceId);
  writer.hex(tags.spanId, span.spanId);
  if (span.traceState !== "") writer.text(tags.traceState, span.traceState);
  writer.hex(tags.parentSpanId, span.parentSpanId);
  writer.text(tags.name, span.name);
  writer.uint(tags.kind, spanKinds[span.kind]);
  writer.instant(tags.start, span.startMs);
  writer.instant(tags.end, span.endMs);
  writeSpanAttributes(writer, span.attributes);
  for (const event of span.events) {
    const at = writer.open(tags.event);
    writer.instant(eventTags.time, event.timeMs);
    writer.text(eventTags.name, event.name);
    if (event.attributes !== undefined) writeAttributes(writer, eventTags.attribute, event.attributes);
    writer.close(at);
  }
  for (const link of span.links) {
    const at = writer.open(tags.link);
    writer.hex(linkTags.traceId, link.traceId);
    writer.hex(linkTags.spanId, link.spanId);
    if (link.attributes !== undefined) writeAttributes(writer, linkTags.attribute, link.attributes);
    writer.close(at);
  }
  if (span.status !== "unset") {
    const at = writer.open(tags.status);
    if (span.message !== "") writer.text(statusTags.message, span.message);
    writer.uint(statusTags.code, statusCodes[span.status]);
    writer.close(at);
  }
  writer.close(start, 2);
}
