/** The deliveries of one subscription in memory: of one key one at a time, in order, and nothing is forgotten. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Delivery, DeliveryQueue } from "../../src/events/index.ts";

function delivery(seq: number, key: string | undefined, attempts = 0, crashes = 0): Delivery {
  const event = { id: `id-${seq}`, source: "payments", type: "payments.captured", version: 1, key, time: "2026-01-01T00:00:00Z", data: {}, trace: undefined };
  return { seq, subscription: "work", lane: laneOf(key), attempts, crashes, receivedAtMs: 0, event };
}

function laneOf(key: string | undefined): number {
  return key === undefined ? 0 : key.charCodeAt(0) % 4;
}

const seqsOf = (deliveries: readonly Delivery[]): readonly number[] => deliveries.map(({ seq }) => seq);

describe("a delivery queue", () => {
  test("runs one delivery of a key at a time, and the next one when it is finished", () => {
    const queue = new DeliveryQueue();
    const [a1, a2, b1] = [delivery(1, "a"), delivery(2, "a"), delivery(3, "b")];
    for (const each of [a1, a2, b1]) queue.add(each);
    assert.deepEqual(seqsOf(queue.take(1)), [1]);
    assert.deepEqual(seqsOf(queue.take(1)), [3]);
    assert.equal(queue.hasReady, false);
    queue.finish(a1);
    assert.deepEqual(seqsOf(queue.take(1)), [2]);
  });

  test("without a key, deliveries do not wait for each other", () => {
    const queue = new DeliveryQueue();
    for (const seq of [1, 2, 3]) queue.add(delivery(seq, undefined));
    assert.deepEqual(seqsOf(queue.take(10)), [1, 2, 3]);
  });

  test("a batch takes what follows of the same key along, in order", () => {
    const queue = new DeliveryQueue();
    for (const [seq, key] of [[1, "a"], [2, "b"], [3, "a"], [4, "a"]] as const) queue.add(delivery(seq, key));
    assert.deepEqual(seqsOf(queue.take(3)), [1, 3, 4]);
    assert.deepEqual(seqsOf(queue.take(3)), [2]);
  });

  test("one that processes have died of comes alone, and lets others pass while another such one runs", () => {
    const queue = new DeliveryQueue();
    for (const each of [delivery(1, "a", 2, 2), delivery(2, "b"), delivery(3, "c", 1, 1), delivery(4, "d")]) queue.add(each);
    assert.deepEqual(seqsOf(queue.take(9)), [1]);
    assert.deepEqual([queue.hasReady, queue.hasUnsuspected], [true, true]);
    assert.deepEqual(seqsOf(queue.take(1, "later")), [2]);
    assert.deepEqual(seqsOf(queue.take(9, "later")), [4]);
    assert.deepEqual([queue.hasReady, queue.hasUnsuspected, seqsOf(queue.take(9, "later"))], [true, false, []]);
    assert.deepEqual(seqsOf(queue.take(9)), [3]);
  });

  test("what is there already is not taken in twice", () => {
    const queue = new DeliveryQueue();
    queue.add(delivery(1, "a"));
    queue.add(delivery(1, "a"));
    assert.equal(queue.size, 1);
    assert.deepEqual(seqsOf(queue.take(5)), [1]);
    queue.add(delivery(1, "a"));
    assert.equal(queue.hasReady, false);
  });

  test("a failure holds its key: what was queued goes behind, and so does what comes", () => {
    const queue = new DeliveryQueue();
    for (const seq of [1, 2, 3]) queue.add(delivery(seq, "a"));
    queue.add(delivery(4, "b"));
    const [first] = queue.take(1) as readonly [Delivery];
    assert.deepEqual(seqsOf(queue.hold(first)), [2, 3]);
    assert.equal(queue.add(delivery(5, "a")), "behind");
    assert.deepEqual(seqsOf(queue.take(5)), [4]);

    const again = delivery(1, "a", 1);
    assert.equal(queue.add(again), "taken");
    assert.deepEqual(seqsOf(queue.take(5)), [1]);
    assert.equal(queue.finish(again), true);
    assert.equal(queue.takeSentBehind("a"), 3);
    queue.addPromoted([delivery(2, "a"), delivery(3, "a")]);
    assert.equal(queue.add(delivery(6, "a")), "behind");
    assert.deepEqual(seqsOf(queue.take(5)), [2, 3]);
  });

  test("lanes that are lost are forgotten, but for what runs", () => {
    const queue = new DeliveryQueue();
    for (const [seq, key] of [[1, "a"], [2, "a"], [3, "b"], [4, "b"]] as const) queue.add(delivery(seq, key));
    const [running] = queue.take(1) as readonly [Delivery];
    queue.forget(new Set([laneOf("a"), laneOf("b")]));
    assert.equal(queue.size, 1);
    assert.equal(queue.hasReady, false);
    queue.finish(running);
    assert.equal(queue.size, 0);
    queue.add(delivery(2, "a"));
    assert.deepEqual(seqsOf(queue.take(1)), [2]);
  });

  test("keeps the order of every key and loses nothing, whatever fails when", () => {
    const operations = fc.array(fc.record({ what: fc.constantFrom("take", "take", "succeed", "fail", "retry", "putBack"), pick: fc.nat(), max: fc.integer({ min: 1, max: 3 }) }), { maxLength: 120 });
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 25 }), operations, (keys, steps) => {
        const inbox = new Inbox(keys);
        for (const { max, pick, what } of steps) inbox.step(what, pick, max);
        inbox.finishAll();
        for (const key of ["a", "b", "c"]) {
          const expected = keys.flatMap((each, i) => (each === key ? [i + 1] : []));
          assert.deepEqual(inbox.done.filter((seq) => keys[seq - 1] === key), expected);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** A model of the inbox rows and of what the dispatcher does with the queue. */
class Inbox {
  readonly done: number[] = [];
  readonly #queue = new DeliveryQueue();
  readonly #rows = new Map<number, { readonly key: string; attempts: number; state: "ready" | "waiting" | "behind" }>();
  #running: Delivery[] = [];

  constructor(keys: readonly string[]) {
    keys.forEach((key, i) => this.#rows.set(i + 1, { key, attempts: 0, state: "ready" }));
  }

  step(what: string, pick: number, max: number): void {
    if (what === "take") {
      this.#read();
      this.#running.push(...this.#queue.take(max));
    }
    if (what === "retry") this.#makeDue();
    if (this.#running.length === 0) return;
    const first = this.#running[pick % this.#running.length] as Delivery;
    // Of a batch, the first of a key is settled first.
    const delivery = this.#running.find(({ event }) => event.key === first.event.key) as Delivery;
    if (what === "succeed") this.#succeed(delivery);
    if (what === "fail") this.#fail(delivery);
    if (what === "putBack") this.#putBack(delivery);
  }

  finishAll(): void {
    for (let round = 0; this.#rows.size > 0; round++) {
      assert.ok(round < 1_000, `never done: ${JSON.stringify([...this.#rows])}`);
      this.#makeDue();
      this.#read();
      this.#running.push(...this.#queue.take(5));
      const [next] = this.#running;
      if (next !== undefined) this.#succeed(next);
    }
  }

  #read(): void {
    for (const [seq, { attempts, key, state }] of this.#rows) {
      if (state !== "ready") continue;
      if (this.#queue.add(delivery(seq, key, attempts)) === "behind") this.#setBehind([seq]);
    }
  }

  #makeDue(): void {
    for (const [seq, row] of this.#rows) if (row.state === "waiting") this.#queue.add(delivery(seq, row.key, row.attempts));
  }

  #setBehind(seqs: readonly number[]): void {
    for (const seq of seqs) (this.#rows.get(seq) as { state: string }).state = "behind";
  }

  #leave(delivery: Delivery): void {
    this.#running = this.#running.filter((each) => each !== delivery);
  }

  #succeed(finished: Delivery): void {
    this.#leave(finished);
    this.done.push(finished.seq);
    this.#rows.delete(finished.seq);
    const key = finished.event.key as string;
    if (!this.#queue.finish(finished)) return;
    this.#queue.takeSentBehind(key);
    const behind = [...this.#rows].filter(([, row]) => row.key === key && row.state === "behind").slice(0, 2);
    for (const [, row] of behind) row.state = "ready";
    this.#queue.addPromoted(behind.map(([seq]) => delivery(seq, key)));
    if (behind.length < 2) this.#queue.release(key);
  }

  /** As the dispatcher does with a batch: what follows of the same key in it goes behind. */
  #fail(failed: Delivery): void {
    this.#leave(failed);
    const row = this.#rows.get(failed.seq) as { attempts: number; state: string };
    row.attempts++;
    row.state = "waiting";
    this.#setBehind(seqsOf(this.#queue.hold(failed)));
    for (const later of this.#running.filter(({ event }) => event.key === failed.event.key)) {
      this.#leave(later);
      this.#setBehind([later.seq]);
      this.#queue.hold(later);
    }
  }

  #putBack(given: Delivery): void {
    for (const each of this.#running.filter(({ event }) => event.key === given.event.key)) {
      this.#leave(each);
      this.#queue.putBack(each);
    }
  }
}
