/** Objectives of a whole app, with a clock that is moved by hand: what counts, what gives way, and what is probed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { app as createApp, type App, type BudgetPolicy, command, contract, DeclaredFault, event, Fault, type Operation, query, reactions, service } from "../../src/index.ts";
import { openApp, type OpenApp, openData, parseConfig, systemClock } from "../../src/app/index.ts";
import { Call } from "../../src/calls/index.ts";
import { withSession } from "../../src/data/index.ts";
import { LogWriter, Metrics, type Span, type TelemetrySink } from "../../src/telemetry/index.ts";
import { createTestDatabase } from "../../src/postgres/index.ts";
import { ManualClock } from "../calls/fixture.ts";
import { serverUrl, skip as skipServer } from "../data/server.ts";

const objective = { availability: 99.9, latency: { p99: "100ms" } } as const;
const shop = contract("shop", {
  buy: query({ access: "public", objective, errors: { SoldOut: { status: 409 } }, priority: "high", probe: { every: "1m", input: { how: "ok" } }, input: z.object({ how: z.string() }), output: z.string() }),
  look: query({ access: "public", output: z.string() }),
  recommend: query({ access: "public", objective: { availability: 99 }, priority: "low", output: z.string() }),
});

function createShop(clock: ManualClock, budgetPolicy?: BudgetPolicy): App {
  const shopService = service(shop, {
    handlers: {
      buy({ input }) {
        if (input.how === "sold out") throw new DeclaredFault("SoldOut", undefined, 409);
        if (input.how === "slow") clock.advance(101);
        if (input.how === "away") throw new Fault("unavailable", "the till is broken");
        return input.how;
      },
      look: () => "looked",
      recommend: () => "this one",
    },
  });
  return createApp("market", { services: [shopService], ...(budgetPolicy === undefined ? {} : { budgetPolicy }) });
}

interface Opened {
  readonly clock: ManualClock;
  readonly open: OpenApp;
  /** The code with which each of `times` calls ended. */
  readonly call: (operation: Operation, input?: unknown, times?: number) => Promise<readonly string[]>;
  /** One look of the service's keeper, 10 s later. */
  readonly look: () => Promise<void>;
}

async function openShop(budgetPolicy?: BudgetPolicy, more: { readonly settings?: Readonly<Record<string, string>>; readonly telemetry?: TelemetrySink } = {}): Promise<Opened> {
  const clock = new ManualClock();
  const log = new LogWriter({ write: () => undefined, clock });
  const open = await openApp(createShop(clock, budgetPolicy), { config: parseConfig([{ name: "test", values: more.settings ?? {} }]).config, serviceConfigs: new Map(), clock, random: () => 0.5, log, metrics: new Metrics({ clock }), verifier: undefined, data: undefined, telemetry: more.telemetry });
  let id = 0;
  async function one(operation: Operation, input: unknown): Promise<string> {
    try {
      await open.directory.find(operation.id)?.(new Call({ operation, id: String(id++), startedAtMs: clock.elapsedMs(), input }));
      return "ok";
    } catch (thrown) {
      assert.ok(thrown instanceof Fault);
      return thrown.publicCode;
    }
  }
  return {
    clock,
    open,
    async call(operation, input, times = 1) {
      const codes: string[] = [];
      for (let i = 0; i < times; i++) codes.push(await one(operation, input));
      return codes;
    },
    async look() {
      clock.advance(10_000);
      await open.objectives?.keeperOf("shop")?.look();
    },
  };
}

function countsOf({ open }: Opened): Readonly<Record<string, string>> {
  return Object.fromEntries((open.objectives?.keeperOf("shop")?.readings ?? []).map(({ counts, target }) => [target.id, `${counts.bad}/${counts.total}`]));
}

describe("objectives of an app", () => {
  test("what counts: faults of the service and its dependencies; not those of callers, nor what a contract declares", async () => {
    const opened = await openShop();
    await opened.call(shop.buy, { how: "ok" }, 10);
    await opened.call(shop.buy, { how: "away" }, 2);
    await opened.call(shop.buy, { how: "slow" }, 1);
    assert.deepEqual(await opened.call(shop.buy, { how: "sold out" }, 1), ["SoldOut"]);
    assert.deepEqual(await opened.call(shop.buy, { how: 5 }, 3), ["invalid_argument", "invalid_argument", "invalid_argument"]);
    await opened.call(shop.look, undefined, 5);
    await opened.look();
    assert.deepEqual(countsOf(opened), {
      "shop.buy/availability": "2/13",
      "shop.buy/latency-p99": "1/17",
      "shop.recommend/availability": "0/0",
      "probe:shop.buy/availability": "0/0",
      "probe:shop.buy/latency-p99": "0/0",
    });
  });

  test("an app that promises nothing loads and keeps nothing", async () => {
    const plain = contract("plain", { ask: query({ access: "public", output: z.string() }) });
    const clock = new ManualClock();
    const log = new LogWriter({ write: () => undefined, clock });
    const open = await openApp(createApp("plain", { services: [service(plain, { handlers: { ask: () => "" } })] }), { config: parseConfig([]).config, serviceConfigs: new Map(), clock, random: () => 0.5, log, metrics: new Metrics({ clock }), verifier: undefined, data: undefined });
    assert.equal(open.objectives, undefined);
  });

  test("with a page firing, calls of low priority give way, and the others do not; giving way uses up no budget", async () => {
    const opened = await openShop("shed");
    assert.deepEqual(await opened.call(shop.recommend), ["ok"]);
    for (let i = 0; i < 3; i++) {
      await opened.call(shop.buy, { how: "away" }, 20);
      await opened.look();
    }
    assert.deepEqual(await opened.call(shop.recommend, undefined, 50), Array.from({ length: 50 }, () => "overloaded"));
    assert.deepEqual([...(await opened.call(shop.look)), ...(await opened.call(shop.buy, { how: "ok" }))], ["ok", "ok"]);
    await opened.look();
    assert.equal(countsOf(opened)["shop.recommend/availability"], "0/1");
  });

  test("where an app only wants to be told, nobody gives way", async () => {
    const opened = await openShop();
    for (let i = 0; i < 3; i++) {
      await opened.call(shop.buy, { how: "away" }, 20);
      await opened.look();
    }
    assert.equal(opened.open.objectives?.keeperOf("shop")?.isPressed, true);
    assert.deepEqual(await opened.call(shop.recommend), ["ok"]);
  });

  test("with a page firing, every trace is recorded where the app asks for it, and only then", async () => {
    const spans: Span[] = [];
    const opened = await openShop(["trace"], { settings: { OTEL_TRACES_SAMPLER: "always_off" }, telemetry: { spans: (portion) => void spans.push(...portion) } });
    const recorded = async (): Promise<number> => {
      spans.length = 0;
      await opened.call(shop.look, undefined, 20);
      opened.open.spans.flush();
      return spans.length;
    };
    assert.equal(await recorded(), 0);
    for (let i = 0; i < 3; i++) {
      await opened.call(shop.buy, { how: "away" }, 20);
      await opened.look();
    }
    assert.equal(await recorded(), 20);
    const family = opened.open.metrics.collect().find(({ name }) => name === "tenon_objective_burn_rate");
    const rate = family?.series.find(({ labels }) => labels["objective"] === "shop.buy/availability" && labels["window"] === "1h");
    assert.ok((rate?.value ?? 0) > 14.4);
    assert.deepEqual(await opened.call(shop.recommend), ["ok"]); // nobody gives way
  });

  test("a probe runs through the whole pipeline once a minute, in a series of its own", async () => {
    const opened = await openShop();
    for (const part of opened.open.objectives?.probes ?? []) await part.start();
    for (let minute = 0; minute < 5; minute++) {
      opened.clock.advance(60_000);
      await new Promise(setImmediate);
    }
    for (const part of opened.open.objectives?.probes ?? []) await part.stop();
    opened.clock.advance(600_000);
    await opened.look();
    assert.deepEqual([countsOf(opened)["probe:shop.buy/availability"], countsOf(opened)["shop.buy/availability"]], ["0/5", "0/0"]);
    const calls = opened.open.metrics.collect().find(({ name }) => name === "tenon_calls");
    assert.equal(calls?.series.find(({ labels }) => labels["operation"] === "shop.buy" && labels["code"] === "ok")?.value, 5);
  });
});

const parcels = contract("parcels", { pack: command({ access: "public", input: z.object({ order: z.string(), cents: z.int() }) }), captured: event({ data: z.object({ order: z.string(), cents: z.int() }), key: "order" }) });

describe("the lag of a subscription", () => {
  test("is seen in the rows: none while all is delivered, and that of the oldest event once nothing is", { timeout: 60_000 }, async () => {
    const clock = new ManualClock();
    const log = new LogWriter({ write: () => undefined, clock });
    const config = { ...parseConfig([]).config, databaseUrl: "pglite:memory" };
    const subscription = reactions().on(parcels.captured, "label", { objective: { lag: "30s" } }, () => undefined);
    const own = service(parcels, { migrations: new URL("event-migrations/payments/", import.meta.url), subscriptions: [subscription], handlers: { pack: () => undefined } });
    const app = createApp("market", { services: [own] });
    const data = await openData(app, { config, clock: systemClock, random: () => 0.5, log, migrate: "always", seed: "no" });
    try {
      const open = await openApp(app, { config, serviceConfigs: new Map(), clock: systemClock, random: () => 0.5, log, metrics: new Metrics({ clock: systemClock }), verifier: undefined, data });
      const keeper = open.objectives?.keeperOf("parcels");
      await keeper?.look(); // a look at lag is counted by the next one
      await keeper?.look();
      assert.deepEqual(keeper?.readings.map(({ counts, target }) => [target.id, counts]), [["parcels.label/lag", { bad: 0, total: 1 }]]);
      // In the outbox for 31 s, since no relay runs.
      const text = "insert into tenon_outbox (id, type, version, key, time, data) values (gen_random_uuid(), 'parcels.captured', 1, 'a', now() - interval '31 s', '{}')";
      await withSession(data.database, { service: "parcels", mode: "write" }, (session) => session.query(text, []));
      await keeper?.look();
      await keeper?.look();
      assert.deepEqual(keeper?.readings.map(({ counts }) => counts), [{ bad: 1, total: 3 }]);
      await keeper?.stop();
    } finally {
      await data.close();
    }
  });
});

describe("a service whose sessions have run out", { skip: skipServer }, () => {
  test("is looked at as ever: its counts are kept and its alert fires, though no session is free", { timeout: 60_000 }, async () => {
    const clock = new ManualClock();
    const log = new LogWriter({ write: () => undefined, clock });
    const made = await createTestDatabase(serverUrl);
    const config = { ...parseConfig([]).config, databaseUrl: made.url, databasePoolMax: 1 };
    const own = service(shop, { migrations: new URL("event-migrations/payments/", import.meta.url), handlers: { buy: () => { throw new Fault("unavailable", "the till is broken"); }, look: () => "", recommend: () => "" } });
    const app = createApp("market", { services: [own] });
    const data = await openData(app, { config, clock: systemClock, random: Math.random, log, migrate: "always", seed: "no" });
    try {
      const open = await openApp(app, { config, serviceConfigs: new Map(), clock: systemClock, objectivesClock: clock, random: Math.random, log, metrics: new Metrics({ clock: systemClock }), verifier: undefined, data });
      const keeper = open.objectives?.keeperOf("shop");
      const held = await Promise.all((["read", "write"] as const).map((mode) => data.database.acquire({ service: "shop", mode, timeoutMs: 1_000 })));
      const startedMs = performance.now();
      for (let look = 0; look < 3; look++) {
        const calls = Array.from({ length: 10 }, async (_, i) => open.directory.find(shop.buy.id)?.(new Call({ operation: shop.buy, id: `${look}-${i}`, startedAtMs: systemClock.elapsedMs(), input: { how: "ok" } })));
        assert.ok((await Promise.allSettled(calls)).every(({ status }) => status === "rejected"));
        clock.advance(10_000);
        await keeper?.look();
      }
      assert.ok(performance.now() - startedMs < 4_000, "a look waited for a session");
      assert.equal(keeper?.alerts.find(({ id }) => id === "shop.buy/availability/page")?.state, "firing");
      for (const session of held) session.release();
      const { rows } = await withSession(data.database, { service: "shop", mode: "read" }, (session) => session.query("select bad::int from tenon_objective_counts where bucket_s = 3600 and target = 'shop.buy/availability'", []));
      assert.deepEqual(rows, [{ bad: 30 }]);
      await keeper?.stop();
    } finally {
      await data.close();
      await made.drop();
    }
  });
});

describe("mistakes in objectives", () => {
  test("a probe without an objective, too often, with an input that nobody takes; an unknown priority and policy", () => {
    const probing = (options: object): (() => unknown) => () => contract("a", { ask: query({ access: "public", output: z.string(), ...options }) });
    assert.throws(probing({ probe: { every: "1m" } }), /has a probe and no objective/);
    assert.throws(probing({ objective, probe: { every: "10ms" } }), /a probe every "10ms" is a load of its own/);
    assert.throws(probing({ objective, probe: { every: "1m", input: { a: 1 } } }), /the probe has an input, and the query takes none/);
    assert.throws(probing({ priority: "urgent" }), /"urgent" is no priority/);
    assert.throws(() => createShop(new ManualClock(), "panic" as BudgetPolicy), /"panic" is no budget policy/);
  });
});

describe("what counting costs", () => {
  test("below 100 ns a call", async (t) => {
    const { ObjectiveMeters } = await import("../../src/objectives/index.ts");
    const judge = new ObjectiveMeters().meterOf(shop.buy);
    assert.ok(judge !== undefined);
    const calls = 2_000_000;
    const rounds = Array.from({ length: 5 }, () => {
      const startMs = performance.now();
      for (let i = 0; i < calls; i++) judge.observe(i % 100 === 0 ? "service" : "answered", i % 200);
      return ((performance.now() - startMs) / calls) * 1_000_000;
    });
    const ns = Math.min(...rounds);
    t.diagnostic(`${ns.toFixed(1)} ns`);
    assert.ok(ns < 100, `${ns} ns`);
  });
});
