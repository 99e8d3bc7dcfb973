/**
 * A trace, as far as one call and all that it does in this process have a part in it, and its spans. A call that was caused
 * by another process, or by an event, has a `Trace` of its own with the identifier that it was handed.
 *
 * A span is one small object: two instants, an outcome, and what its operation has in common with all others of its kind.
 * Whatever can be derived from these is derived when somebody reads it, which for most is never.
 */
import type { Clock, IdSource } from "../kernel/index.ts";
import type { Attributes, Span, SpanEvent, SpanKind, SpanLink } from "./signals.ts";
import { randomFlag, sampledFlag, toTraceText } from "./trace-context.ts";

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

/** A call, as far as its span is concerned. */
export interface SpannedCall {
  readonly id: string;
  readonly trace: Trace | undefined;
  /** The value of the header `baggage`, as it came. */
  readonly baggage: string | undefined;
  details: SpanDetails | undefined;
}

/** Runs code so that it finds the call that it is part of, also after it has waited. */
export interface ContextRunner {
  run<C extends SpannedCall, R>(call: C, next: (call: C) => R): R;
}

/** Where spans go when they have ended. */
export interface TraceOwner {
  readonly clock: Clock;
  /** Makes identifiers of spans. */
  readonly ids: IdSource;
  /** Whether anybody takes spans. */
  readonly isOn: boolean;
  /** Takes one that has ended. */
  add(span: RecordedSpan): void;
  /** The user's own span that is under way in this trace, where somebody has one. */
  readonly activeSpanId: ((traceId: string) => string | undefined) | undefined;
}

export interface TraceStart {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly flags: number;
  readonly state: string;
  /** What turns the clock that only grows into milliseconds since 1970. */
  readonly offsetMs: number;
}

export class Trace {
  readonly id: string;
  /** As they are passed on: decided when the trace began, by whoever began it. */
  readonly flags: number;
  readonly state: string;
  readonly offsetMs: number;
  readonly owner: TraceOwner;
  /** Whether its spans go out as they end. Turns true when one of an unsampled trace is notable. */
  isKept: boolean;

  constructor(owner: TraceOwner, { flags, id, offsetMs, state }: TraceStart) {
    this.owner = owner;
    this.id = id;
    this.flags = flags;
    this.state = state;
    this.offsetMs = offsetMs;
    this.isKept = (flags & sampledFlag) !== 0;
  }

  /**
   * Begins a span; `end` hands it over. `undefined` where nobody takes spans: it costs nothing then.
   *
   * @param parentId  Of the call that it is part of. A span of the user's own that is under way goes before.
   */
  start(shape: SpanShape, parentId: string): RecordedSpan | undefined {
    const { owner } = this;
    if (!owner.isOn) return undefined;
    return new RecordedSpan(shape, this, { parentId: owner.activeSpanId?.(this.id) ?? parentId, startedMs: owner.clock.elapsedMs() });
  }

  /** For whatever is to go on from a span of this trace, later or elsewhere. */
  textAt(spanId: string): string {
    return toTraceText({ traceId: this.id, spanId, flags: this.flags & (sampledFlag | randomFlag), state: this.state });
  }
}

/** By shape and code. Contracts and SQLSTATE bound how many codes there are; whoever makes up more gets them anew each time. */
const commons = new WeakMap<SpanShape, Map<string, Attributes>>();
const commonsMax = 64;

/** What all spans of a shape with one outcome have in common. */
function commonOf(shape: SpanShape, code: string): Attributes {
  let ofShape = commons.get(shape);
  if (ofShape === undefined) commons.set(shape, (ofShape = new Map<string, Attributes>()));
  const known = ofShape.get(code);
  if (known !== undefined) return known;
  // Frozen: whoever encodes it may keep what came of it.
  const made = Object.freeze({ ...shape.attributes, ...shape.attributesOf?.(code), ...(code === "ok" ? undefined : { "error.type": code }) });
  if (ofShape.size < commonsMax) ofShape.set(code, made);
  return made;
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
    const { attributes: more } = this.details ?? noDetails;
    const common = commonOf(this.shape, this.code);
    return more === undefined ? common : { ...common, ...more };
  }

  get links(): readonly SpanLink[] {
    return this.details?.links ?? nothing;
  }

  get events(): readonly SpanEvent[] {
    return this.details?.events ?? nothing;
  }
}
