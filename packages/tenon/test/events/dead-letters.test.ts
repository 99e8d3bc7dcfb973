/** What was given up, on both engines: kept whole, retried, discarded; and keys that are held until somebody decides. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Database } from "../../src/data/index.ts";
import { countDeadLetters, discardDeadLetters, type DeadLetter, type Delivery, GivenUp, groupDeadLetters, parseIdRange, readDeadLetters, retryDeadLetters, Wakes } from "../../src/events/index.ts";
import { engines, type Opened } from "../data/engines.ts";
import { add, applied, clear, count, dispatcher, prepare, record, rowConsumer, run, service, until } from "./delivered-service.ts";

const nOf = (delivery: Delivery): number => (delivery.event.data as { readonly n: number }).n;

for (const engine of engines) {
  describe(`dead letters on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let database: Database;
    before(async () => {
      opened = await engine.open();
      database = opened.database;
      await prepare(database);
    });
    after(() => opened?.drop());
    beforeEach(() => clear(database));

    /** A consumer that gives up what is in `poison`. */
    const consumerOf = (poison: Set<number>, afterDeath: "continue" | "hold" = "continue") =>
      rowConsumer(database, {
        afterDeath,
        before: (delivery) => {
          if (poison.has(nOf(delivery))) throw new GivenUp("poison");
        },
      });
    const settle = async (poison: Set<number>, afterDeath: "continue" | "hold" = "continue"): Promise<void> => {
      const part = dispatcher(database, [consumerOf(poison, afterDeath)]);
      await part.start();
      await part.settled();
      await part.stop();
    };
    const letters = (): Promise<readonly DeadLetter[]> => readDeadLetters(database, service, { max: 100 });

    test("a poison event ends as one, whole, after its attempts", async () => {
      const event = record(7, "k");
      await add(database, "work", [event]);
      const policy = { attempts: 3, maxAgeMs: 60_000, baseMs: 1, capMs: 2 };
      const part = dispatcher(database, [rowConsumer(database, { policy, before: () => assert.fail("the warehouse is on fire") })]);
      await part.start();
      await until("it is dead", async () => (await count(database, "tenon_dead_letters")) === 1);
      await part.stop();
      const [letter] = await letters();
      const { time, ...rest } = letter?.event ?? event;
      assert.deepEqual(rest, { id: event.id, source: "payments", type: "payments.captured", version: 1, key: "k", data: { n: 7 }, trace: "trace-1" });
      assert.equal(Date.parse(time), Date.parse(event.time));
      assert.equal(letter?.attempts, 3);
      assert.match(letter?.error ?? "", /^AssertionError: the warehouse is on fire\n\s+at /);
      assert.equal(letter?.state, "dead");
      assert.ok(Date.parse(letter?.receivedAt ?? "") <= Date.parse(letter?.diedAt ?? ""));
      assert.equal(await count(database, "tenon_inbox"), 0);
    });

    test("are retried as new deliveries once the handler was mended, and nothing else of them is left", async () => {
      await add(database, "work", [record(0, "a"), record(1, "a"), record(2, "b"), record(3)]);
      await settle(new Set([0, 3]));
      assert.deepEqual((await applied(database)).toSorted((a, b) => a - b), [1, 2]);
      assert.equal(await retryDeadLetters(database, service, { filter: {}, holding: [] }), 2);
      assert.deepEqual(await run(database, "select attempts, error, due_at from tenon_inbox"), [{ attempts: 0, error: null, due_at: null }, { attempts: 0, error: null, due_at: null }]);
      await settle(new Set());
      assert.deepEqual((await applied(database)).slice(2).toSorted((a, b) => a - b), [0, 3]);
      assert.equal(await count(database, "tenon_dead_letters"), 0);
    });

    test("are chosen by number, subscription, event, type, version and state", async () => {
      const events = [record(0), record(1), { ...record(2), version: 2 }];
      await add(database, "work", events);
      await add(database, "other", [record(3)]);
      const part = dispatcher(database, [consumerOf(new Set([0, 1, 2])), { ...consumerOf(new Set([3])), name: "other" }]);
      await part.start();
      await part.settled();
      await part.stop();
      const all = (await letters()).toReversed();
      assert.deepEqual(await groupDeadLetters(database, service, {}), [
        { subscription: "other", type: "payments.captured", version: 1, count: 1 },
        { subscription: "work", type: "payments.captured", version: 1, count: 2 },
        { subscription: "work", type: "payments.captured", version: 2, count: 1 },
      ]);
      const counted = async (filter: Parameters<typeof countDeadLetters>[2]): Promise<number> => (await countDeadLetters(database, service, filter)).count;
      assert.equal(await counted({ subscription: "work" }), 3);
      assert.equal(await counted({ subscription: "work", versionFrom: 2 }), 1);
      assert.equal(await counted({ type: "payments.refunded" }), 0);
      assert.equal(await counted({ ids: parseIdRange(events[1]?.id ?? "") }), 1);
      assert.equal(await discardDeadLetters(database, service, { filter: { seqs: [all[0]?.seq ?? 0] }, reason: "a test" }), 1);
      assert.equal(await counted({ state: "dead" }), 3);
      assert.equal(await retryDeadLetters(database, service, { filter: {}, holding: [] }), 3, "what is discarded is not retried");
    });

    test("are kept when they are discarded, with the reason, and never delivered again", async () => {
      await add(database, "work", [record(0, "a")]);
      await settle(new Set([0]));
      assert.equal(await discardDeadLetters(database, service, { filter: {}, reason: "a test order" }), 1);
      assert.equal(await discardDeadLetters(database, service, { filter: {}, reason: "again" }), 0);
      await settle(new Set());
      const [letter] = await letters();
      assert.deepEqual([letter?.state, letter?.reason], ["discarded", "a test order"]);
      assert.ok(letter?.settledAt !== undefined);
      assert.deepEqual(await applied(database), []);
    });

    test("more than a portion is retried, in order", async () => {
      const total = 1_100;
      await run(database, "insert into tenon_dead_letters (subscription, id, source, type, version, key, time, data, received_at, attempts) select 'work', gen_random_uuid(), 'payments', 'payments.captured', 1, null, now(), json_build_object('n', n), now(), 1 from generate_series(0, $1::int - 1) as n", [total]);
      assert.equal(await retryDeadLetters(database, service, { filter: {}, holding: [] }), total);
      const rows = await run(database, "select data from tenon_inbox order by seq");
      assert.deepEqual(rows.map(({ data }) => (data as { readonly n: number }).n), Array.from({ length: total }, (_, n) => n));
    });

    describe("of a subscription that holds", () => {
      test("keep their key waiting over a restart, also when nothing was behind it, and no other key", async () => {
        await add(database, "work", [record(0, "a")]);
        await settle(new Set([0]), "hold");
        await add(database, "work", [record(1, "a"), record(2, "b"), record(3)]);
        await settle(new Set(), "hold");
        assert.deepEqual((await applied(database)).toSorted((a, b) => a - b), [2, 3]);
        await settle(new Set(), "hold");
        assert.deepEqual(await run(database, "select due_at from tenon_inbox"), [{ due_at: "infinity" }]);
      });

      test("come first of their key when they are retried, and what waited follows in order", async () => {
        await add(database, "work", [record(0, "a"), record(1, "a"), record(2, "a")]);
        await settle(new Set([0]), "hold");
        assert.deepEqual(await applied(database), []);
        await retryDeadLetters(database, service, { filter: {}, holding: ["work"] });
        await settle(new Set(), "hold");
        assert.deepEqual(await applied(database), [0, 1, 2]);
        assert.equal(await count(database, "tenon_inbox"), 0);
      });

      test("let their key go on without them when they are discarded", async () => {
        await add(database, "work", [record(0, "a"), record(1, "a")]);
        await settle(new Set([0]), "hold");
        await discardDeadLetters(database, service, { filter: {}, reason: "gone" });
        await settle(new Set(), "hold");
        assert.deepEqual(await applied(database), [1]);
      });

      test("hold it again when they die again", async () => {
        await add(database, "work", [record(0, "a"), record(1, "a")]);
        await settle(new Set([0]), "hold");
        for (let round = 0; round < 3; round++) {
          await retryDeadLetters(database, service, { filter: {}, holding: ["work"] });
          await settle(new Set([0]), "hold");
          assert.equal(await count(database, "tenon_dead_letters"), 1);
        }
        assert.deepEqual(await applied(database), []);
      });

      test("hold it while any is left of several, and then go in the order of their deaths", async () => {
        await add(database, "work", [record(0, "a"), record(1, "a")]);
        await settle(new Set([0, 1])); // it continued then
        await add(database, "work", [record(2, "a")]);
        const [second, first] = await letters();
        await retryDeadLetters(database, service, { filter: { seqs: [second?.seq ?? 0] }, holding: ["work"] });
        await settle(new Set(), "hold");
        assert.deepEqual(await applied(database), []);
        await retryDeadLetters(database, service, { filter: { seqs: [first?.seq ?? 0] }, holding: ["work"] });
        await settle(new Set(), "hold");
        assert.deepEqual(await applied(database), [0, 1, 2]);
      });

      test("are noticed by a process that runs, when they are retried and when they are discarded", async () => {
        const poison = new Set([0, 10]);
        const wakes = new Wakes();
        const part = dispatcher(database, [consumerOf(poison, "hold")], { wakes });
        await part.start();
        await add(database, "work", [record(0, "a"), record(1, "a"), record(10, "b"), record(11, "b")]);
        await until("both are dead", async () => (await count(database, "tenon_dead_letters")) === 2);
        poison.clear();
        const dead = await letters(); // whichever died first
        const [a, b] = ["a", "b"].map((key) => dead.find(({ event }) => event.key === key));
        await retryDeadLetters(database, service, { filter: { seqs: [a?.seq ?? 0] }, holding: ["work"] });
        wakes.wake(`inbox ${service}`);
        await until("the one key goes on", async () => (await applied(database)).length === 2);
        assert.deepEqual(await applied(database), [0, 1]);
        await discardDeadLetters(database, service, { filter: { seqs: [b?.seq ?? 0] }, reason: "gone" });
        await until("the other goes on without a wake, at the next look", async () => (await applied(database)).length === 3);
        await part.stop();
        assert.deepEqual(await applied(database), [0, 1, 11]);
      });
    });
  });
}
