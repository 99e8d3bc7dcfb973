/** Spans of what services do without being asked: how they look, and which span they go on from. */
import type { Caller } from "../contract/index.ts";
import { parseTraceText, type SpanLink, type SpanShape, type TraceContext } from "../telemetry/index.ts";

/**
 * What waited longer, in ms, begins a trace of its own, with a link to what led to it: a trace that goes on for days is
 * kept whole by nobody, and says nothing about how long anything took.
 */
export const longWaitMs = 3_600_000;
/** A delivery that takes longer, in ms, is kept although its trace is not sampled. */
export const deliverySlowMs = 1_000;

/** How the span of a reaction is told apart from others. */
export interface ReactionSpan {
  readonly name: string;
  readonly kind: "consumer" | "internal";
  readonly attributes: Readonly<Record<string, string>>;
}

/** @see https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
export function processSpan(event: string, subscription: string): ReactionSpan {
  const attributes = {
    "messaging.system": "tenon",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": event,
    "messaging.destination.subscription.name": subscription,
  };
  return { name: `process ${event}`, kind: "consumer", attributes };
}

/** The same span, with who acts in it. */
export function actingAs(span: ReactionSpan, caller: Caller): ReactionSpan {
  return { ...span, attributes: { ...span.attributes, "tenon.principal": caller.subject } };
}

export function reactionShape({ attributes, kind, name }: ReactionSpan, operation: { readonly id: string; readonly service: string }): SpanShape {
  return { name, kind, attributes: { ...attributes, "tenon.operation": operation.id, "tenon.service": operation.service }, slowMs: deliverySlowMs };
}

export interface Origin {
  /** What it is a part of. Left out: a trace begins. */
  readonly continues: TraceContext | undefined;
  readonly links: readonly SpanLink[] | undefined;
}

/** What led to a reaction: an event, the start of a run. */
export interface Cause {
  /** As `toTraceText` writes it. */
  readonly trace: string | null | undefined;
  /** RFC 3339. */
  readonly time: string;
}

/**
 * What has one cause goes on from its span, unless that was long ago. Of several causes it cannot be part of several
 * traces: it begins one, with a link to each.
 */
export function originOf(causes: readonly Cause[], nowMs: number): Origin {
  const [first] = causes;
  const contexts = causes.flatMap(({ trace }) => parseTraceText(trace) ?? []);
  const isLong = first !== undefined && nowMs - Date.parse(first.time) > longWaitMs;
  if (causes.length === 1 && !isLong) return { continues: contexts[0], links: undefined };
  return { continues: undefined, links: contexts.map(({ spanId, traceId }) => ({ traceId, spanId })) };
}
