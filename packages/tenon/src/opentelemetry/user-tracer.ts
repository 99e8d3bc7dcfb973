/** Begins spans of users and instrumentations: part of what is active, of what came with a message, or of nothing. */
import type { Context, Span, SpanOptions, Tracer } from "@opentelemetry/api";
import { RecordedSpan, type SpanKind, type SpanRecorder, type Trace } from "../telemetry/index.ts";
import { addAttributes, addLinks, toEpochMs } from "./span-additions.ts";
import { CallSpan } from "./call-span.ts";
import type { Api } from "./api.ts";
import { UserSpan } from "./user-span.ts";

export interface UserTracerOptions {
  readonly api: Api;
  readonly spans: SpanRecorder;
  /** Of the library that begins spans. */
  readonly name: string;
  readonly version: string | undefined;
}

/** `SpanKind` of the API. */
const kinds: readonly SpanKind[] = ["internal", "server", "client", "producer", "consumer"];

export class UserTracer implements Tracer {
  readonly #options: UserTracerOptions;
  readonly #scope: Readonly<Record<string, string>>;

  constructor(options: UserTracerOptions) {
    const { name, version } = options;
    this.#options = options;
    this.#scope = { "otel.scope.name": name, ...(version === undefined ? {} : { "otel.scope.version": version }) };
  }

  startSpan(name: string, options: SpanOptions = {}, context?: Context): Span {
    const { api, spans } = this.#options;
    const parent = options.root === true ? undefined : api.trace.getSpan(context ?? api.context.active());
    if (!spans.isOn) return api.trace.wrapSpanContext(parent?.spanContext() ?? api.INVALID_SPAN_CONTEXT);
    const id = spans.ids();
    const { parentId, trace } = this.#placeOf(id, parent);
    const shape = { name, kind: kinds[options.kind ?? 0] ?? "internal", attributes: this.#scope, slowMs: Number.POSITIVE_INFINITY };
    const span = new RecordedSpan(shape, trace, { parentId, startedMs: toEpochMs(options.startTime, trace) - trace.offsetMs, id });
    if (options.attributes !== undefined) addAttributes((span.details ??= {}), options.attributes);
    if (options.links !== undefined) addLinks((span.details ??= {}), options.links);
    return new UserSpan(span, api);
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, ...rest: readonly [F] | readonly [SpanOptions, F] | readonly [SpanOptions, Context, F]): ReturnType<F> {
    const { api } = this.#options;
    const task = rest.at(-1) as F;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
    const context = rest.length > 2 ? (rest[1] as Context) : api.context.active();
    const span = this.startSpan(name, options, context);
    return api.context.with(api.trace.setSpan(context, span), () => task(span)) as ReturnType<F>;
  }

  #placeOf(id: string, parent: Span | undefined): { readonly trace: Trace; readonly parentId: string } {
    const { api, spans } = this.#options;
    if (parent instanceof UserSpan || parent instanceof CallSpan) return { trace: parent.trace, parentId: parent.spanContext().spanId };
    const context = parent?.spanContext();
    if (context === undefined || !api.isSpanContextValid(context)) return { trace: spans.begin(id, undefined), parentId: "" };
    const { spanId, traceFlags: flags, traceId, traceState } = context;
    return { trace: spans.begin(id, { traceId, spanId, flags, state: traceState?.serialize() ?? "" }), parentId: spanId };
  }
}
