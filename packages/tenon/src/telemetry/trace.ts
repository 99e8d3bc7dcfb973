/**
 * A trace, as far as one call and all that it does in this process have a part in it: what their spans share. A call that
 * was caused by another process, or by an event, has a `Trace` of its own with the identifier that it was handed.
 */
import type { Clock, IdSource } from "../kernel/index.ts";
import { RecordedSpan, type SpanShape } from "./recorded-span.ts";
import { randomFlag, sampledFlag, toTraceText } from "./trace-context.ts";

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
