/**
 * The suite of an `EventLog`: how events get from an outbox into inboxes, whatever lies between. An adapter's own test
 * file is one call to this.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Database, migrate, type Statement, toMigration } from "../data/index.ts";
import { type Clock, createUuidSource, type Log } from "../kernel/index.ts";
import type { EventRecord } from "./envelope.ts";
import type { EventLog, Route } from "./event-log.ts";
import { insertStatement } from "./outbox.ts";
import type { Consumption } from "./ports.ts";
import { Relay } from "./relay.ts";
import { Wakes } from "./wakes.ts";

export interface EventLogUnderTest {
  /** Empty. */
  readonly database: Database;
  /** How many processes of a service may receive at once; a mock of a broker may not be up to several. Default `several`. */
  readonly receivers?: "one" | "several";
  /** One more process. */
  open(options: { readonly database: Database; readonly routes: readonly Route[]; readonly wakes: Wakes }): Promise<EventLog>;
  /** Takes away what the suite has made. All logs are closed by then. */
  drop(): Promise<void>;
}

/** The longest that anything may take to arrive, on a busy machine. */
const arriveMaxMs = 60_000;
const portion = 20;

const routes: readonly Route[] = [
  { type: "payments.captured", subscriber: "orders", subscription: "mark-paid" },
  { type: "payments.captured", subscriber: "orders", subscription: "send-receipt" },
  { type: "payments.refunded", subscriber: "ledger", subscription: "book" },
];

const clock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
const uuids = createUuidSource(clock, Math.random);
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function traceOf(n: number): string {
  return `00-${String(n + 1).padStart(32, "0")}-00f067aa0ba902b7-01`;
}

function record(type: string, n: number, key?: string): EventRecord {
  return { id: uuids(), source: "payments", type, version: 1, key, time: new Date().toISOString(), data: { n, text: "ä\n\"quoted\" \u2028" }, trace: traceOf(n) };
}

export function eventLogContract(adapter: string, openUnderTest: () => Promise<EventLogUnderTest>): void {
  describe(`${adapter} keeps the EventLog contract`, () => {
    let under: EventLogUnderTest;
    let log: EventLog;
    const closing: (() => Promise<void>)[] = [];

    async function run(service: string, text: string, parameters: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
      const session = await under.database.acquire({ service, mode: "write", timeoutMs: 10_000 });
      try {
        return (await session.query(text, parameters)).rows;
      } finally {
        session.release();
      }
    }

    async function emit(events: readonly EventRecord[], how: "one by one" | "together" = "one by one"): Promise<void> {
      const statements = events.map(insertStatement);
      if (how === "one by one") for (const { parameters, text } of statements) await run("payments", text, parameters);
      else await inOneTransaction(statements);
    }

    async function inOneTransaction(statements: readonly Statement[]): Promise<void> {
      const session = await under.database.acquire({ service: "payments", mode: "write", timeoutMs: 10_000 });
      try {
        await session.batch([{ text: "begin", parameters: [] }, ...statements, { text: "commit", parameters: [] }]);
      } finally {
        session.release();
      }
    }

    /** Calls `before` with the place from which each portion is about to be read. */
    function startRelay(before: (after: number) => Promise<void>): Relay {
      const eventLog: EventLog = {
        label: log.label,
        async forward(service, options) {
          await before(options.after);
          return log.forward(service, options);
        },
        receive: (service) => log.receive(service),
        close: () => log.close(),
      };
      const relay = new Relay({ service: "payments", eventLog, subscribers: [], wakes: new Wakes(), pollMs: 100, clock, log: silent });
      relay.start();
      return relay;
    }

    /** A process that forwards, and receives where that is something of its own. */
    async function open(receives: boolean): Promise<EventLog> {
      const opened = await under.open({ database: under.database, routes, wakes: new Wakes() });
      const consumptions: Consumption[] = [];
      for (const service of receives ? ["orders", "ledger"] : []) consumptions.push(await opened.receive(service));
      closing.push(async () => {
        for (const consumption of consumptions) await consumption.close();
        await opened.close();
      });
      return opened;
    }

    /** Forwards until the outbox is empty, as a relay does. */
    async function forwardAll(by: EventLog): Promise<void> {
      for (;;) {
        const { isContended, moved } = await by.forward("payments", { after: 0, max: portion });
        if (isContended) await pause(5);
        else if (moved === 0) return;
      }
    }

    async function delivered(service: string, subscription: string): Promise<readonly Record<string, unknown>[]> {
      return run(service, "select id, key, data, trace, time, version, source, lane from tenon_inbox where subscription = $1 order by seq", [subscription]);
    }

    async function arrived(service: string, subscription: string, count: number): Promise<readonly Record<string, unknown>[]> {
      for (const endMs = performance.now() + arriveMaxMs; performance.now() < endMs; await pause(20)) {
        const rows = await delivered(service, subscription);
        if (rows.length >= count) return rows;
      }
      return delivered(service, subscription);
    }

    const numbers = (rows: readonly Record<string, unknown>[]): readonly number[] => rows.map(({ data }) => (data as { readonly n: number }).n);

    before(async () => {
      under = await openUnderTest();
      const migrations = [toMigration("0001_rows.sql", "create table rows (id integer primary key)")];
      await migrate(under.database, ["payments", "orders", "ledger"].map((service) => ({ service, migrations })));
      log = await open(true);
    });

    afterEach(() => run("orders", "delete from tenon_inbox"));

    after(async () => {
      for (const close of closing) await close();
      await under?.drop();
    });

    test("each event reaches each of its subscriptions once, whole and in order, and is kept in the history", async () => {
      const sent = [...Array.from({ length: 45 }, (_, n) => record("payments.captured", n, `k${n % 3}`)), record("payments.refunded", 100), record("payments.unheard", 101)];
      await emit(sent);
      await forwardAll(log);
      for (const subscription of ["mark-paid", "send-receipt"]) {
        const rows = await arrived("orders", subscription, 45);
        assert.equal(rows.length, 45);
        for (const key of ["k0", "k1", "k2"]) {
          const ofKey = rows.filter((row) => row["key"] === key);
          assert.deepEqual(numbers(ofKey), numbers(ofKey).toSorted((a, b) => a - b));
          assert.equal(new Set(ofKey.map(({ lane }) => lane)).size, 1, "a key keeps its lane");
        }
        const { lane: _, time, ...first } = rows.find(({ id }) => id === sent[0]?.id) ?? {};
        assert.deepEqual(first, { id: sent[0]?.id, key: "k0", data: sent[0]?.data, trace: traceOf(0), version: 1, source: "payments" });
        assert.equal(Date.parse(String(time)), Date.parse(sent[0]?.time ?? ""));
      }
      assert.deepEqual(numbers(await arrived("ledger", "book", 1)), [100]);
      assert.deepEqual(await run("payments", "select 1 from tenon_outbox"), []);
      const history = await run("payments", "select id from tenon_events order by position");
      assert.deepEqual(history.map(({ id }) => id), sent.map(({ id }) => id));
    });

    test("two relays at once move each event once, and keep the order of keys", async () => {
      const second = await open(under.receivers !== "one");
      const total = 120;
      const emitting = (async () => {
        for (let n = 0; n < total; n += 10) await emit(Array.from({ length: 10 }, (_, i) => record("payments.captured", 1_000 + n + i, `k${(n + i) % 4}`)));
      })();
      await Promise.all([emitting, ...[log, second].map(async (each) => {
        for (let round = 0; round < 15; round++) {
          await forwardAll(each);
          await pause(3);
        }
      })]);
      await forwardAll(log);
      const rows = await arrived("orders", "mark-paid", total);
      assert.equal(rows.length, total);
      assert.equal(new Set(rows.map(({ id }) => id)).size, total);
      for (let key = 0; key < 4; key++) {
        const ofKey = numbers(rows.filter((row) => row["key"] === `k${key}`));
        assert.deepEqual(ofKey, ofKey.toSorted((a, b) => a - b));
      }
    });

    test("what is not committed is not moved, and what comes late is not passed over", async () => {
      if (under.database.sessions === "one") return; // nobody else could look while a transaction is open
      const late = await under.database.acquire({ service: "payments", mode: "write", timeoutMs: 10_000 });
      await late.query("begin", []);
      const early = insertStatement(record("payments.captured", 2_000, "late"));
      await late.query(early.text, early.parameters);
      await emit([record("payments.captured", 2_001, "other")]);
      await forwardAll(log);
      assert.deepEqual(numbers(await arrived("orders", "mark-paid", 1)), [2_001]);
      await late.query("commit", []);
      late.release();
      await forwardAll(log);
      assert.deepEqual(numbers(await arrived("orders", "mark-paid", 2)), [2_001, 2_000]);
    });

    test("an event that commits late, behind a backlog that has moved, is not overtaken by the next of its key", async () => {
      if (under.database.sessions === "one") return;
      const late = await under.database.acquire({ service: "payments", mode: "write", timeoutMs: 10_000 });
      await late.query("begin", []);
      const early = insertStatement(record("payments.captured", 3_000, "late"));
      await late.query(early.text, early.parameters);
      const backlog = 1_200; // several portions of a relay
      for (let n = 1; n <= backlog; n += 300) await emit(Array.from({ length: 300 }, (_, i) => record("payments.captured", 3_000 + n + i, `k${i % 7}`)), "together");
      const places: number[] = [];
      const relay = startRelay(async (after) => {
        places.push(after);
        // It commits when portions with larger numbers have moved, and the next of its key comes at once.
        if (places.length !== 3) return;
        await late.query("commit", []);
        late.release();
        await emit([record("payments.captured", 4_500, "late")]);
      });
      const rows = await arrived("orders", "mark-paid", backlog + 2);
      await relay.stop();
      assert.deepEqual(numbers(rows.filter(({ key }) => key === "late")), [3_000, 4_500]);
      assert.equal(rows.length, backlog + 2);
    });

    test("a backlog is read on behind what has moved", async () => {
      const places: number[] = [];
      // A transaction of anybody else on the same server, as long as it lasts, may stand for a number that can still appear.
      for (let round = 1; round <= 5 && !places.some((place) => place > 0); round += 1) {
        for (let n = 0; n < 2_100; n += 300) await emit(Array.from({ length: 300 }, (_, i) => record("payments.captured", 5_000 * round + n + i, `k${i % 7}`)), "together");
        const relay = startRelay(async (after) => void places.push(after));
        assert.equal((await arrived("orders", "mark-paid", 2_100 * round)).length, 2_100 * round);
        await relay.stop();
      }
      assert.ok(places.some((place) => place > 0), "never from where nothing can appear any more");
    });
  });
}
