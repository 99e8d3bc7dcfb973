/** Which context code runs in: the context manager of the API, with calls in it whose handlers run. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Context, ContextManager } from "@opentelemetry/api";
import { type ContextRunner, parseBaggage, type SpannedCall } from "../telemetry/index.ts";
import { CallSpan } from "./call-span.ts";
import type { Api } from "./api.ts";

export class CallContexts implements ContextManager, ContextRunner {
  readonly #api: Api;
  readonly #storage = new AsyncLocalStorage<Context>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** Runs the rest of a call with its span as the active one. */
  run<C extends SpannedCall, R>(call: C, next: (call: C) => R): R {
    const { propagation, ROOT_CONTEXT, trace } = this.#api;
    let context = trace.setSpan(ROOT_CONTEXT, new CallSpan(call, this.#api));
    if (call.baggage !== undefined) context = propagation.setBaggage(context, toApiBaggage(this.#api, call.baggage));
    return this.#storage.run(context, next, call);
  }

  /** The span that is active, where it is one of this trace. */
  activeSpanId(traceId: string): string | undefined {
    const context = this.#storage.getStore();
    const active = context === undefined ? undefined : this.#api.trace.getSpan(context)?.spanContext();
    return active?.traceId === traceId ? active.spanId : undefined;
  }

  active(): Context {
    return this.#storage.getStore() ?? this.#api.ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(context: Context, fn: F, thisArg?: ThisParameterType<F>, ...args: A): ReturnType<F> {
    return this.#storage.run(context, () => fn.apply(thisArg, args));
  }

  bind<T>(context: Context, target: T): T {
    if (typeof target !== "function") return target;
    const storage = this.#storage;
    const bound = function (this: unknown, ...args: readonly unknown[]): unknown {
      return storage.run(context, () => Reflect.apply(target, this, args) as unknown);
    };
    Object.defineProperty(bound, "length", { value: target.length, configurable: true });
    return bound as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

export function toApiBaggage(api: Api, header: string): ReturnType<Api["propagation"]["createBaggage"]> {
  const entries = [...parseBaggage(header)].map(([name, { properties, value }]) => [name, properties === "" ? { value } : { value, metadata: api.baggageEntryMetadataFromString(properties) }] as const);
  return api.propagation.createBaggage(Object.fromEntries(entries));
}
