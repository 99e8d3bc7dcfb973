/**
 * Spans of traces that are not sampled, held for a while: when a later one of the same trace is notable, the earlier ones
 * tell how it came to that. Bounded in number and age; what is let go was not sampled, and is not counted as dropped.
 *
 *     held ──a span of the trace is notable──► kept: handed out, and all later ones at once
 *      └─ the oldest make room, or `holdMs` are over ─► gone
 */
import type { RecordedSpan } from "./trace.ts";

export interface HeldSpansOptions {
  /** Spans held at once, of all traces. */
  readonly max: number;
  /** How long those of a trace are held from its first one, in ms. */
  readonly holdMs: number;
}

interface HeldTrace {
  readonly id: string;
  /** On the clock that only grows. */
  readonly sinceMs: number;
  isKept: boolean;
  readonly spans: RecordedSpan[];
}

/** Of one trace: a handler that runs a thousand statements must not push everybody else out. */
const perTraceMax = 128;
/** A list that is taken from in front is cut once so much of it is empty. */
const cutAfter = 1_024;

export class HeldSpans {
  readonly #options: HeldSpansOptions;
  readonly #traces = new Map<string, HeldTrace>();
  /** The same, the oldest first. Not the map's own order: a map that is taken from in front passes over all that was taken. */
  #order: HeldTrace[] = [];
  /** Where in `#order` the oldest one is. */
  #oldest = 0;
  #size = 0;

  constructor(options: HeldSpansOptions) {
    this.#options = options;
  }

  /** Spans held now. */
  get size(): number {
    return this.#size;
  }

  /** @returns What is to go out: nothing, or what was held of the trace and the span itself. */
  add(span: RecordedSpan): readonly RecordedSpan[] {
    const held = this.#traceOf(span);
    if (span.isNotable) held.isKept = true;
    if (held.isKept) {
      span.trace.isKept = true;
      const out = [...held.spans, span];
      this.#size -= held.spans.length;
      held.spans.length = 0;
      this.#makeRoom(span.endedMs);
      return out;
    }
    if (held.spans.length < perTraceMax) {
      held.spans.push(span);
      this.#size++;
    }
    this.#makeRoom(span.endedMs);
    return [];
  }

  #traceOf({ endedMs, traceId }: RecordedSpan): HeldTrace {
    const known = this.#traces.get(traceId);
    if (known !== undefined) return known;
    const held: HeldTrace = { id: traceId, sinceMs: endedMs, isKept: false, spans: [] };
    this.#traces.set(traceId, held);
    this.#order.push(held);
    return held;
  }

  #makeRoom(nowMs: number): void {
    const { holdMs, max } = this.#options;
    for (let oldest = this.#order[this.#oldest]; oldest !== undefined; oldest = this.#order[this.#oldest]) {
      // Traces that were kept hold no spans, and still count as one each, so that they go too.
      if (this.#size <= max && this.#traces.size <= max && nowMs - oldest.sinceMs < holdMs) return;
      this.#oldest++;
      this.#traces.delete(oldest.id);
      this.#size -= oldest.spans.length;
      if (this.#oldest >= cutAfter && this.#oldest * 2 >= this.#order.length) {
        this.#order = this.#order.slice(this.#oldest);
        this.#oldest = 0;
      }
    }
  }
}
