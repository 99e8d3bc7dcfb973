/**
 * A call: one question to one operation, from wherever it came. REST, another service and a test all make one of
 * these, and the same pipeline answers it.
 *
 * It is one mutable object from start to end, not a copy per stage: a copy of eighteen fields per stage would cost
 * more than most handlers. Each field below is written by exactly one stage, named beside it.
 */
import type { Bytes, Caller } from "../contract/index.ts";
import type { Operation, RelationRule } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import type { CallGraph } from "./call-graph.ts";
import type { Touched } from "./touched.ts";
import { type DeclaredMetric, type Labels, noTraceIds, type SpanDetails, type SpanLink, type SpanShape, type Trace, type TraceContext, type TraceIds, toTraceText } from "../telemetry/index.ts";

/** What the caller showed to say who it is. */
export interface Credentials {
  /** The bearer token (RFC 6750) as it was sent, without `Bearer `. */
  readonly bearer?: string | undefined;
  /** How the token was shown. Default `Bearer`; `DPoP` comes with a proof (RFC 9449 section 7.1). */
  readonly scheme?: "Bearer" | "DPoP";
  /** What a browser's cookie says of its session, where it shows no token. */
  readonly session?: string | undefined;
  /** What the request tells besides. Asked for by tokens that are bound to a key, and for sessions. */
  readonly evidence?: (() => Evidence) | undefined;
}

/** What a request tells of whoever sent it, besides what was shown on purpose. */
export interface Evidence {
  /** Upper case. */
  readonly method: string;
  /** As the caller addressed it, without a query; empty where that cannot be known for sure. */
  readonly url: string;
  /** The header `dpop`, as it came. */
  readonly proof: string | undefined;
  /** The certificate that the peer showed in TLS, DER; verified or not. */
  readonly certificate: Uint8Array | undefined;
  /** The header `sec-fetch-site`: where the page stands that asks (https://w3c.github.io/webappsec-fetch-metadata/). */
  readonly site: string | undefined;
  /** The header `origin`. */
  readonly origin: string | undefined;
}

/** How a face or another service starts a call. */
export interface CallStart {
  readonly operation: Operation;
  /** Unique among calls; the face takes it from `idSource`. */
  readonly id: string;
  /** `performance.now()`-like instant at which the request was first seen. */
  readonly startedAtMs: number;
  /** The fields, still to be validated. A function is called once, after the caller is known: a body is parsed only then. */
  readonly input: unknown;
  /** A body of bytes, for operations that take one. */
  readonly body?: Bytes | undefined;
  readonly credentials?: Credentials | undefined;
  /** Already known: in a call from service to service, and in tests. */
  readonly caller?: Caller | undefined;
  /** The service that makes the call, where one does. */
  readonly from?: string | undefined;
  /** The call that this one is part of, in the same process: it is admitted with it and canceled with it. */
  readonly parent?: Call | undefined;
  readonly idempotencyKey?: string | undefined;
  /** The caller's own limit on time, in ms from `startedAtMs`; the contract's is used where it is shorter. */
  readonly timeoutMs?: number | undefined;
  /** Network address of the caller, for limits. */
  readonly address?: string | undefined;
  /** The platform itself calls, to see whether it is answered. */
  readonly isProbe?: boolean;
  /** The span that this call goes on from, where it is no part of another one: a caller's, or that of an event. */
  readonly continues?: TraceContext | undefined;
  /** Spans that led to this call without being what it goes on from. */
  readonly links?: readonly SpanLink[] | undefined;
  /** The value of the header `baggage`, as it came. Default: the parent's. */
  readonly baggage?: string | undefined;
  /** How its span looks. Default: that of a call from inside. */
  readonly shape?: SpanShape | undefined;
}

/** A metric of a team's own, and what to do to it. */
export interface Measured {
  readonly metric: DeclaredMetric;
  readonly value: number;
  readonly labels: Labels | undefined;
}

/** A limit of an operation, as its callers are told of it: one object for all calls. */
export interface LimitFacts {
  readonly name: string;
  /** Calls per window. */
  readonly calls: number;
  readonly perMs: number;
}

/** What a limit of the operation has left for the caller. */
export interface LimitLeft {
  readonly facts: LimitFacts;
  readonly remaining: number;
  readonly resetMs: number;
}

/** Tells what let a call in. */
export interface AccessGate {
  grantedBy(call: Call): string;
}

/** The latest results that a call is taken to know. What an error or a log line quotes was read shortly before. */
const seenMax = 32;

export class Call {
  readonly operation: Operation;
  readonly id: string;
  readonly startedAtMs: number;
  /** Raw at first; `validate` replaces it by the parsed value. */
  input: unknown;
  readonly body: Bytes | undefined;
  readonly credentials: Credentials | undefined;
  /** Set by `identify`. */
  caller: Caller | undefined;
  readonly from: string | undefined;
  readonly parent: Call | undefined;
  readonly idempotencyKey: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly address: string | undefined;
  readonly isProbe: boolean;
  readonly continues: TraceContext | undefined;
  readonly links: readonly SpanLink[] | undefined;
  readonly baggage: string | undefined;
  readonly shape: SpanShape | undefined;
  /** Set by `record`: the same in everything that the call leads to in this process. */
  trace: Trace | undefined = undefined;
  /** Set by `record`, where it is counted what calls need: whatever a handler uses counts itself there. */
  graph: CallGraph | undefined = undefined;
  /** Set by `record`: its name there. Empty where it is counted nowhere. */
  graphNode = "";
  /** Set by `record`; empty at the root of a trace. */
  parentSpanId = "";
  /** What users add to the call's span; set while the handler runs. */
  details: SpanDetails | undefined = undefined;
  /** Set by `deadline`: the instant, on the same clock as `startedAtMs`, at which nobody waits any more. */
  deadlineAtMs = Number.POSITIVE_INFINITY;
  /** Set by `admit`, where it has looked at the clock behind the work: the instant at which there was an answer. */
  endedAtMs: number | undefined = undefined;
  /** Set by `replay`: a digest of the input, where the call has an idempotency key. */
  fingerprint: string | undefined = undefined;
  /** Set by `replay` when the answer is a stored one. */
  isReplay = false;
  /** Filled by the handler's context with what the attempt under way measures, emptied by `transaction` before the next one; `record` counts it when the call has ended. */
  measured: Measured[] | undefined = undefined;
  /** Set by `record` when the call has ended: what a stream measures from then on counts at once. */
  isRecorded = false;
  /** Set by `authorize`: what its decision rests on. */
  gate: AccessGate | undefined = undefined;
  /** Set by `authorize`: which relations were looked up, and whether they hold. */
  relations: ReadonlyMap<RelationRule, boolean> | undefined = undefined;
  /** Set by `limit`: for the `RateLimit` headers of a face. */
  limits: readonly LimitLeft[] | undefined = undefined;
  /** Whose data the call met; filled by its database work, at the first value that is sealed or opened. */
  touched: Touched | undefined = undefined;
  /** Where the handler's database work is done; set by `transaction`. */
  work: unknown = undefined;
  /** Rows that were read, and what was asked of others and answered: only looked at when something is logged. */
  #seen: unknown[] | undefined = undefined;
  #seenNext = 0;
  #controller: AbortController | undefined = undefined;
  #canceled: Fault | undefined = undefined;
  /** Nobody listens to most calls, one to many, several to few. */
  #listeners: ((fault: Fault) => void)[] | undefined = undefined;

  constructor(start: CallStart) {
    this.operation = start.operation;
    this.id = start.id;
    this.startedAtMs = start.startedAtMs;
    this.input = start.input;
    this.body = start.body;
    this.credentials = start.credentials;
    this.caller = start.caller;
    this.from = start.from;
    this.parent = start.parent;
    this.idempotencyKey = start.idempotencyKey;
    this.timeoutMs = start.timeoutMs;
    this.address = start.address;
    this.isProbe = start.isProbe ?? false;
    this.continues = start.continues;
    this.links = start.links;
    this.baggage = start.baggage ?? start.parent?.baggage;
    this.shape = start.shape;
  }

  /** What events, runs and calls elsewhere are to go on from: {@link parseTraceText} reads it. */
  get traceText(): string | undefined {
    if (this.trace !== undefined) return this.trace.textAt(this.id);
    return this.continues === undefined ? undefined : toTraceText(this.continues); // not recorded: passed on as it came
  }

  /** Of the span of this call. */
  get traceIds(): TraceIds {
    return this.trace === undefined ? noTraceIds : { traceId: this.trace.id, spanId: this.id };
  }

  /** Notes a value that the handler gets to see, by reference. The latest are kept. */
  saw(value: unknown): void {
    if (this.#seen === undefined) this.#seen = [value];
    else if (this.#seen.length < seenMax) this.#seen.push(value);
    else this.#seen[this.#seenNext++ % seenMax] = value;
  }

  /** Values whose classified fields no log line or failure of this call may quote. */
  get known(): readonly unknown[] {
    return [this.input, ...(this.#seen ?? [])];
  }

  /** Which parts of the access rule let the call in: "the role admin", "owner". Made when somebody asks; empty where nobody has decided. */
  get grantedBy(): string {
    return this.gate?.grantedBy(this) ?? "";
  }

  /** Aborted when the caller goes away or the deadline passes. Made at first use: most handlers never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#canceled !== undefined) this.#controller.abort(this.#canceled);
    }
    return this.#controller.signal;
  }

  /** Why nobody waits for this call any more, or `undefined` while somebody does. */
  get canceled(): Fault | undefined {
    return this.#canceled;
  }

  /** Ends the wait for this call. The first reason counts. */
  cancel(reason: Fault = new Fault("canceled", "the caller went away")): void {
    if (this.#canceled !== undefined) return;
    this.#canceled = reason;
    // Before the abort, so that the reason wins the race and not the AbortError.
    for (const listener of this.#listeners ?? []) listener(reason);
    this.#listeners = undefined;
    this.#controller?.abort(reason);
  }

  /** Calls `listener` once with the reason when the call is canceled, at once when it already is. */
  onCancel(listener: (fault: Fault) => void): void {
    if (this.#canceled !== undefined) listener(this.#canceled);
    else if (this.#listeners === undefined) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }
}
