/** What code adds to a span by the API, within limits: those that OpenTelemetry has by default. */
import type { Attributes as ApiAttributes, Exception, Link, SpanStatus, TimeInput } from "@opentelemetry/api";
import type { Attributes, AttributeValue, SpanDetails, SpanLink, Trace } from "../telemetry/index.ts";

/** Of one span. https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits */
export const additionLimits = { attributesMax: 128, eventsMax: 128, linksMax: 128, textMaxChars: 8_192 } as const;

/** `SpanStatusCode` of the API. */
const statuses = [undefined, "ok", "error"] as const;

export function addAttributes(details: SpanDetails, more: ApiAttributes): void {
  details.attributes = merged(details.attributes ?? {}, more);
}

export function addEvent(details: SpanDetails, event: { readonly name: string; readonly timeMs: number; readonly attributes?: ApiAttributes | undefined }): void {
  const events = (details.events ??= []);
  if (events.length >= additionLimits.eventsMax) return;
  const { attributes, name, timeMs } = event;
  events.push(attributes === undefined ? { name, timeMs } : { name, timeMs, attributes: merged({}, attributes) });
}

export function addLinks(details: SpanDetails, links: readonly Link[]): void {
  const known = details.links ?? [];
  const room = additionLimits.linksMax - known.length;
  details.links = [...known, ...links.slice(0, Math.max(0, room)).map(toLink)];
}

/** `ok` is final, and `unset` says nothing: https://opentelemetry.io/docs/specs/otel/trace/api/#set-status */
export function setStatus(details: SpanDetails, { code, message }: SpanStatus): void {
  const status = statuses[code];
  if (status === undefined || details.status === "ok") return;
  details.status = status;
  if (status === "error" && message !== undefined) details.message = shortened(message);
}

/** @see https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/ */
export function addException(details: SpanDetails, exception: Exception, timeMs: number): void {
  const attributes: Record<string, string> = {};
  if (typeof exception === "string") attributes["exception.message"] = exception;
  else {
    const type = exception.name ?? (exception.code === undefined ? undefined : String(exception.code));
    if (type !== undefined) attributes["exception.type"] = type;
    if (exception.message !== undefined) attributes["exception.message"] = exception.message;
    if (exception.stack !== undefined) attributes["exception.stacktrace"] = exception.stack;
  }
  addEvent(details, { name: "exception", timeMs, attributes });
}

/** Ten years: no process runs for so long, and what is told of began later than in 1980. */
const elapsedMaxMs = 10 * 365 * 86_400_000;

/** Milliseconds since 1970. A small number is one of `performance.now()`, as in OpenTelemetry's own SDK. */
export function toEpochMs(time: TimeInput | undefined, trace: Trace): number {
  if (time === undefined) return trace.offsetMs + trace.owner.clock.elapsedMs();
  if (time instanceof Date) return time.getTime();
  if (typeof time === "number") return time < elapsedMaxMs ? trace.offsetMs + time : time;
  const [seconds, nanoseconds] = time;
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

export function isTime(value: unknown): value is TimeInput {
  return typeof value === "number" || value instanceof Date || (Array.isArray(value) && value.length === 2 && typeof value[0] === "number");
}

function toLink({ attributes, context }: Link): SpanLink {
  const { spanId, traceId } = context;
  return attributes === undefined ? { traceId, spanId } : { traceId, spanId, attributes: merged({}, attributes) };
}

function merged(known: Attributes, more: ApiAttributes): Attributes {
  const attributes: Record<string, AttributeValue> = { ...known };
  let count = Object.keys(attributes).length;
  for (const [name, value] of Object.entries(more)) {
    const kept = toValue(value);
    if (kept === undefined || name === "" || (!(name in attributes) && count++ >= additionLimits.attributesMax)) continue;
    attributes[name] = kept;
  }
  return attributes;
}

/** `undefined` for what is no value of an attribute here: the API also takes objects, which few who read spans do. */
function toValue(value: unknown): AttributeValue | undefined {
  if (typeof value === "string") return shortened(value);
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (!Array.isArray(value)) return undefined;
  const present = (value as readonly unknown[]).filter((each) => each !== null && each !== undefined);
  if (present.every((each) => typeof each === "string")) return present.map(shortened);
  if (present.every((each) => typeof each === "number")) return present;
  return present.every((each) => typeof each === "boolean") ? present : undefined;
}

function shortened(text: string): string {
  return text.length <= additionLimits.textMaxChars ? text : text.slice(0, additionLimits.textMaxChars);
}
