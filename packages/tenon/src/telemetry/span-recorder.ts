/**
 * Takes spans that have ended and hands them to sinks in portions, off the path of the calls: after 64 spans or a second.
 *
 * Trades completeness for a bound: when calls end spans faster than portions leave, what does not fit in 8 192 is dropped,
 * and counted. Without a sink no span is made at all; calls still have identifiers of a trace, for their log lines.
 *
 * A span waits in one place at a time:  ended ─► pending ─► sinks,  or  ended ─► held (not sampled) ─► pending | gone
 */
import { type Clock, type IdSource, type Random, randomHex64, type Timer } from "../kernel/index.ts";
import { HeldSpans } from "./held-spans.ts";
import { sampleAll, Sampler, type Sampling } from "./sampling.ts";
import type { TelemetrySink } from "./signals.ts";
import { type ContextRunner, type RecordedSpan, Trace, type TraceOwner } from "./trace.ts";
import { sampledFlag, type TraceContext } from "./trace-context.ts";

export interface SpanRecorderOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdSource;
  /** Default: every trace that begins here. */
  readonly sampling?: Sampling;
  /** Spans that may wait for their portion. Default 8 192: two seconds of a process with 4 000 spans a second. */
  readonly pendingMax?: number;
  /** Spans of traces that are not sampled, held at once. Default 8 192. */
  readonly heldMax?: number;
  /** How long they are held, in ms. Default 30 000: longer than most calls with all that follows from them. */
  readonly holdMs?: number;
}

/**
 * Spans of one portion: many enough to make handing over cheap, few enough that no call waits for it. To encode 512 at once
 * takes a millisecond or two, which one call in thirty would wait for.
 */
const portionMax = 64;
/** How long a span waits for its portion, in ms. */
const portionMs = 1_000;
/** An identifier of a call that came from an id source. */
const idChars = 16;

export class SpanRecorder implements TraceOwner {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Spans that did not fit. */
  dropped = 0;
  /** Portions that a sink threw at: a bug of the sink. */
  refused = 0;
  /** Set where users have spans of their own: handlers run in contexts then. */
  contexts: ContextRunner | undefined = undefined;
  activeSpanId: TraceOwner["activeSpanId"] = undefined;
  /** Whether every trace that begins is to be recorded for now, whatever the sampler says. */
  wantsAll: (() => boolean) | undefined = undefined;
  readonly #random: Random;
  readonly #sampler: Sampler;
  readonly #held: HeldSpans;
  readonly #pendingMax: number;
  readonly #sinks: TelemetrySink[] = [];
  #pending: RecordedSpan[] = [];
  #timer: Timer | undefined = undefined;
  #isHurried = false;
  #offsetMs: number;

  constructor(options: SpanRecorderOptions) {
    const { clock, heldMax = 8_192, holdMs = 30_000, ids, pendingMax = 8_192, random, sampling = sampleAll } = options;
    this.clock = clock;
    this.ids = ids;
    this.#random = random;
    this.#sampler = new Sampler(sampling);
    this.#held = new HeldSpans({ max: heldMax, holdMs });
    this.#pendingMax = pendingMax;
    this.#offsetMs = clock.nowMs() - clock.elapsedMs();
  }

  /** Hands spans to `sink` from now on. */
  addSink(sink: TelemetrySink): void {
    if (sink.spans !== undefined) this.#sinks.push(sink);
  }

  get isOn(): boolean {
    return this.#sinks.length > 0;
  }

  /** Spans that wait for their portion. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Spans held of traces that are not sampled. */
  get held(): number {
    return this.#held.size;
  }

  /**
   * Begins this process's part in a trace.
   *
   * @param rootId  Of the span that begins it, which the trace is named after: it is then found by either.
   * @param parent  What it goes on from. Left out, a trace begins.
   */
  begin(rootId: string, parent: TraceContext | undefined): Trace {
    if (parent === undefined) {
      const id = (rootId.length === idChars ? rootId : this.ids()) + randomHex64(this.#random);
      const flags = this.#sampler.flagsOf(id, undefined) | (this.wantsAll?.() === true ? sampledFlag : 0);
      return new Trace(this, { id, flags, state: "", offsetMs: this.#offsetMs });
    }
    const { state, traceId } = parent;
    return new Trace(this, { id: traceId, flags: this.#sampler.flagsOf(traceId, parent), state, offsetMs: this.#offsetMs });
  }

  add(span: RecordedSpan): void {
    if (span.trace.isKept) this.#push(span);
    else for (const each of this.#held.add(span)) this.#push(each);
  }

  /** Hands over what waits. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isHurried = false;
    // Set anew now and then, since the calendar's clock may be put right; within a trace it stays the same.
    this.#offsetMs = this.clock.nowMs() - this.clock.elapsedMs();
    if (this.#pending.length === 0) return;
    const spans = this.#pending;
    this.#pending = [];
    for (const sink of this.#sinks) {
      try {
        sink.spans?.(spans);
      } catch {
        this.refused++;
      }
    }
  }

  #push(span: RecordedSpan): void {
    const count = this.#pending.length;
    if (count >= this.#pendingMax) {
      this.dropped++;
      return;
    }
    this.#pending.push(span);
    if (count + 1 < portionMax) {
      this.#timer ??= this.clock.after(portionMs, () => this.flush());
    } else if (!this.#isHurried) {
      this.#isHurried = true;
      this.#timer?.cancel();
      this.#timer = this.clock.after(0, () => this.flush());
    }
  }
}
