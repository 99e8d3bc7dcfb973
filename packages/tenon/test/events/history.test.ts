/** What an operator sees of events, and replays, on both engines: history, one event, lag, retention. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Database, Sweeper } from "../../src/data/index.ts";
import {
  countHistory,
  countMax,
  DatabaseLog,
  type Delivery,
  discardDeadLetters,
  eventSweeps,
  type FindOptions,
  findEvents,
  type FoundEvent,
  GivenUp,
  historySpan,
  parseIdRange,
  readDeadLetters,
  readHistory,
  readLag,
  replayEvents,
  type SubscriptionLag,
} from "../../src/events/index.ts";
import { engines, type Opened } from "../data/engines.ts";
import { clock } from "../data/shop.ts";
import { add, applied, clear, count, dispatcher, prepare, record, rowConsumer, run, service, silent, until } from "./delivered-service.ts";

const nOf = (delivery: Delivery): number => (delivery.event.data as { readonly n: number }).n;
const route = { type: "payments.captured", subscriber: service, subscription: "work" };

/** `n` from 0 up, straight into the history: position n + 1 where it was empty. */
async function fill(database: Database, total: number, { version = 1, ageDays = 0 } = {}): Promise<void> {
  await run(
    database,
    `insert into tenon_events (id, type, version, key, time, data, trace)
     select gen_random_uuid(), 'payments.captured', $2::int, 'k' || n % 3, now() - $3 * interval '1 day', json_build_object('n', n), 't' from generate_series(0, $1::int - 1) as n`,
    [total, version, ageDays],
  );
}

for (const engine of engines) {
  describe(`events for operators on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let database: Database;
    before(async () => {
      opened = await engine.open();
      database = opened.database;
      await prepare(database);
    });
    after(() => opened?.drop());
    beforeEach(async () => {
      await clear(database);
      await run(database, "delete from tenon_events");
      await run(database, "delete from tenon_outbox");
    });

    describe("the history", () => {
      test("is read in pages, from either end, by type, key, version and time", async () => {
        await fill(database, 30);
        await fill(database, 2, { version: 2, ageDays: 3 });
        const span = await historySpan(database, service);
        const first = span?.first.position ?? 0;
        assert.equal(span?.last.position, first + 31);
        const ns = async (asked: Parameters<typeof readHistory>[2]): Promise<readonly number[]> =>
          (await readHistory(database, service, asked)).map(({ event }) => (event.data as { readonly n: number }).n);
        const newest = { order: "newest first", max: 3 } as const;
        const oldest = { order: "oldest first", max: 3 } as const;
        assert.deepEqual(await ns(oldest), [0, 1, 2]);
        assert.deepEqual(await ns({ ...oldest, after: first + 2 }), [3, 4, 5]);
        assert.deepEqual(await ns({ ...newest, before: first + 30 }), [29, 28, 27]);
        assert.deepEqual(await ns({ ...newest, key: "k1", versionBelow: 2 }), [28, 25, 22]);
        assert.deepEqual(await ns({ ...oldest, versionFrom: 2 }), [0, 1]);
        assert.deepEqual(await ns({ ...oldest, until: new Date(Date.now() - 86_400_000) }), [0, 1]);
        assert.deepEqual(await ns({ ...oldest, from: new Date(Date.now() + 60_000) }), []);
        assert.deepEqual(await ns({ ...oldest, type: "payments.refunded" }), []);
      });

      test("is counted no further than anybody wants to know", async () => {
        await fill(database, countMax + 5);
        assert.deepEqual(await countHistory(database, service, {}), { count: countMax, hasMore: true });
        assert.deepEqual(await countHistory(database, service, { key: "k0" }), { count: 3_335, hasMore: false });
      });

      test("is kept for as long as it is to be, and nothing else is removed", async () => {
        await fill(database, 5_200, { ageDays: 8 });
        await fill(database, 3, { ageDays: 6 });
        await run(database, "insert into tenon_received (id, subscription, received_at) values (gen_random_uuid(), 'work', now() - interval '15 days'), (gen_random_uuid(), 'work', now() - interval '13 days')");
        await run(database, "insert into tenon_inbox (subscription, lane, id, source, type, version, time, data, received_at) values ('work', 1, gen_random_uuid(), 'payments', 'payments.captured', 1, now() - interval '90 days', '{}', now() - interval '90 days')");
        await run(database, "insert into tenon_dead_letters (subscription, id, source, type, version, time, data, received_at, attempts, died_at) values ('work', gen_random_uuid(), 'payments', 'payments.captured', 1, now() - interval '90 days', '{}', now() - interval '90 days', 1, now() - interval '90 days')");
        const discarded = (days: number): string =>
          `insert into tenon_dead_letters (subscription, id, source, type, version, time, data, received_at, attempts, died_at, state, reason, settled_at) values ('work', gen_random_uuid(), 'payments', 'payments.captured', 1, now(), '{}', now(), 1, now(), 'discarded', 'old ${days}', now() - interval '${days} days')`;
        await run(database, discarded(91));
        await run(database, discarded(89));
        await run(database, "insert into tenon_outbox (id, type, version, time, data) values (gen_random_uuid(), 'payments.captured', 1, now() - interval '90 days', '{}')");
        await new Sweeper({ what: "events", database, services: [service], sweeps: eventSweeps(7 * 86_400_000), everyMs: 60_000, clock, log: silent }).sweep();
        assert.deepEqual(await countHistory(database, service, {}), { count: 3, hasMore: false });
        const left = await run(database, "select (select count(*) from tenon_received) as received, (select count(*) from tenon_outbox) as outbox");
        assert.deepEqual(left, [{ received: 1, outbox: 1 }]);
        assert.equal(await count(database, "tenon_inbox"), 1);
        const letters = await run(database, "select state, reason from tenon_dead_letters order by seq");
        assert.deepEqual(letters, [{ state: "dead", reason: null }, { state: "discarded", reason: "old 89" }]);
        await run(database, "delete from tenon_received");
      });
    });

    describe("one event", () => {
      const find = async (id: string, more: Partial<FindOptions> = {}): Promise<readonly FoundEvent[]> => {
        const ids = parseIdRange(id);
        assert.ok(ids !== undefined);
        return findEvents(database, { ids, emitters: [service], subscribers: [service], routes: [{ ...route, type: "orders.captured" }], max: 10, ...more });
      };

      test("is found by the beginning of its id, from the outbox on, with what became of each delivery", async () => {
        const event = { ...record(1, "k"), source: service, type: "orders.captured" };
        const routes = [{ ...route, type: event.type }, { ...route, type: event.type, subscription: "other" }];
        const columns = [event.id, event.type, event.version, event.key, event.time, JSON.stringify(event.data), event.trace];
        await run(database, "insert into tenon_outbox (id, type, version, key, time, data, trace) values ($1, $2, $3, $4, $5, $6, $7)", columns);
        const [waiting] = await find(event.id.slice(0, 18), { routes });
        assert.deepEqual([waiting?.place, waiting?.deliveries, waiting?.done], ["outbox", [], []]);

        await new DatabaseLog({ database, routes }).forward(service, { after: 0, max: 10 });
        const [sent] = await find(event.id, { routes });
        assert.equal(sent?.place, "history");
        assert.deepEqual(sent?.event.data, { n: 1 });
        assert.deepEqual(sent?.deliveries.map(({ state, subscription }) => `${subscription} ${state}`).toSorted((a, b) => (a < b ? -1 : 1)), ["other ready", "work ready"]);

        const failing = rowConsumer(database, { before: () => assert.fail("no"), policy: { attempts: 5, maxAgeMs: 1e9, baseMs: 4_000, capMs: 4_000 } });
        const part = dispatcher(database, [{ ...failing, name: "other" }, rowConsumer(database)], { random: () => 0.9 });
        await part.start();
        await part.settled();
        await part.stop();
        const [done] = await find(event.id, { routes });
        assert.deepEqual(done?.done, [routes[0]]);
        assert.deepEqual(done?.deliveries.map(({ attempts, state }) => ({ attempts, state })), [{ attempts: 1, state: "waiting" }]);
        assert.match(done?.deliveries[0]?.error ?? "", /^AssertionError: no/);
        assert.ok(Date.parse(done?.deliveries[0]?.dueAt ?? "") > Date.now());
      });

      test("that was given up names its dead letter, and one that is nowhere is not found", async () => {
        const event = record(1, "k");
        await add(database, "work", [event]);
        const part = dispatcher(database, [rowConsumer(database, { before: () => { throw new GivenUp("no"); } })]);
        await part.start();
        await part.settled();
        await part.stop();
        const [letter] = await readDeadLetters(database, service, { max: 1 });
        const [dead] = await find(event.id);
        assert.deepEqual([dead?.place, dead?.deliveries[0]?.state, dead?.deliveries[0]?.deadLetter], ["nowhere", "dead", letter?.seq]);
        await discardDeadLetters(database, service, { filter: {}, reason: "gone" });
        assert.equal((await find(event.id))[0]?.deliveries[0]?.state, "discarded");
        assert.deepEqual(await find(record(2).id), []);
      });
    });

    describe("the lag", () => {
      const lagOf = async (subscription: string): Promise<SubscriptionLag | undefined> =>
        (await readLag(database, service, ["work"])).subscriptions.find((each) => each.subscription === subscription);

      test("counts what is ready, waiting, behind, timed and dead, per subscription, with the age of the oldest", async () => {
        const due = { ready: "null", waiting: "now() + interval '1 hour'", behind: "'infinity'", timer: "now() + interval '1 hour'" } as const;
        const put = (state: keyof typeof due, total: number, minutes: number) =>
          run(
            database,
            `insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data, received_at, due_at, attempts)
             select 'work', 1, gen_random_uuid(), 'payments', 'payments.captured', 1, 'k', now(), '{}', now() - $2 * interval '1 minute', ${due[state]}, ${state === "waiting" ? 2 : 0}
             from generate_series(1, $1::int)`,
            [total, minutes],
          );
        assert.deepEqual(await lagOf("work"), { subscription: "work", ready: none, waiting: none, behind: none, timers: none, dead: none, oldestMs: undefined });
        await put("timer", 4, 600);
        assert.equal((await lagOf("work"))?.oldestMs, undefined, "what is not due is not late");
        await put("ready", 3, 5);
        await put("waiting", 1, 20);
        await put("behind", 2, 10);
        await run(database, "insert into tenon_dead_letters (subscription, id, source, type, version, time, data, received_at, attempts) select 'gone', gen_random_uuid(), 'payments', 'payments.captured', 1, now(), '{}', now(), 1 from generate_series(1, 2)");
        const lag = await lagOf("work");
        assert.deepEqual([lag?.ready.count, lag?.waiting.count, lag?.behind.count, lag?.timers.count, lag?.dead.count], [3, 1, 2, 4, 0]);
        assert.ok(Math.abs((lag?.oldestMs ?? 0) - 20 * 60_000) < 30_000, `20 min, got ${lag?.oldestMs}`);
        assert.equal((await lagOf("gone"))?.dead.count, 2, "a subscription that is known by its dead letters alone");
        await put("ready", countMax, 1);
        assert.deepEqual((await lagOf("work"))?.ready, { count: countMax, hasMore: true });
      });

      test("tells what the outbox has not sent, and who holds the lanes", async () => {
        await run(database, "update tenon_lanes set holder = null, lease_until = null");
        await run(database, "insert into tenon_outbox (id, type, version, time, data) select gen_random_uuid(), 'orders.placed', 1, now() - interval '3 minutes', '{}' from generate_series(1, 2)");
        const idle = await readLag(database, service, []);
        assert.equal(idle.outbox.count.count, 2);
        assert.ok(Math.abs((idle.outbox.oldestMs ?? 0) - 180_000) < 30_000);
        assert.deepEqual([idle.holders, idle.freeLanes], [[], 64]);
        const part = dispatcher(database, [rowConsumer(database)], { holder: "me" });
        await part.start();
        assert.deepEqual((await readLag(database, service, [])).holders, [{ holder: "me", lanes: 64, isAlive: true }]);
        await part.stop();
      });
    });

    describe("a replay", () => {
      const replay = (filter: Parameters<typeof replayEvents>[1]["filter"], onPortion: () => "go on" | "stop" = () => "go on") =>
        replayEvents(database, { emitter: service, subscriber: service, subscription: "work", filter, onPortion });

      test("puts a range into the inbox of one subscription, in order, as it was emitted", async () => {
        await fill(database, 600);
        const first = (await historySpan(database, service))?.first.position ?? 0;
        const done = await replay({ after: first + 99, before: first + 500, key: "k1" });
        assert.deepEqual([done.count, done.isComplete], [134, true]);
        const rows = await run(database, "select data, key, source, subscription, attempts from tenon_inbox order by seq");
        assert.deepEqual(rows.map(({ data }) => (data as { readonly n: number }).n), Array.from({ length: 134 }, (_, i) => 100 + i * 3));
        assert.deepEqual(rows[0], { data: { n: 100 }, key: "k1", source: service, subscription: "work", attempts: 0 });
        const [same] = await run(database, "select count(*) as n from tenon_inbox as i join tenon_events as e on e.id = i.id and e.time = i.time and e.data::text = i.data::text and e.trace = i.trace");
        assert.deepEqual(same, { n: 134 });
      });

      test("that was stopped goes on behind what it told of, and repeats nothing", async () => {
        await fill(database, 700);
        const stopped = await replay({}, () => "stop");
        assert.deepEqual([stopped.count, stopped.isComplete], [250, false]);
        const rest = await replay({ after: stopped.position });
        assert.deepEqual([rest.count, rest.isComplete], [450, true]);
        const rows = await run(database, "select data from tenon_inbox order by seq");
        assert.deepEqual(rows.map(({ data }) => (data as { readonly n: number }).n), Array.from({ length: 700 }, (_, n) => n));
      });

      test("while deliveries go on loses and doubles nothing, and each key keeps the order of its own", async () => {
        await fill(database, 900);
        const part = dispatcher(database, [rowConsumer(database, { batchMax: 20 })]);
        await part.start();
        const live = Array.from({ length: 60 }, (_, n) => record(10_000 + n, `k${n % 3}`));
        await Promise.all([replay({}), add(database, "work", live)]);
        await until("all are applied", async () => (await applied(database)).length === 960);
        await part.stop();
        const seen = await applied(database);
        for (let key = 0; key < 3; key++) {
          const replayed = seen.filter((n) => n < 10_000 && n % 3 === key);
          assert.deepEqual(replayed, Array.from({ length: 300 }, (_, i) => i * 3 + key));
          const own = seen.filter((n) => n >= 10_000 && (n - 10_000) % 3 === key);
          assert.deepEqual(own, own.toSorted((a, b) => a - b));
        }
      });

      test("to a subscription whose key is held waits behind it", async () => {
        await fill(database, 3);
        await add(database, "work", [record(50, "k0")]);
        const hold = () => rowConsumer(database, { afterDeath: "hold", before: (delivery) => { if (nOf(delivery) === 50) throw new GivenUp("no"); } });
        const part = dispatcher(database, [hold()]);
        await part.start();
        await part.settled();
        await replay({});
        await part.settled();
        await part.stop();
        assert.deepEqual((await applied(database)).toSorted((a, b) => a - b), [1, 2]);
      });
    });
  });
}

const none = { count: 0, hasMore: false };

describe("the beginning of an id", () => {
  test("says when: with all digits of the instant to the minute around it, with fewer a span", () => {
    const range = parseIdRange("019a2b3c-4d5e-7");
    assert.equal(range?.first, "019a2b3c-4d5e-7000-0000-000000000000");
    assert.equal(range?.last, "019a2b3c-4d5e-7fff-ffff-ffffffffffff");
    assert.equal((range?.untilMs ?? 0) - (range?.fromMs ?? 0), 600_000);
    assert.deepEqual(parseIdRange("019A2B3C"), parseIdRange("019a2b3c"));
  });

  test("is refused where it is too short, too long or no UUID", () => {
    for (const text of ["", "019a2", "orders", "019a2b3c-4d5e-7f60-8000-00000000000000", "--------", "019a2b3g"]) assert.equal(parseIdRange(text), undefined, text);
  });
});
