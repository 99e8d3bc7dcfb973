/** Spans by `@opentelemetry/api`, of users and of libraries, beside those of calls. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import * as z from "zod";
import { command, contract, query, service } from "tenon";
import { openApp, type OpenApp, parseConfig, systemClock } from "../../src/app/index.ts";
import { Call } from "../../src/calls/index.ts";
import { anonymous, type Operation } from "../../src/contract/index.ts";
import { additionLimits, openOpenTelemetry, type OpenTelemetry } from "../../src/opentelemetry/index.ts";
import { app } from "../../src/service/index.ts";
import { LogWriter, Metrics, parseTraceContext, type Span } from "../../src/telemetry/index.ts";

const shop = contract("shop", {
  order: command({ access: "public", input: z.object({ id: z.string() }), output: z.object({ seen: z.unknown() }) }),
  price: query({ access: "public", output: z.object({ cents: z.int() }) }),
});

/** What the handlers do, set by each test. */
let order: (parts: { readonly price: () => Promise<unknown> }) => unknown = () => undefined;
let price: () => unknown = () => undefined;

const shopService = service(shop, {
  handlers: {
    async order({ call }) {
      return { seen: await order({ price: () => call(shop.price) }) };
    },
    async price() {
      await price();
      return { cents: 100 };
    },
  },
});

const tracer = trace.getTracer("shop-code", "1.2.3");
const lines: string[] = [];
let open: OpenApp;
let joined: OpenTelemetry;
let spans: Span[] = [];
const log = new LogWriter({ write: (text) => void lines.push(text), clock: systemClock, level: "warn" });

async function run(start: { readonly traceparent?: string; readonly baggage?: string } = {}): Promise<{ readonly id: string; readonly result: unknown }> {
  const operation: Operation = shop.order;
  const id = open.ids();
  const call = new Call({ operation, id, startedAtMs: systemClock.elapsedMs(), input: { id: "o1" }, caller: anonymous, continues: parseTraceContext(start.traceparent), baggage: start.baggage });
  const result = (await open.directory.find(operation.id)?.(call)) as { readonly seen: unknown };
  open.spans.flush();
  return { id, result: result.seen };
}

function named(name: string): Span {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `${name} in ${spans.map((span) => span.name).join(", ")}`);
  return found[0] as Span;
}

describe("the API of OpenTelemetry", () => {
  before(async () => {
    const { config } = parseConfig([]);
    open = await openApp(app("shop", { services: [shopService] }), { config, serviceConfigs: new Map(), clock: systemClock, random: Math.random, log, metrics: new Metrics({ clock: systemClock }), verifier: undefined, data: undefined, telemetry: { spans: (portion) => void spans.push(...portion) } });
  });
  beforeEach(async () => {
    spans = [];
    joined = await openOpenTelemetry(open.spans, log);
  });
  afterEach(() => joined.close());
  after(() => log.flush());

  test("puts spans of a handler between its call and the calls that it makes, over waits", async () => {
    order = ({ price: ask }) =>
      tracer.startActiveSpan("check", { kind: SpanKind.CLIENT, attributes: { step: 1 } }, async (span) => {
        await pause(2);
        await tracer.startActiveSpan("inner", async (inner) => {
          await ask();
          inner.end();
        });
        span.setAttribute("more", ["a", "b"]).addEvent("checked", { n: 2 }).end();
        return undefined;
      });
    price = () => tracer.startSpan("look").end();
    const { id } = await run({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03" });
    const [call, check, inner, asked, look] = ["shop.order", "check", "inner", "shop.price", "look"].map(named) as [Span, Span, Span, Span, Span];
    assert.equal(call.spanId, id);
    assert.deepEqual([call.parentSpanId, check.parentSpanId, inner.parentSpanId, asked.parentSpanId, look.parentSpanId], ["00f067aa0ba902b7", call.spanId, check.spanId, inner.spanId, asked.spanId]);
    for (const span of spans) assert.equal(span.traceId, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert.deepEqual([check.kind, check.attributes], ["client", { "otel.scope.name": "shop-code", "otel.scope.version": "1.2.3", step: 1, more: ["a", "b"] }]);
    assert.deepEqual(check.events.map(({ attributes, name }) => [name, attributes]), [["checked", { n: 2 }]]);
    assert.ok(check.startMs >= call.startMs && check.endMs <= call.endMs && check.endMs - check.startMs >= 1);
  });

  test("keeps calls that run beside each other apart", async () => {
    order = async () => {
      await pause(Math.random() * 5);
      return tracer.startActiveSpan("own", async (span) => {
        await pause(Math.random() * 5);
        span.end();
        return trace.getActiveSpan()?.spanContext().traceId;
      });
    };
    const runs = await Promise.all(Array.from({ length: 50 }, () => run()));
    open.spans.flush();
    const calls = new Map(spans.filter(({ name }) => name === "shop.order").map((span) => [span.spanId, span]));
    for (const { id, result } of runs) assert.equal(result, calls.get(id)?.traceId);
    for (const own of spans.filter(({ name }) => name === "own")) assert.equal(calls.get(own.parentSpanId)?.traceId, own.traceId);
    assert.equal(new Set(runs.map(({ result }) => result)).size, 50);
  });

  test("adds to the span of the call, and does not end it", async () => {
    order = async () => {
      const span = trace.getActiveSpan();
      span?.setAttributes({ tier: "gold" }).updateName("order of gold");
      span?.recordException(new RangeError("none left"));
      span?.setStatus({ code: SpanStatusCode.ERROR, message: "none" });
      span?.addLink({ context: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 } });
      span?.end();
      await pause(2);
      span?.setAttribute("later", true);
    };
    await run();
    const call = named("order of gold");
    assert.deepEqual([call.status, call.message, call.attributes["tier"], call.attributes["later"], call.attributes["tenon.operation"]], ["error", "none", "gold", true, "shop.order"]);
    assert.deepEqual(call.links, [{ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }]);
    const [exception] = call.events;
    assert.deepEqual([exception?.name, exception?.attributes?.["exception.type"], exception?.attributes?.["exception.message"]], ["exception", "RangeError", "none left"]);
    assert.ok(call.endMs - call.startMs >= 1);
  });

  test("hears nothing of a span after its end, and no second end", async () => {
    order = () => {
      const span = tracer.startSpan("once");
      span.end();
      span.setAttribute("late", 1).setStatus({ code: SpanStatusCode.ERROR }).addEvent("late");
      span.end();
      return [span.isRecording(), trace.getActiveSpan()?.isRecording()];
    };
    assert.deepEqual((await run()).result, [false, true]);
    assert.deepEqual([named("once").attributes["late"], named("once").status, named("once").events], [undefined, "unset", []]);
  });

  test("keeps its limits", async () => {
    order = () => {
      const span = tracer.startSpan("large");
      for (let n = 0; n < 300; n++) span.setAttribute(`a${n}`, "x".repeat(20_000)).addEvent("e");
      span.addLinks(Array.from({ length: 300 }, () => ({ context: span.spanContext() })));
      span.setAttribute("a0", "again").setAttribute("odd", { not: "kept here" });
      span.end();
    };
    await run();
    const large = named("large");
    const own = Object.keys(large.attributes).filter((name) => !name.startsWith("otel.scope."));
    assert.deepEqual([own.length, large.events.length, large.links.length], [additionLimits.attributesMax, additionLimits.eventsMax, additionLimits.linksMax]);
    assert.equal(String(large.attributes["a1"]).length, additionLimits.textMaxChars);
    assert.equal(large.attributes["a0"], "again");
    assert.equal("odd" in large.attributes, false);
  });

  test("takes times in all of its forms", async () => {
    order = () => {
      const nowMs = Date.now();
      tracer.startSpan("date", { startTime: new Date(nowMs - 500) }).end(new Date(nowMs));
      tracer.startSpan("number", { startTime: nowMs - 500 }).end(nowMs);
      tracer.startSpan("pair", { startTime: [Math.floor(nowMs / 1_000), 250_000_000] }).end([Math.floor(nowMs / 1_000), 750_000_000]);
      const elapsedMs = performance.now();
      tracer.startSpan("performance", { startTime: elapsedMs - 500 }).end(elapsedMs);
      tracer.startSpan("backwards", { startTime: nowMs }).end(nowMs - 500);
    };
    await run();
    for (const name of ["date", "number", "pair", "performance"]) {
      const { endMs, startMs } = named(name);
      assert.ok(Math.abs(endMs - startMs - 500) < 0.01 && Math.abs(Date.now() - endMs) < 60_000, `${name} ${startMs} ${endMs}`);
    }
    assert.equal(named("backwards").endMs, named("backwards").startMs);
  });

  test("carries trace and baggage to others, and takes them from others", async () => {
    order = () => {
      const carrier: Record<string, string> = {};
      propagation.inject(context.active(), carrier);
      return { carrier, tenant: propagation.getBaggage(context.active())?.getEntry("tenant")?.value };
    };
    const { id, result } = await run({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", baggage: "tenant=a%20b;level=1,malformed=1" });
    assert.deepEqual(result, { carrier: { traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-${id}-03`, baggage: "tenant=a%20b;level=1,malformed=1" }, tenant: "a b" });

    const from = propagation.extract(ROOT_CONTEXT, { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "vendor=1", baggage: "x=1" });
    assert.equal(propagation.getBaggage(from)?.getEntry("x")?.value, "1");
    tracer.startActiveSpan("consume", {}, from, (span) => span.end());
    tracer.startSpan("root", { root: true }, from).end();
    open.spans.flush();
    assert.deepEqual([named("consume").traceId, named("consume").parentSpanId, named("consume").traceState], ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "vendor=1"]);
    assert.deepEqual([named("root").parentSpanId, named("root").traceId === named("consume").traceId], ["", false]);
    const none = propagation.extract(ROOT_CONTEXT, { traceparent: ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x"], baggage: "a b" }, { keys: Object.keys, get: (carrier, key) => (carrier as Record<string, string | string[]>)[key] });
    assert.equal(trace.getSpanContext(none), undefined);
  });

  test("binds functions to a context, with what they are called on", async () => {
    order = () => {
      const active = context.active();
      const bound = context.bind(active, function bound(this: { readonly n: number }, more: number) {
        return [this.n + more, trace.getActiveSpan()?.spanContext().spanId];
      });
      return context.with(ROOT_CONTEXT, () => [trace.getActiveSpan(), ...Reflect.apply(bound, { n: 1 }, [2]), bound.length]);
    };
    const { id, result } = await run();
    assert.deepEqual(result, [undefined, 3, id, 1]);
  });

  test("leaves a provider alone that somebody else has registered, and says so", async () => {
    joined.close();
    const other = { getTracer: () => tracer };
    const manager = { active: () => ROOT_CONTEXT, with: () => assert.fail(), bind: <T>(_: unknown, target: T) => target, enable: () => manager, disable: () => manager };
    for (const register of [() => trace.setGlobalTracerProvider(other), () => context.setGlobalContextManager(manager)]) {
      assert.ok(register());
      lines.length = 0;
      const second = await openOpenTelemetry(open.spans, log);
      log.flush();
      assert.match(lines.join(""), /has a provider already, which stays/);
      assert.equal(open.spans.contexts, undefined);
      second.close();
      trace.disable();
      context.disable();
    }
  });

  test("has nothing of the platform any more when it is closed", async () => {
    joined.close();
    order = () => [trace.getActiveSpan(), trace.getTracer("later").startSpan("unheard").isRecording()];
    assert.deepEqual((await run()).result, [undefined, false]);
    assert.deepEqual(spans.map(({ name }) => name), ["shop.order"]);
  });
});
