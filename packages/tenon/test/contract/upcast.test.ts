import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import * as z from "zod";
import {
  contract, ContractMistakes, describe as describeContract, event, type EventOptions, eventsOf, query, upcast, upcastData, type Upcasted, type Upcasts,
} from "../../src/contract/index.ts";

const Captured1 = z.object({ paymentId: z.string(), amount: z.number() });
const Captured2 = z.object({ paymentId: z.string(), amountCents: z.int() });
const Captured = Captured2.extend({ currency: z.enum(["EUR", "USD"]) });

const payments = contract("payments", {
  refund: query({ access: "public" }),
  captured: event({
    data: Captured,
    key: "paymentId",
    version: 4,
    upcasts: {
      2: ({ amount, ...rest }) => ({ ...rest, amountCents: Math.round(Number(amount) * 100) }),
      3: upcast(Captured2, (old) => ({ ...old, currency: "EUR" })),
    },
  }),
  failed: event({ data: z.object({}) }),
});

/** The problems of one event, in the words of the message. */
function problemsOf(options: Partial<Record<keyof EventOptions<typeof Captured>, unknown>>): readonly string[] {
  try {
    contract("payments", { captured: event({ data: Captured, ...options } as EventOptions<typeof Captured>) });
  } catch (error) {
    assert.ok(error instanceof ContractMistakes, String(error));
    return error.mistakes.map((mistake) => mistake.problem);
  }
  return [];
}

const change = (): object => ({});

describe("the versions of an event", () => {
  test("are 1 unless they are said, and then its description says nothing of them", () => {
    const [, failed] = describeContract(payments).events;
    assert.deepEqual(Object.keys(failed ?? {}), ["name", "id", "data"]);
    assert.equal(payments.failed.version, 1);
    assert.deepEqual(payments.failed.upcasts, {});
  });

  test("are described, with those that can still be read", () => {
    const [captured] = describeContract(payments).events;
    assert.equal(captured?.version, 4);
    assert.deepEqual(captured.upcastsFrom, [2, 3]);
    assert.ok(Object.isFrozen(payments.captured.upcasts));
    const all = contract("a", { happened: event({ data: Captured, version: 12, upcasts: Object.fromEntries([11, 10, 9].map((from) => [from, change])) }) });
    assert.deepEqual(describeContract(all).events[0]?.upcastsFrom, [9, 10, 11], "in the order of numbers");
  });

  test("are told in the order in which the events were written", () => {
    assert.deepEqual(eventsOf(payments).map(({ id }) => id), ["payments.captured", "payments.failed"]);
    assert.equal(eventsOf(payments)[0], payments.captured);
    assert.deepEqual(eventsOf(contract("none", {})), []);
  });

  test("count from 1, in whole numbers that CloudEvents can carry", () => {
    for (const version of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "2", null]) {
      assert.deepEqual(problemsOf({ version }), [`the version ${String(version)} is not a whole number from 1`]);
    }
    for (const version of [1, 2, 2 ** 31 - 1]) assert.deepEqual(problemsOf({ version }), []);
  });

  test("have upcasts without a gap, from old versions to the present one", () => {
    const cases: readonly (readonly [number, unknown, readonly string[]])[] = [
      [1, {}, []],
      [3, { 2: change }, []],
      [3, { 1: change, 2: change }, []],
      [3, { 3: change, 2: change }, ["has an upcast for version 3, the present one"]],
      [1, { 1: change }, ["has an upcast for version 1, the present one"]],
      [2, { 1: change, 7: change }, ["has an upcast for version 7, the future one"]],
      [2, { 1: "no" }, ["the upcast for version 1 is not a function"]],
      [3, { 1: change }, ["has an upcast for version 1 but none for version 2"]],
      [6, { 2: change, 4: change }, ["has an upcast for version 2 but none for version 3"]],
      [2_000_000_000, { 1: change }, ["has an upcast for version 1 but none for version 2"]],
      [2, { 1: change, 0: change, first: change, "01": change, "1.5": change }, ["0", "first", "01", "1.5"].map((key) => `has an upcast for "${key}", which is no version`)],
      [2, [change, change], ["the upcasts are not functions by version"]],
      [2, null, ["the upcasts are not functions by version"]],
      [2, change, ["the upcasts are not functions by version"]],
    ];
    for (const [version, upcasts, problems] of cases) assert.deepEqual(problemsOf({ version, upcasts }), problems);
  });

  test("tell of each mistake with its remedy", () => {
    const captured = event({ data: Captured, version: 3, upcasts: { 1: change, 3: change } });
    assert.throws(() => contract("payments", { captured }), {
      message: `the contract "payments" has 2 mistakes:
  payments.captured: has an upcast for version 3, the present one
    → raise the version to 4, or take the upcast away: it leads from an old version to the next
  payments.captured: has an upcast for version 1 but none for version 2
    → add an upcast for 2, or take those before it away: events of their versions can then not be delivered any more`,
    });
  });
});

describe("data of an event", () => {
  const { captured } = payments;

  test("of the present version is passed on as it is", () => {
    const data = { paymentId: "a", amountCents: 1, currency: "EUR" };
    const read = upcastData(captured, 4, data);
    assert.ok(read.ok);
    assert.equal(read.data, data);
  });

  test("of an old version goes through every upcast from there", () => {
    assert.deepEqual(upcastData(captured, 3, { paymentId: "a", amountCents: 150 }), { ok: true, data: { paymentId: "a", amountCents: 150, currency: "EUR" } });
    const old = Object.freeze({ paymentId: "a", amount: 1.5 });
    assert.deepEqual(upcastData(captured, 2, old), { ok: true, data: { paymentId: "a", amountCents: 150, currency: "EUR" } });
  });

  test("of a version without an upcast is discarded, and says from which on it can be read", () => {
    assert.deepEqual(upcastData(captured, 1, {}), {
      ok: false, reason: "discarded", message: "payments.captured version 1 is discarded: the oldest version that can still be read is 2",
    });
    const bare = contract("payments", { captured: event({ data: Captured, version: 2 }) });
    assert.deepEqual(upcastData(bare.captured, 1, {}), {
      ok: false, reason: "discarded", message: "payments.captured version 1 is discarded: the oldest version that can still be read is 2",
    });
  });

  test("of a newer version is not understood here", () => {
    assert.deepEqual(upcastData(captured, 5, {}), {
      ok: false, reason: "future", message: "payments.captured version 5 is newer than version 4, the newest that is known here",
    });
  });

  test("of no version at all is refused, without reading it as another", () => {
    for (const version of [0, -1, 1.5, Number.NaN, "2", undefined]) {
      assert.deepEqual(upcastData(captured, version as number, {}), {
        ok: false, reason: "failed", message: "an event payments.captured has a version that is no whole number from 1",
      });
    }
  });

  test("that an upcast cannot change says where, and keeps the data out of the message", () => {
    const cause = new Error("4711 is not a number");
    const ends: readonly (readonly [Upcasts[number], string])[] = [
      [() => { throw cause; }, "threw"],
      [() => undefined as unknown as object, "gave back no object"],
      [() => ["4711"], "gave back no object"],
      [() => "4711" as unknown as object, "gave back no object"],
      [() => Promise.reject(new Error("4711")), "gave back a promise, and an upcast cannot wait"],
    ];
    for (const [upcastOf1, end] of ends) {
      const { happened } = contract("a", { happened: event({ data: z.object({}), version: 3, upcasts: { 1: upcastOf1, 2: change } }) });
      const failed = upcastData(happened, 1, { secret: "4711" });
      assert.ok(!failed.ok);
      assert.deepEqual([failed.reason, failed.message], ["failed", `the upcast of a.happened from version 1 to 2 ${end}`]);
      assert.equal(failed.cause, end === "threw" ? cause : undefined);
      assert.deepEqual(upcastData(happened, 2, { secret: "4711" }), { ok: true, data: {} });
      const lost = upcastData(happened, 1, ["4711"]);
      assert.ok(!lost.ok && lost.message === "the upcast of a.happened from version 1 to 2 was given no object");
    }
  });
});

describe("an upcast with the type of the old data", () => {
  const change1 = upcast(Captured1, ({ paymentId, amount }) => ({ paymentId, amountCents: amount * 100 }));
  const { captured } = contract("payments", { captured: event({ data: Captured2, version: 2, upcasts: { 1: change1 } }) });

  test("sees old data as its schema gives it: checked, and without what it does not declare", () => {
    assert.deepEqual(upcastData(captured, 1, { paymentId: "a", amount: 2, note: "x" }), { ok: true, data: { paymentId: "a", amountCents: 200 } });
  });

  test("refuses old data that is not what it should be, and repeats nothing of it", () => {
    const failed = upcastData(captured, 1, { paymentId: "a", amount: "4711" });
    assert.ok(!failed.ok && failed.cause instanceof Error);
    assert.equal(failed.reason, "failed");
    assert.match(failed.cause.message, /^the old data is not what it should be: \/amount .*expected number/);
    assert.doesNotMatch(failed.cause.message, /4711/);
  });

  test("cannot wait for a schema that does", () => {
    const Late = z.object({ id: z.string() }).refine(async () => true);
    const { late } = contract("a", { late: event({ data: z.object({}), version: 2, upcasts: { 1: upcast(Late, (old) => old) } }) });
    const failed = upcastData(late, 1, { id: "x" });
    assert.ok(!failed.ok);
    assert.match(failed.message, /from version 1 to 2 threw$/);
  });
});

/** An event of which every upcast notes its step, so that the way of the data can be read from it. */
function walkedEvent(version: number, oldest: number): Parameters<typeof upcastData>[0] {
  const steps = Array.from({ length: version - oldest }, (_, index) => oldest + index);
  const upcasts = Object.fromEntries(steps.map((from) => [from, (old: Readonly<Record<string, unknown>>) => ({ ...old, way: [...(old["way"] as number[]), from] })]));
  return contract("a", { walked: event({ data: z.object({ way: z.array(z.int()) }), version, upcasts }) }).walked;
}

test("whatever the versions, data goes through each step from its own to the present one, or is refused", () => {
  const versions = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 15 }));
  fc.assert(fc.property(versions, ([version, second, emitted]) => {
    const oldest = Math.min(version, second);
    const read: Upcasted = upcastData(walkedEvent(version, oldest), emitted, { way: [] });
    if (emitted > version) assert.ok(!read.ok && read.reason === "future");
    else if (emitted < oldest) assert.ok(!read.ok && read.reason === "discarded");
    else assert.deepEqual(read, { ok: true, data: { way: Array.from({ length: version - emitted }, (_, index) => emitted + index) } });
  }));
});
