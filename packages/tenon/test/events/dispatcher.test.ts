/** Deliveries on both engines: once, in order of their keys, tried again, given up, taken over. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Database } from "../../src/data/index.ts";
import { type Delivery, GivenUp } from "../../src/events/index.ts";
import { engines, type Opened } from "../data/engines.ts";
import { add, applied, clear, count, dispatcher, prepare, record, rowConsumer, run, until } from "./delivered-service.ts";

/** The same database, and `onStatement` hears of each statement. */
function countingStatements(database: Database, onStatement: (text: string) => void): Database {
  return {
    label: database.label,
    sessions: database.sessions,
    close: () => database.close(),
    async acquire(request) {
      const session = await database.acquire(request);
      return {
        query(text, parameters) {
          onStatement(text);
          return session.query(text, parameters);
        },
        batch: (statements) => session.batch(statements),
        script: (text) => session.script(text),
        release: (how) => session.release(how),
        cancel: () => session.cancel(),
      };
    },
  };
}

const keyOf = (delivery: Delivery): string => delivery.event.key ?? "";
const nOf = (delivery: Delivery): number => (delivery.event.data as { readonly n: number }).n;

for (const engine of engines) {
  describe(`deliveries on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let database: Database;
    before(async () => {
      opened = await engine.open();
      database = opened.database;
      await prepare(database);
    });
    after(() => opened?.drop());
    beforeEach(() => clear(database));

    test("each is applied once, those of a key in order", async () => {
      await add(database, "work", Array.from({ length: 60 }, (_, n) => record(n, `k${n % 5}`)));
      const part = dispatcher(database, [rowConsumer(database)]);
      await part.start();
      await part.settled();
      await part.stop();
      const seen = await applied(database);
      assert.equal(seen.length, 60);
      for (let key = 0; key < 5; key++) assert.deepEqual(seen.filter((n) => n % 5 === key), Array.from({ length: 12 }, (_, i) => i * 5 + key));
      assert.equal(await count(database, "tenon_inbox"), 0);
    });

    test("one that fails holds up its key and no other, and order is kept when it succeeds", async () => {
      await add(database, "work", Array.from({ length: 30 }, (_, n) => record(n, n % 3 === 0 ? "bad" : `good${n % 3}`)));
      let failures = 0;
      const part = dispatcher(database, [
        rowConsumer(database, {
          policy: { attempts: 10, maxAgeMs: 60_000, baseMs: 1_500, capMs: 1_500 },
          before: (delivery) => {
            if (keyOf(delivery) === "bad" && nOf(delivery) === 3 && failures++ < 2) throw new RangeError("not yet");
          },
        }),
      ]);
      await part.start();
      await until("all are applied", async () => (await applied(database)).length === 30);
      await part.stop();
      const seen = await applied(database);
      assert.deepEqual(seen.filter((n) => n % 3 === 0), [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]);
      const lastGood = Math.max(...seen.flatMap((n, i) => (n % 3 === 0 ? [] : [i])));
      assert.ok(lastGood < seen.indexOf(3), "the other keys did not wait");
      assert.equal(await count(database, "tenon_dead_letters"), 0);
    });

    test("more than a portion behind a failing one comes back in order", async () => {
      const total = 260;
      await add(database, "work", Array.from({ length: total }, (_, n) => record(n, "only")));
      let failures = 0;
      const part = dispatcher(database, [
        rowConsumer(database, {
          before: (delivery) => {
            const n = nOf(delivery);
            if ((n === 0 && failures < 3) || (n === 130 && failures < 5)) {
              failures++;
              throw new RangeError("not yet");
            }
          },
        }),
      ]);
      await part.start();
      await until("some are set behind", async () => Number((await run(database, "select count(*) as n from tenon_inbox where due_at = 'infinity'"))[0]?.["n"]) > 0 || failures >= 3);
      await add(database, "work", [record(total, "only"), record(total + 1, "only")]);
      await until("all are applied", async () => (await applied(database)).length === total + 2);
      await part.stop();
      assert.deepEqual(await applied(database), Array.from({ length: total + 2 }, (_, n) => n));
    });

    test("what stands behind a failing one is set aside by the hundred, however much it is", async () => {
      const total = 1_500;
      await run(database, `insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data)
        select 'work', 5, gen_random_uuid(), 'x', 'x.y', 1, 'only', now(), json_build_object('n', n) from generate_series(0, ${total - 1}) as n`);
      let setBehind = 0;
      const counted = countingStatements(database, (text) => {
        if (text.includes("set due_at = 'infinity'")) setBehind += 1;
      });
      let failures = 0;
      const part = dispatcher(counted, [
        rowConsumer(database, {
          policy: { attempts: 10, maxAgeMs: 60_000, baseMs: 100, capMs: 100 },
          before: (delivery) => {
            if (nOf(delivery) === 0 && failures++ < 2) throw new RangeError("not yet");
          },
        }),
      ]);
      await part.start();
      await until("it is done", async () => (await applied(database)).length > 5);
      await part.stop();
      assert.ok(setBehind < total / 50, `${setBehind} statements`);
      const seen = await applied(database);
      assert.deepEqual(seen, seen.map((_, n) => n));
    });

    test("one that fails every time becomes a dead letter, whole, and its key goes on", async () => {
      const poison = record(0, "k");
      await add(database, "work", [poison, record(1, "k"), record(2, "k")]);
      const consumer = rowConsumer(database, {
        policy: { attempts: 3, maxAgeMs: 60_000, baseMs: 1, capMs: 2 },
        before: (delivery) => {
          if (nOf(delivery) === 0) throw new TypeError("cannot read it");
        },
      });
      const part = dispatcher(database, [consumer]);
      await part.start();
      await until("the others are applied", async () => (await applied(database)).length === 2);
      await part.stop();
      assert.deepEqual(await applied(database), [1, 2]);
      const [dead, ...more] = await run(database, "select * from tenon_dead_letters");
      assert.equal(more.length, 0);
      assert.equal(dead?.["id"], poison.id);
      assert.deepEqual(dead?.["data"], { n: 0 });
      assert.equal(dead?.["attempts"], 3);
      assert.equal(dead?.["trace"], "trace-1");
      assert.match(String(dead?.["error"]), /^TypeError: cannot read it\n\s+at /);
      assert.equal(await count(database, "tenon_inbox"), 0);
    });

    test("one that gives up is dead at once; one that is too old is not tried again", async () => {
      await add(database, "work", [record(0), record(1)]);
      await run(database, "update tenon_inbox set received_at = now() - interval '2 days' where data->>'n' = '1'");
      const attempts: number[] = [];
      const part = dispatcher(database, [
        rowConsumer(database, {
          policy: { attempts: 100, maxAgeMs: 86_400_000, baseMs: 1, capMs: 2 },
          before: (delivery) => {
            attempts.push(nOf(delivery));
            throw nOf(delivery) === 0 ? new GivenUp("no such order") : new RangeError("no");
          },
        }),
      ]);
      await part.start();
      await until("both are dead", async () => (await count(database, "tenon_dead_letters")) === 2);
      await part.stop();
      assert.deepEqual(attempts.toSorted((a, b) => a - b), [0, 1]);
    });

    test("a batch is one transaction; when it fails, each is tried by itself", async () => {
      await add(database, "work", Array.from({ length: 25 }, (_, n) => record(n, `k${n % 2}`)));
      const sizes: number[] = [];
      const consumer = rowConsumer(database, { batchMax: 10, concurrency: 1, policy: { attempts: 2, maxAgeMs: 60_000, baseMs: 1, capMs: 2 } });
      const part = dispatcher(database, [
        {
          ...consumer,
          async handle(deliveries) {
            sizes.push(deliveries.length);
            if (deliveries.some((each) => nOf(each) === 4)) throw new RangeError("a bad one among them");
            return consumer.handle(deliveries);
          },
        },
      ]);
      await part.start();
      await until("all but one are applied", async () => (await applied(database)).length === 24);
      await until("one is dead", async () => (await count(database, "tenon_dead_letters")) === 1);
      await part.stop();
      assert.ok(Math.max(...sizes) > 1, "they come in batches");
      const seen = await applied(database);
      assert.deepEqual(seen.filter((n) => n % 2 === 1), Array.from({ length: 12 }, (_, i) => i * 2 + 1));
      assert.deepEqual(seen.filter((n) => n % 2 === 0), [0, 2, ...Array.from({ length: 10 }, (_, i) => i * 2 + 6)]);
    });

    test("what has a time is not delivered before it, and holds up nobody", async () => {
      await run(database, "insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data, due_at) values ('work', 1, gen_random_uuid(), 'x', 'x.y', 1, 'k', now(), '{\"n\":7}', now() + interval '300 ms')");
      await add(database, "work", [record(1, "k")]);
      const part = dispatcher(database, [rowConsumer(database)]);
      await part.start();
      await part.settled();
      assert.deepEqual(await applied(database), [1]);
      await until("its time has come", async () => (await applied(database)).length === 2);
      await part.stop();
      assert.deepEqual(await applied(database), [1, 7]);
    });

    test("a subscription with a long queue does not keep another one waiting", async () => {
      await add(database, "slow", Array.from({ length: 700 }, (_, n) => record(n)));
      await add(database, "quick", [record(1)]);
      let slow = 0;
      const part = dispatcher(database, [
        rowConsumer(database, { name: "slow", concurrency: 1, before: () => new Promise((resolve) => setTimeout(resolve, slow++ > 20 ? 50 : 1)) }),
        rowConsumer(database, { name: "quick" }),
      ]);
      await part.start();
      await until("the other one is applied", async () => (await applied(database, "quick")).length === 1);
      assert.ok((await applied(database, "slow")).length < 700);
      await part.stop();
    });

    test("at a stop what runs is finished, and the rest is there for the next process", async () => {
      await add(database, "work", Array.from({ length: 40 }, (_, n) => record(n, `k${n % 4}`)));
      const first = dispatcher(database, [rowConsumer(database, { before: () => new Promise((resolve) => setTimeout(resolve, 10)) })]);
      await first.start();
      await until("it is at work", async () => (await applied(database)).length >= 4);
      await first.stop();
      const before = (await applied(database)).length;
      assert.ok(before < 40);
      assert.equal(before + (await count(database, "tenon_inbox")), 40);
      const second = dispatcher(database, [rowConsumer(database)]);
      await second.start();
      await second.settled();
      await second.stop();
      assert.equal(new Set(await applied(database)).size, 40);
      assert.equal((await applied(database)).length, 40);
    });
  });
}

const server = engines.find(({ name }) => name === "postgres");

describe("deliveries of several processes", { skip: server?.skip ?? true }, () => {
  let opened: Opened;
  let database: Database;
  before(async () => {
    opened = await (server as NonNullable<typeof server>).open();
    database = opened.database;
    await prepare(database);
  });
  after(() => opened?.drop());
  beforeEach(async () => {
    await clear(database);
    await run(database, "update tenon_lanes set holder = null, lease_until = null");
    await run(database, "delete from tenon_members");
  });

  test("are shared evenly, and keep the order of keys while lanes change hands", async () => {
    const parts = [1, 2, 3].map(() => dispatcher(database, [rowConsumer(database, { before: () => new Promise((resolve) => setTimeout(resolve, 2)) })], { leaseMs: 600 }));
    const [first, second, third] = parts as [(typeof parts)[0], (typeof parts)[0], (typeof parts)[0]];
    const total = 600;
    const adding = (async () => {
      for (let n = 0; n < total; n += 20) await add(database, "work", Array.from({ length: 20 }, (_, i) => record(n + i, `k${(n + i) % 20}`)));
    })();
    await first.start();
    await second.start();
    await third.start();
    await adding;
    await until("lanes are shared", async () => (await run(database, "select holder, count(*)::int as n from tenon_lanes group by holder")).every(({ n }) => Number(n) <= 22));
    await second.stop();
    await until("all are applied", async () => (await applied(database)).length === total);
    await Promise.all([first.stop(), third.stop()]);
    const seen = await applied(database);
    for (let key = 0; key < 20; key++) assert.deepEqual(seen.filter((n) => n % 20 === key), Array.from({ length: total / 20 }, (_, i) => i * 20 + key));
    assert.equal((await run(database, "select 1 from tenon_lanes where holder is not null")).length, 0);
  });

  test("of one that died are taken over when its lease ends", async () => {
    await run(database, "update tenon_lanes set holder = 'dead', lease_until = now() + interval '700 ms'");
    await add(database, "work", [record(1, "k")]);
    const part = dispatcher(database, [rowConsumer(database)], { leaseMs: 600 });
    const startedMs = performance.now();
    await part.start();
    await part.settled();
    assert.deepEqual(await applied(database), []);
    await until("it is applied", async () => (await applied(database)).length === 1);
    assert.ok(performance.now() - startedMs < 2_000);
    await part.stop();
  });

  test("that were taken over while the inbox could not be read are read once it can be", async () => {
    await add(database, "work", [record(1, "k")]);
    let failures = 0;
    const failing = countingStatements(database, (text) => {
      if (text.includes("as is_dead") && failures++ < 1) throw new RangeError("the connection is lost");
    });
    const part = dispatcher(failing, [rowConsumer(database)], { leaseMs: 300 });
    await part.start();
    await until("it is applied", async () => (await applied(database)).length === 1);
    assert.ok(failures > 1);
    await part.stop();
  });

  test("one whose lease ended while it was at work applies nothing twice", async () => {
    await add(database, "work", [record(1, "k"), record(2, "k")]);
    const hold = Promise.withResolvers<void>();
    let isFirst = true;
    const slow = rowConsumer(database, {
      before: () => {
        if (!isFirst) return undefined;
        isFirst = false;
        return hold.promise;
      },
    });
    const outcomes: string[] = [];
    const stuck = dispatcher(database, [{ ...slow, async handle(deliveries) {
      const outcome = await slow.handle(deliveries);
      outcomes.push(outcome);
      return outcome;
    } }], { leaseMs: 600_000 });
    await stuck.start();
    await until("the first is at work", () => !isFirst);
    await run(database, "update tenon_lanes set lease_until = now() - interval '1 s'");
    const other = dispatcher(database, [rowConsumer(database)], { leaseMs: 600 });
    await other.start();
    await until("the other one has applied both", async () => (await applied(database)).length === 2);
    hold.resolve();
    await until("the stuck one has noticed", () => outcomes.length > 0);
    await stuck.stop();
    await other.stop();
    assert.deepEqual(await applied(database), [1, 2]);
    assert.equal(outcomes[0], "gone");
  });
});
