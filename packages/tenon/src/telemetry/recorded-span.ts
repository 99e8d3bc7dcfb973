/**
 * A span as it is recorded: two instants, an outcome, and what its operation has in common with all others of its kind. It
 * is one small object; whatever can be derived from these is derived when somebody reads it, which for most is never.
 */
import type { Attributes, Span, SpanEvent, SpanKind, SpanLink } from "./signals.ts";
import type { Trace } from "./trace.ts";

/** What all spans of one operation have in common. Made once, at start. */
export interface SpanShape {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** A span that takes so long, in ms, is kept although its trace is not sampled. `Infinity`: never for its length. */
  readonly slowMs: number;
  /** What follows from how it ended: `ok` or the code of a fault. */
  readonly attributesOf?: (code: string) => Attributes;
}

/** What is added to one span, besides what its shape says. */
export interface SpanDetails {
  name?: string;
  attributes?: Attributes;
  events?: SpanEvent[];
  links?: readonly SpanLink[];
  /** Said by a user, who knows better than the code with which it ended. */
  status?: "ok" | "error";
  message?: string;
}

const nothing: readonly never[] = Object.freeze([]);
const noDetails: SpanDetails = Object.freeze({});

export class RecordedSpan implements Span {
  readonly shape: SpanShape;
  readonly trace: Trace;
  readonly parentSpanId: string;
  /** On the clock that only grows. */
  readonly startedMs: number;
  endedMs: number;
  /** `ok`, or the code of what failed. */
  code = "ok";
  isError = false;
  details: SpanDetails | undefined = undefined;
  #id: string | undefined;

  /** @param of.id  Left out: made when somebody asks. */
  constructor(shape: SpanShape, trace: Trace, of: { readonly parentId: string; readonly startedMs: number; readonly id?: string | undefined }) {
    this.shape = shape;
    this.trace = trace;
    this.parentSpanId = of.parentId;
    this.startedMs = of.startedMs;
    this.endedMs = of.startedMs;
    this.#id = of.id;
  }

  /** Ends it and hands it over. Once. @param outcome.code  Default `ok`. */
  end(outcome?: { readonly code: string; readonly isError: boolean }): void {
    this.endedMs = this.trace.owner.clock.elapsedMs();
    if (outcome !== undefined) {
      this.code = outcome.code;
      this.isError = outcome.isError;
    }
    this.trace.owner.add(this);
  }

  /** Why it is kept whatever was decided about its trace. */
  get isNotable(): boolean {
    return this.status === "error" || this.endedMs - this.startedMs >= this.shape.slowMs;
  }

  get traceId(): string {
    return this.trace.id;
  }

  get spanId(): string {
    return (this.#id ??= this.trace.owner.ids());
  }

  get traceState(): string {
    return this.trace.state;
  }

  get name(): string {
    return this.details?.name ?? this.shape.name;
  }

  get kind(): SpanKind {
    return this.shape.kind;
  }

  get startMs(): number {
    return this.trace.offsetMs + this.startedMs;
  }

  get endMs(): number {
    return this.trace.offsetMs + this.endedMs;
  }

  get status(): Span["status"] {
    return this.details?.status ?? (this.isError ? "error" : "unset");
  }

  get message(): string {
    if (this.status !== "error") return "";
    return this.details?.message ?? (this.code === "ok" ? "" : this.code);
  }

  get attributes(): Attributes {
    const { attributes, attributesOf } = this.shape;
    const { attributes: more } = this.details ?? noDetails;
    if (attributesOf === undefined && more === undefined && this.code === "ok") return attributes;
    return { ...attributes, ...attributesOf?.(this.code), ...(this.code === "ok" ? undefined : { "error.type": this.code }), ...more };
  }

  get links(): readonly SpanLink[] {
    return this.details?.links ?? nothing;
  }

  get events(): readonly SpanEvent[] {
    return this.details?.events ?? nothing;
  }
}
