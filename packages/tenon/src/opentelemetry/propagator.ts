/** Traces and baggage in messages of others: for instrumentations of HTTP clients, brokers and the like. */
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from "@opentelemetry/api";
import { parseTraceContext, toBaggage, toTraceparent } from "../telemetry/index.ts";
import { toApiBaggage } from "./call-contexts.ts";
import type { Api } from "./api.ts";

export class Propagator implements TextMapPropagator {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const { isSpanContextValid, propagation, trace } = this.#api;
    const span = trace.getSpanContext(context);
    if (span !== undefined && isSpanContextValid(span)) {
      setter.set(carrier, "traceparent", toTraceparent({ traceId: span.traceId, spanId: span.spanId, flags: span.traceFlags }));
      const state = span.traceState?.serialize() ?? "";
      if (state !== "") setter.set(carrier, "tracestate", state);
    }
    const entries = propagation.getBaggage(context)?.getAllEntries() ?? [];
    const baggage = toBaggage(entries.map(([name, { metadata, value }]) => [name, { value, properties: metadata?.toString() ?? "" }] as const));
    if (baggage !== "") setter.set(carrier, "baggage", baggage);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const { createTraceState, propagation, trace } = this.#api;
    let extracted = context;
    const read = parseTraceContext(only(getter.get(carrier, "traceparent")), joined(getter.get(carrier, "tracestate")));
    if (read !== undefined) {
      const { flags: traceFlags, spanId, state, traceId } = read;
      const remote = { traceId, spanId, traceFlags, isRemote: true };
      extracted = trace.setSpanContext(extracted, state === "" ? remote : { ...remote, traceState: createTraceState(state) });
    }
    const baggage = joined(getter.get(carrier, "baggage"));
    return baggage === undefined ? extracted : propagation.setBaggage(extracted, toApiBaggage(this.#api, baggage));
  }

  fields(): string[] {
    return ["traceparent", "tracestate", "baggage"];
  }
}

/** Several are malformed. */
function only(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? (value.length === 1 ? value[0] : undefined) : value;
}

function joined(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}
