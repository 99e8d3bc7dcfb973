/** Who is suspected: the deepest that departed and explains it, never an innocent one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { findSuspect, type Suspect, type SuspectQuestion } from "../../src/incidents/index.ts";
import { SimulatedGraph, type Use } from "./simulated-graph.ts";

const use = (from: string, to: string, more: Partial<Use> = {}): Use => ({ from, to, times: 50, bad: 0, ms: 5, ...more });

/** Half an hour of peace, then two minutes of trouble. */
function investigate(subject: string, symptom: SuspectQuestion["symptom"], { ill, waitsIn = "inbox", well }: { readonly well: readonly Use[]; readonly ill: readonly Use[]; readonly waitsIn?: "outbox" | "inbox" }): Suspect | undefined {
  const simulated = new SimulatedGraph();
  simulated.passMany(180, well);
  const onsetMs = simulated.clock.nowMs();
  simulated.passMany(12, ill);
  return findSuspect(simulated.history, { subject, symptom, waitsIn, onsetMs, nowMs: simulated.clock.nowMs() });
}

describe("the suspect", () => {
  test("is the dependency at the end of the calls, not those that only pass its slowness on", () => {
    const rows = (ms: number): readonly Use[] => [
      use("", "orders.checkout", { ms: ms + 20 }),
      use("orders.checkout", "payments.charge", { ms: ms + 10 }),
      use("orders.checkout", "inventory.reserve", { ms: 8 }),
      use("payments.charge", "dependency:payment provider", { ms }),
      use("payments.charge", "database:payments", { ms: 2 }),
    ];
    const found = investigate("orders.checkout", "slow", { well: rows(30), ill: rows(900) });
    assert.deepEqual(found?.path, ["orders.checkout", "payments.charge", "dependency:payment provider"]);
    assert.equal(found?.confidence, "high");
    assert.match(found?.evidence.at(-1) ?? "", /^the dependency "payment provider": took 900 ms on average, usually 30 ms; since \d\d:\d\d:\d\d UTC; that is 100 % of what is unusual before it$/);
  });

  test("is the operation itself where nothing that it uses departed, also beside a neighbor that is a little slow", () => {
    const rows = (bad: number, ms: number): readonly Use[] => [use("", "orders.get", { times: 400, bad }), use("orders.get", "database:orders", { times: 400, ms }), use("orders.get", "accounts.find", { times: 100, ms: 3 })];
    const found = investigate("orders.get", "failing", { well: rows(0, 2), ill: rows(20, 9) });
    assert.deepEqual([found?.path, found?.confidence], [["orders.get"], "high"]);
    assert.deepEqual(found?.evidence, [found?.evidence[0], "none of the 2 things that orders.get uses accounts for it"]);
    assert.match(found?.evidence[0] ?? "", /5 % of 4800 failed, usually 0 %/);
  });

  test("is what runs dry: waits for sessions lead to statements only where those are slow", () => {
    const rows = (waitMs: number, statementMs: number): readonly Use[] => [use("", "orders.get", { ms: waitMs + statementMs, bad: waitMs > 1_000 ? 40 : 0 }), use("orders.get", "pool:orders", { ms: waitMs, bad: waitMs > 1_000 ? 40 : 0 }), use("orders.get", "database:orders", { ms: statementMs, times: 10 })];
    assert.equal(investigate("orders.get", "failing", { well: rows(0.1, 2), ill: rows(2_000, 2) })?.node, "pool:orders");
    assert.equal(investigate("orders.get", "failing", { well: rows(0.1, 2), ill: rows(2_000, 900) })?.node, "database:orders");
  });

  test("without a time before, failures count and durations do not; what does not use anything seen is no sure thing", () => {
    const simulated = new SimulatedGraph();
    const onsetMs = simulated.clock.nowMs();
    simulated.passMany(6, [use("", "orders.get", { bad: 10 }), use("orders.get", "dependency:mail", { bad: 10, ms: 3_000 })]);
    const question = { subject: "orders.get", onsetMs, nowMs: simulated.clock.nowMs() };
    assert.deepEqual([findSuspect(simulated.history, { ...question, symptom: "failing" })?.node, findSuspect(simulated.history, { ...question, symptom: "failing" })?.confidence], ["dependency:mail", "medium"]);
    assert.deepEqual([findSuspect(simulated.history, { ...question, symptom: "slow" })?.node, findSuspect(simulated.history, { ...question, symptom: "slow" })?.confidence], ["orders.get", "medium"]);
    assert.equal(findSuspect(simulated.history, { ...question, subject: "orders.unheard-of", symptom: "slow" }), undefined);
  });

  test("in any tree of calls, one guilty node that slows or fails all above it is named, and nobody else, every time the same", () => {
    const nodes = fc.integer({ min: 2, max: 12 });
    fc.assert(
      fc.property(nodes, fc.infiniteStream(fc.nat()), fc.boolean(), fc.integer({ min: 2, max: 60 }), (count, chances, isFailing, calls) => {
        const chance = (below: number): number => (chances.next().value as number) % below;
        const parents = Array.from({ length: count }, (_, node) => (node === 0 ? -1 : chance(node)));
        const guilty = chance(count);
        const above = new Set<number>();
        for (let node = guilty; node !== -1; node = parents[node] as number) above.add(node);
        const name = (node: number): string => (node === -1 ? "" : `s.op${node}`);
        const rows = (isIll: boolean): readonly Use[] =>
          parents.map((parent, node) => {
            const isHit = isIll && above.has(node);
            return use(name(parent), name(node), { times: calls, ms: 10 + (isHit && !isFailing ? 500 : 0), bad: isHit && isFailing ? Math.ceil(calls / 2) : 0 });
          });
        const ask = (): Suspect | undefined => investigate(name(0), isFailing ? "failing" : "slow", { well: rows(false), ill: rows(true) });
        const found = ask();
        assert.equal(found?.node, name(guilty));
        assert.deepEqual(new Set(found?.path), new Set([...above].map(name)));
        assert.deepEqual(ask(), found);
      }),
      { numRuns: 60 },
    );
  });

  test("calls that go in a circle come to an end", () => {
    const rows = (ms: number): readonly Use[] => [use("", "a.x", { ms }), use("a.x", "b.y", { ms }), use("b.y", "a.x", { ms })];
    assert.equal(investigate("a.x", "slow", { well: rows(5), ill: rows(500) })?.node, "b.y");
  });
});

/** Receipts are sent for orders, which two operations place. */
interface Mail {
  readonly placed: number;
  readonly imported: number;
  readonly delivered: number;
  readonly failed: number;
  /** Of one delivery. */
  readonly ms: number;
  readonly unreadable: number;
  readonly mailServerDown: boolean;
  readonly publishFailed: number;
  readonly publishMs: number;
}

const quiet: Mail = { placed: 20, imported: 2, delivered: 22, failed: 0, ms: 12, unreadable: 0, mailServerDown: false, publishFailed: 0, publishMs: 3 };

function mail(more: Partial<Mail> = {}): readonly Use[] {
  const { delivered, failed, imported, mailServerDown, ms, placed, publishFailed, publishMs, unreadable } = { ...quiet, ...more };
  return [
    use("", "orders.place", { times: placed }),
    use("", "orders.import", { times: 1 }),
    use("event:orders.placed", "orders.place", { times: placed, ms: 0 }),
    use("event:orders.placed", "orders.import", { times: imported, ms: 0 }),
    use("event:orders.placed", "broker:nats://n", { times: 20, bad: publishFailed, ms: publishMs }),
    use("", "mail.receipts", { times: delivered, bad: failed, ms }),
    use("mail.receipts", "event:orders.placed", { times: delivered, bad: unreadable, ms: 40 }),
    use("mail.receipts", "dependency:mail server", { times: delivered - unreadable, bad: mailServerDown ? failed : 0, ms: ms - 2 }),
    use("mail.receipts", "database:mail", { times: 2 * delivered, ms: 1 }),
  ];
}

const behind = (ill: Partial<Mail>, waitsIn?: "outbox"): Suspect | undefined => investigate("mail.receipts", "behind", { well: mail(), ill: mail(ill), ...(waitsIn === undefined ? {} : { waitsIn }) });

describe("the suspect of a subscription that is behind", () => {
  test("is what its deliveries need, where that fails or takes long", () => {
    const failing = behind({ failed: 22, mailServerDown: true });
    assert.deepEqual([failing?.path, failing?.confidence], [["mail.receipts", "dependency:mail server"], "high"]);
    const slow = behind({ ms: 900 });
    assert.deepEqual([slow?.path, slow?.confidence], [["mail.receipts", "dependency:mail server"], "high"]);
  });

  test("is whoever emits many more events than usual, not who emits as ever", () => {
    const found = behind({ imported: 400, delivered: 60, ms: 14 });
    assert.deepEqual([found?.path, found?.confidence], [["mail.receipts", "event:orders.placed", "orders.import"], "high"]);
    assert.match(found?.evidence[1] ?? "", /^the event orders\.placed: 5040 of them, usually 264 in as much time/);
    assert.match(found?.evidence[2] ?? "", /^orders\.import: 4800 times, usually 24 in as much time; since \d\d:\d\d:\d\d UTC; that is 100 % of what is unusual before it$/);
  });

  test("is what takes long, where that grew more than the number of events", () => {
    assert.equal(behind({ imported: 40, delivered: 60, ms: 900 })?.node, "dependency:mail server");
    assert.equal(behind({ imported: 400, delivered: 60, ms: 30 })?.node, "orders.import");
  });

  test("is the broker that fails or is slow, where events wait in the outbox", () => {
    const failing = behind({ publishFailed: 20, delivered: 0 }, "outbox");
    assert.deepEqual([failing?.path, failing?.kind, failing?.confidence], [["mail.receipts", "event:orders.placed", "broker:nats://n"], "broker", "high"]);
    assert.match(failing?.evidence[2] ?? "", /^the broker nats:\/\/n: 100 % of 240 failed, usually 0 %/);
    assert.equal(behind({ publishMs: 4_000, delivered: 4 }, "outbox")?.node, "broker:nats://n");
    assert.equal(behind({ imported: 4_000, delivered: 60 }, "outbox")?.node, "orders.import");
  });

  test("is the event, where it waits in the outbox and nothing that carries it is seen to fail", () => {
    const found = behind({ delivered: 0 }, "outbox");
    assert.deepEqual([found?.path, found?.confidence], [["mail.receipts", "event:orders.placed"], "low"]);
  });

  test("is whoever emits most of the events that cannot be read", () => {
    const found = behind({ failed: 20, unreadable: 20 });
    assert.deepEqual([found?.path, found?.confidence], [["mail.receipts", "event:orders.placed", "orders.place"], "high"]);
  });

  test("is the subscription itself, where nothing departed", () => {
    assert.deepEqual([behind({})?.path, behind({})?.confidence], [["mail.receipts"], "low"]);
    assert.deepEqual([behind({ failed: 22 })?.path, behind({ failed: 22 })?.confidence], [["mail.receipts"], "high"]);
  });
});

describe("what others have counted", () => {
  test("is a time to compare with, also for a process that has just begun", () => {
    const rows = (bad: number, ms: number): readonly Use[] => [use("", "orders.get", { bad, ms }), use("orders.get", "database:orders", { ms: ms / 2 })];
    const before = new SimulatedGraph();
    const portions = Array.from({ length: 60 }, () => before.pass(rows(0, 8)));
    function afterRestart(ill: readonly Use[], symptom: "failing" | "slow"): readonly (Suspect | undefined)[] {
      const anew = new SimulatedGraph();
      anew.clock.advance(before.clock.nowMs() - anew.clock.nowMs());
      const onsetMs = anew.clock.nowMs();
      anew.passMany(6, ill);
      const ask = () => findSuspect(anew.history, { subject: "orders.get", symptom, onsetMs, nowMs: anew.clock.nowMs() });
      const ignorant = ask();
      for (const portion of portions) anew.history.learn(portion);
      return [ignorant, ask()];
    }
    const failing = afterRestart(rows(3, 8), "failing");
    assert.deepEqual(failing.map((each) => [each?.node, each?.confidence]), [["orders.get", "medium"], ["orders.get", "high"]]);
    assert.match(failing[1]?.evidence[0] ?? "", /6 % of 300 failed, usually 0 %/);
    const slow = afterRestart(rows(0, 300), "slow");
    assert.deepEqual(slow.map((each) => [each?.node, each?.confidence]), [["orders.get", "low"], ["database:orders", "medium"]]);
  });

  test("is as it was counted, to the last use, and a portion from a clock that is ahead clears nothing", () => {
    const [counting, learning] = [new SimulatedGraph(), new SimulatedGraph()];
    const portions = Array.from({ length: 5 }, (_, i) => counting.pass([use("", "a.x", { times: 7 + i, bad: i, ms: 2 ** i })]));
    learning.passMany(5, []);
    for (const portion of portions) learning.history.learn(portion);
    const all = (simulated: SimulatedGraph) => simulated.history.uses(simulated.history.edges, 0, simulated.clock.nowMs() + 1);
    assert.deepEqual(all(learning), all(counting));
    assert.equal(all(learning).total, 45);
    learning.history.learn({ atMs: learning.clock.nowMs() + 86_400_000, edges: [{ from: "", to: "a.x", total: 1, bad: 0, sumMs: 1, slots: [[1, 1]] }] });
    assert.equal(all(learning).total, 46);
  });
});
