/** Incidents of subscriptions on real engines: what made them fall behind is named across the event, and what is usual outlives a process. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { describe, test } from "node:test";
import * as z from "zod";
import { app as createApp, command, contract, event, Fault, type Operation, reactions, service } from "../../src/index.ts";
import { openApp, type OpenApp, openData, type OpenedData, parseConfig, systemClock } from "../../src/app/index.ts";
import { Call } from "../../src/calls/index.ts";
import { withSession } from "../../src/data/index.ts";
import type { Broker } from "../../src/events/index.ts";
import type { Incident } from "../../src/incidents/index.ts";
import { createTestDatabase } from "../../src/postgres/index.ts";
import { LogWriter, Metrics } from "../../src/telemetry/index.ts";
import { ManualClock } from "../calls/fixture.ts";
import { serverUrl, skip as skipServer } from "../data/server.ts";
import { OwnServer, silent, skipOwn, TestSpace } from "../nats/server.ts";

const payments = contract("payments", {
  capture: command({ access: "public", objective: { availability: 99.9 }, input: z.object({ order: z.string() }) }),
  importAll: command({ access: "public", input: z.object({ orders: z.int() }) }),
  captured: event({ data: z.object({ order: z.string() }), key: "order" }),
});
const mail = contract("mail", {});

interface World extends AsyncDisposable {
  readonly open: OpenApp;
  readonly clock: ManualClock;
  readonly trouble: Trouble;
  call(operation: Operation, input: unknown): Promise<string>;
  /** Ten seconds of objectives and incidents; what is under way goes on by the real clock. */
  look(): Promise<void>;
  incident(): Promise<Incident | undefined>;
}

interface Trouble {
  mailServer: "well" | "down";
  /** How long one delivery takes, in ms. */
  deliveryMs: number;
  bug: "none" | "in capture";
}

function marketOf(trouble: Trouble): ReturnType<typeof createApp> {
  const receipts = reactions().on(payments.captured, "receipts", { objective: { lag: "500ms" }, concurrency: 1 }, async ({ dependency }) => {
    await dependency("mail server", async () => {
      if (trouble.deliveryMs > 0) await pause(trouble.deliveryMs);
      if (trouble.mailServer === "down") throw new Fault("unavailable", "nobody answers");
    });
  });
  return createApp("market", {
    services: [
      service(payments, {
        migrations: new URL("event-migrations/payments/", import.meta.url),
        handlers: {
          async capture({ emit, input }) {
            if (trouble.bug === "in capture") throw new TypeError("a bug");
            await emit(payments.captured, input);
          },
          async importAll({ emit, input }) {
            for (let i = 0; i < input.orders; i++) await emit(payments.captured, { order: `imported ${i}` });
          },
        },
      }),
      service(mail, { migrations: new URL("event-migrations/orders/", import.meta.url), subscriptions: [receipts], handlers: {} }),
    ],
  });
}

/** Longer than an event may wait. No time of the objectives' clock passes meanwhile. */
const lateMs = 600;

interface Place {
  readonly data: OpenedData;
  readonly clock: ManualClock;
}

async function openPlace(databaseUrl: string): Promise<Place> {
  const log = new LogWriter({ write: () => undefined, clock: systemClock });
  const config = { ...parseConfig([]).config, databaseUrl };
  const data = await openData(marketOf({ mailServer: "well", deliveryMs: 0, bug: "none" }), { config, clock: systemClock, random: Math.random, log, migrate: "always", seed: "no" });
  const clock = new ManualClock();
  clock.advance(Date.now() - clock.nowMs());
  return { data, clock };
}

/** A process of the app, on a database that outlives it. */
async function openWorld({ clock, data }: Place, broker?: Broker): Promise<World> {
  const trouble: Trouble = { mailServer: "well", deliveryMs: 0, bug: "none" };
  const log = new LogWriter({ write: () => undefined, clock: systemClock });
  const open = await openApp(marketOf(trouble), { config: parseConfig([]).config, serviceConfigs: new Map(), clock: systemClock, objectivesClock: clock, random: Math.random, log, metrics: new Metrics({ clock: systemClock }), verifier: undefined, data, broker });
  for (const part of open.eventParts) await part.start();
  let id = 0;
  return {
    open,
    clock,
    trouble,
    async call(operation, input) {
      try {
        await open.directory.find(operation.id)?.(new Call({ operation, id: String(id++).padStart(16, "0"), startedAtMs: systemClock.elapsedMs(), input }));
        return "ok";
      } catch (thrown) {
        return Fault.from(thrown).code;
      }
    },
    async look() {
      clock.advance(10_000);
      for (const name of ["payments", "mail"]) await open.objectives?.keeperOf(name)?.look();
      await open.incidents?.keeper.look();
    },
    async incident() {
      return (await open.incidents?.store.list(1))?.[0];
    },
    async [Symbol.asyncDispose]() {
      for (const part of open.eventParts.toReversed()) await part.stop();
      for (const name of ["payments", "mail"]) await open.objectives?.keeperOf(name)?.stop();
      await open.incidents?.keeper.stop();
    },
  };
}

/** So many looks in which all is well. */
async function passWell(world: World, looks: number): Promise<void> {
  for (let i = 0; i < looks; i++) {
    for (let call = 0; call < 4; call++) assert.equal(await world.call(payments.capture, { order: `${i} ${call}` }), "ok");
    if (i % 10 === 0) await world.call(payments.importAll, { orders: 2 });
    await world.open.settled();
    await world.look();
  }
}

/** Until there is an incident. */
async function passIll(world: World, step: () => Promise<unknown>): Promise<Incident> {
  for (let i = 0; i < 40; i++) {
    await step();
    await world.look();
    const incident = await world.incident();
    if (incident !== undefined) return incident;
  }
  throw new assert.AssertionError({ message: `no incident: ${JSON.stringify(world.open.objectives?.keeperOf("mail")?.readings)}` });
}

async function passUntil(world: World, isFound: (incident: Incident) => boolean): Promise<Incident> {
  for (let i = 0; i < 120; i++) {
    const incident = await world.incident();
    if (incident !== undefined && isFound(incident)) return incident;
    await pause(300);
    await world.look();
  }
  throw new assert.AssertionError({ message: JSON.stringify((await world.incident())?.suspect) });
}

const engines = [
  { name: "pglite", skip: false as string | false, open: async () => ({ url: "pglite:memory", drop: async () => undefined }) },
  { name: "postgresql", skip: skipServer, open: () => createTestDatabase(serverUrl) },
];

for (const engine of engines) {
  describe(`incidents of a subscription on ${engine.name}`, { skip: engine.skip }, () => {
    async function within(task: (place: Place) => Promise<void>): Promise<void> {
      const made = await engine.open();
      const place = await openPlace(made.url);
      try {
        await task(place);
      } finally {
        await place.data.close();
        await made.drop();
      }
    }

    test("whose deliveries fail: what they need is named", { timeout: 60_000 }, () =>
      within(async (place) => {
        await using world = await openWorld(place);
        await passWell(world, 40);
        world.trouble.mailServer = "down";
        for (let i = 0; i < 20; i++) await world.call(payments.capture, { order: `ill ${i}` });
        await pause(lateMs);
        const incident = await passIll(world, () => pause(60));
        assert.deepEqual(new Set(incident.alerts.map(({ subject }) => subject)), new Set(["mail.receipts"]));
        assert.deepEqual([incident.suspect?.path, incident.suspect?.confidence], [["mail.receipts", "dependency:mail server"], "high"]);
      }),
    );

    test("that more comes to than it can handle: whoever emits so much is named, and no innocent emitter", { timeout: 60_000 }, () =>
      within(async (place) => {
        await using world = await openWorld(place);
        await passWell(world, 40);
        world.trouble.deliveryMs = 1; // as it is, a delivery takes about so long
        await world.call(payments.importAll, { orders: 2_500 });
        await pause(lateMs);
        const incident = await passIll(world, async () => {
          await world.call(payments.capture, { order: "ill" });
          await pause(100);
        });
        assert.deepEqual(incident.suspect?.path, ["mail.receipts", "event:payments.captured", "payments.importAll"]);
        assert.equal(incident.suspect?.confidence, "high");
      }),
    );

    test("a release that is bad from its start on: it is compared with what was usual before the restart", { timeout: 60_000 }, () =>
      within(async (place) => {
        {
          await using before = await openWorld(place);
          await passWell(before, 20);
        }
        await using after = await openWorld(place);
        after.trouble.bug = "in capture";
        const incident = await passIll(after, () => after.call(payments.capture, { order: "ill" }));
        assert.deepEqual([incident.suspect?.node, incident.suspect?.confidence], ["payments.capture", "high"]);
        assert.match(incident.suspect?.evidence[0] ?? "", /^payments\.capture: 100 % of \d+ failed, usually 0 %/);
        const { rows } = await withSession(place.data.database, { service: "payments", mode: "read" }, (session) => session.query("select count(distinct instance)::int as instances, count(*)::int as portions from tenon_call_counts", []));
        assert.ok(Number(rows[0]?.["instances"]) >= 1);
        assert.ok(Number(rows[0]?.["portions"]) >= 20);
      }),
    );
  });
}

describe("a broker that is away", { skip: skipOwn !== false ? skipOwn : skipServer }, () => {
  test("is named by the incident of the subscription that waits for it", { timeout: 90_000 }, async () => {
    const server = await OwnServer.start();
    const made = await createTestDatabase(serverUrl);
    const place = await openPlace(made.url);
    try {
      await using world = await openWorld(place, await new TestSpace(server.url).open({ log: silent }));
      await passWell(world, 40);
      await server.kill();
      await world.call(payments.capture, { order: "ill" });
      await pause(lateMs);
      await passIll(world, () => pause(400));
      // A try to publish ends after seconds, and the incident is looked into once a minute.
      const incident = await passUntil(world, ({ suspect }) => suspect?.kind === "broker");
      assert.deepEqual(incident.suspect?.path.slice(0, 2), ["mail.receipts", "event:payments.captured"]);
      assert.equal(incident.suspect?.kind, "broker");
    } finally {
      await place.data.close();
      await made.drop();
      await server.drop();
    }
  });
});
