/** Incidents of a whole app, with a clock that is moved by hand: an alert opens one, and it says what failed first. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { app as createApp, contract, Fault, type Operation, query, service } from "../../src/index.ts";
import { openApp, type OpenApp, parseConfig } from "../../src/app/index.ts";
import { Call } from "../../src/calls/index.ts";
import type { SettingsMark } from "../../src/incidents/index.ts";
import { LogWriter, Metrics, type TelemetrySink } from "../../src/telemetry/index.ts";
import { ManualClock } from "../calls/fixture.ts";

const objective = { availability: 99.9, latency: { p99: "100ms" } } as const;
const payments = contract("payments", { charge: query({ access: "public", objective, output: z.string() }), look: query({ access: "public", objective, output: z.string() }) });
const orders = contract("orders", { place: query({ access: "public", objective, output: z.string() }), list: query({ access: "public", objective, output: z.string() }) });

interface World {
  readonly clock: ManualClock;
  readonly open: OpenApp;
  provider: { ms: number; isDown: boolean };
  bugs: number;
  /** Ten seconds, in which each of these is called so often. */
  pass(calls: Readonly<Record<string, number>>): Promise<void>;
}

async function openWorld(): Promise<World> {
  const clock = new ManualClock();
  const provider = { ms: 20, isDown: false };
  const services = [
    service(payments, {
      handlers: {
        charge: ({ dependency }) =>
          dependency("payment provider", () => {
            clock.advance(provider.ms);
            if (provider.isDown) throw new Fault("unavailable", "nobody answers");
            return "charged";
          }),
        look: () => "looked",
      },
    }),
    service(orders, {
      handlers: {
        async place({ call }) {
          if (placed++ % 20 < world.bugs) throw new TypeError("a bug");
          await call(payments.look);
          return call(payments.charge);
        },
        list: () => "listed",
      },
    }),
  ];
  let placed = 0;
  const log = new LogWriter({ write: () => undefined, clock });
  const sink: TelemetrySink = { spans: () => undefined };
  const open = await openApp(createApp("market", { services }), { config: parseConfig([]).config, serviceConfigs: new Map(), clock, random: () => 0.5, log, metrics: new Metrics({ clock }), verifier: undefined, data: undefined, telemetry: sink });
  let id = 0;
  async function one(operation: Operation): Promise<void> {
    const number = id++;
    const subject = `caller-${number % 7}`;
    const call = new Call({ operation, id: String(number).padStart(16, "0"), startedAtMs: clock.elapsedMs(), input: undefined, address: subject });
    try {
      await open.directory.find(operation.id)?.(call);
    } catch (thrown) {
      assert.ok(thrown instanceof Fault);
    }
  }
  const operations: Readonly<Record<string, Operation>> = { place: orders.place, list: orders.list, charge: payments.charge };
  const world: World = {
    clock,
    open,
    provider,
    bugs: 0,
    async pass(calls) {
      const untilMs = clock.elapsedMs() + 10_000;
      for (const [name, times] of Object.entries(calls)) for (let i = 0; i < times; i++) await one(operations[name] as Operation);
      clock.advance(Math.max(1, untilMs - clock.elapsedMs()));
      for (const { name } of open.app.services) await open.objectives?.keeperOf(name)?.look();
      await open.incidents?.keeper.look();
    },
  };
  return world;
}

async function passMany(world: World, times: number, calls: Readonly<Record<string, number>>): Promise<void> {
  for (let i = 0; i < times; i++) await world.pass(calls);
}

const mark = (value: string) => (): SettingsMark => ({ salt: "s", digests: { PAYMENTS_URL: value } });

describe("incidents of an app", () => {
  test("a provider that is slow: two services page, one incident, and the provider is suspected", async () => {
    const world = await openWorld();
    const { keeper, store } = world.open.incidents as NonNullable<OpenApp["incidents"]>;
    await keeper.noteStart("1.0.0", mark("1"));
    await passMany(world, 60, { place: 10, list: 5 });
    assert.deepEqual(await store.list(10), []);
    await keeper.noteStart("1.1.0", mark("2"));
    const onsetMs = world.clock.nowMs();
    world.provider.ms = 400;
    await passMany(world, 6, { place: 10, list: 5 });

    const [incident, ...others] = await store.list(10);
    assert.deepEqual(others, []);
    assert.deepEqual([incident?.state, incident?.severity, incident?.suspect?.node, incident?.suspect?.confidence], ["open", "page", "dependency:payment provider", "high"]);
    assert.ok(Math.abs((incident?.onsetMs ?? 0) - onsetMs) <= 10_000, `${incident?.onsetMs} is not ${onsetMs}`);
    assert.deepEqual(incident?.alerts.map(({ subject }) => subject).toSorted().filter((each, i, all) => each !== all[i - 1]), ["orders.place", "payments.charge"]);
    assert.deepEqual(incident?.reach?.operations.map(({ operation }) => operation), ["orders.place", "payments.charge"]);
    assert.equal(incident?.reach?.callers, 7);
    assert.ok((incident?.samples?.slow.length ?? 0) > 0);

    const texts = (await store.timeLine(incident?.id ?? "")).map(({ kind, text }) => `${kind}: ${text}`);
    assert.equal(texts[0], "release: release 1.0.0, the first on record");
    assert.deepEqual(texts.slice(1, 3), ["release: release 1.1.0, after 1.0.0", "configuration: PAYMENTS_URL has another value"]);
    assert.ok(texts.some((text) => text.startsWith('suspect: suspected: the dependency "payment provider" (confidence high), since ')), texts.join("\n"));

    world.provider.ms = 20;
    await passMany(world, 240, { place: 10, list: 5 });
    assert.equal((await store.list(1))[0]?.state, "mitigated");
    await passMany(world, 6 * 60 * 24, {});
    assert.equal((await store.list(1))[0]?.state, "closed");
  });

  test("a bug of one operation: it is suspected itself, and no innocent one has an alert", async () => {
    const world = await openWorld();
    const { store } = world.open.incidents as NonNullable<OpenApp["incidents"]>;
    await passMany(world, 60, { place: 20, list: 20 });
    world.bugs = 1; // one call in twenty
    await passMany(world, 12, { place: 20, list: 20 });
    const [incident, ...others] = await store.list(10);
    assert.deepEqual(others, []);
    assert.deepEqual([incident?.suspect?.path, incident?.suspect?.confidence], [["orders.place"], "high"]);
    assert.deepEqual(incident?.alerts.map(({ target }) => target).filter((each, i, all) => all.indexOf(each) === i), ["orders.place/availability"]);
    assert.ok(incident?.samples?.failed.every(({ code, operation }) => operation === "orders.place" && code === "internal"));
    assert.equal(incident?.samples?.failed.length, 8);
  });

  test("much more traffic than before is told", async () => {
    const world = await openWorld();
    const { store } = world.open.incidents as NonNullable<OpenApp["incidents"]>;
    await passMany(world, 60, { place: 5 });
    world.provider.isDown = true;
    await passMany(world, 8, { place: 40 });
    const [incident] = await store.list(1);
    const [traffic] = (await store.timeLine(incident?.id ?? "")).filter(({ kind }) => kind === "traffic");
    assert.match(traffic?.text ?? "", /^calls of (?:orders\.place|payments\.charge): \d+ since the trouble began, \d+ in as much time before \([\d.]+ times\)$/);
    assert.equal(incident?.suspect?.node, "dependency:payment provider");
  });
});
