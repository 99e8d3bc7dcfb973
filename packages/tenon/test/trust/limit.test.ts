import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { Call, type CallStart } from "../../src/calls/index.ts";
import { anonymous, type Caller, contract, type Operation, query } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { limit, limitInput, type LimitTake, toCaller } from "../../src/trust/index.ts";
import { ManualClock } from "./manual-clock.ts";

const shop = contract("shop", {
  free: query({ access: "public" }),
  byCaller: query({ access: "public", rateLimit: { calls: 2, per: "1m" } }),
  byCallerToo: query({ access: "public", rateLimit: { calls: 2, per: "1m" } }),
  byAddress: query({ access: "public", rateLimit: { calls: 2, per: "1m", by: "address" } }),
});

const ada = toCaller({ iss: "https://login.example", sub: "ada" });
const alan = toCaller({ iss: "https://login.example", sub: "alan" });

/** How many of ten calls one after another pass. */
function opened(clock = new ManualClock()) {
  const stage = limit({ clock });
  const handlers = new Map<string, (call: Call) => unknown>();
  return (operation: Operation, more: Partial<CallStart>, count = 10): number => {
    const handler = handlers.get(operation.id) ?? stage.compile(operation, () => "in");
    handlers.set(operation.id, handler);
    let passed = 0;
    for (let i = 0; i < count; i += 1) {
      try {
        handler(new Call({ operation, id: "1", startedAtMs: 0, input: undefined, ...more }));
        passed += 1;
      } catch (thrown) {
        assert.ok(thrown instanceof Fault && thrown.code === "rate_limited", String(thrown));
      }
    }
    return passed;
  };
}

describe("limit", () => {
  test("an operation without a limit does not pass through the stage", () => {
    const next = () => "in";
    assert.equal(limit({ clock: new ManualClock() }).compile(shop.free as Operation, next), next);
  });

  test("each subject has its own count, whatever token, address or object it comes with", () => {
    const calls = opened();
    assert.equal(calls(shop.byCaller as Operation, { caller: ada, address: "192.0.2.1" }), 2);
    const again: Caller = toCaller({ iss: "https://login.example", sub: "ada", jti: "another" });
    assert.equal(calls(shop.byCaller as Operation, { caller: again, address: "192.0.2.2" }), 0);
    assert.equal(calls(shop.byCaller as Operation, { caller: alan, address: "192.0.2.1" }), 2);
    assert.equal(calls(shop.byCaller as Operation, { caller: toCaller({ iss: "https://other.example", sub: "ada" }) }), 2, "the ada of another issuer");
  });

  test("each operation has its own count", () => {
    const calls = opened();
    assert.equal(calls(shop.byCaller as Operation, { caller: ada }), 2);
    assert.equal(calls(shop.byCallerToo as Operation, { caller: ada }), 2);
  });

  test("nobody in particular is counted by network: an IPv4 address, or a /64", () => {
    const calls = opened();
    assert.equal(calls(shop.byCaller as Operation, { caller: anonymous, address: "192.0.2.1" }), 2);
    assert.equal(calls(shop.byCaller as Operation, { caller: anonymous, address: "::ffff:192.0.2.1" }), 0);
    assert.equal(calls(shop.byCaller as Operation, { caller: anonymous, address: "192.0.2.2" }), 2);
    assert.equal(calls(shop.byCaller as Operation, { caller: anonymous, address: "2001:db8::1" }), 2);
    assert.equal(calls(shop.byCaller as Operation, { caller: anonymous, address: "2001:db8::2" }), 0);
    assert.equal(calls(shop.byCaller as Operation, { caller: undefined }), 2);
    assert.equal(calls(shop.byCaller as Operation, { caller: anonymous }), 0, "without an address all share one count");
  });

  test("a limit by address counts all callers of an address together", () => {
    const calls = opened();
    assert.equal(calls(shop.byAddress as Operation, { caller: ada, address: "192.0.2.1" }), 2);
    assert.equal(calls(shop.byAddress as Operation, { caller: alan, address: "192.0.2.1" }), 0);
    assert.equal(calls(shop.byAddress as Operation, { caller: ada, address: "192.0.2.2" }), 2);
    assert.equal(calls(shop.byAddress as Operation, { caller: ada }), 2, "and by subject where there is no address");
    assert.equal(calls(shop.byAddress as Operation, { caller: ada }), 0);
  });

  test("no subject can be made to look like an address, or like another subject", () => {
    const calls = opened();
    assert.equal(calls(shop.byCaller as Operation, { caller: anonymous, address: "192.0.2.1" }), 2);
    assert.equal(calls(shop.byCaller as Operation, { caller: toCaller({ iss: "https://login.example", sub: "192.0.2.1" }) }), 2);
  });

  test("the platform's own calls are not counted", () => {
    assert.equal(opened()(shop.byCaller as Operation, { caller: { ...ada, kind: "system" } }), 10);
  });

  test("several limits hold together: one that refuses costs none of the others a call", () => {
    const clock = new ManualClock();
    const several = contract("several", { act: query({ access: "public", rateLimit: [{ calls: 2, per: "1s" }, { calls: 5, per: "1h", by: "address", name: "hourly" }] }) }).act as Operation;
    const handler = limit({ clock }).compile(several, () => "in");
    const passes = (): boolean => {
      try {
        return handler(new Call({ operation: several, id: "1", startedAtMs: 0, input: undefined, caller: ada, address: "192.0.2.1" })) === "in";
      } catch (thrown) {
        assert.ok(thrown instanceof Fault && thrown.code === "rate_limited");
        return false;
      }
    };
    const count = (): number => Array.from({ length: 10 }, passes).filter(Boolean).length;
    assert.equal(count(), 2, "the first limit, and eight refusals that the second one did not count");
    clock.advance(1_000);
    assert.equal(count(), 2);
    clock.advance(1_000);
    assert.equal(count(), 1, "the fifth of the hour");
  });

  test("a limit by a field of the input counts each value by itself, in any case, whoever calls", () => {
    const login = contract("login", { act: query({ access: "public", input: z.object({ email: z.string().optional() }), rateLimit: { calls: 2, per: "1m", by: { input: "email" } } }) }).act as Operation;
    const clock = new ManualClock();
    assert.equal(limit({ clock }).compile(login, String), String, "nothing to do before the input is known");
    const handler = limitInput({ clock }).compile(login, () => "in");
    const passes = (email: string | undefined, caller: Caller): boolean => {
      try {
        return handler(new Call({ operation: login, id: "1", startedAtMs: 0, input: { email }, caller })) === "in";
      } catch (thrown) {
        assert.ok(thrown instanceof Fault && thrown.code === "rate_limited");
        return false;
      }
    };
    assert.deepEqual([passes("a@x.test", ada), passes("A@X.test", alan), passes("a@x.test", anonymous), passes("b@x.test", ada)], [true, true, false, true]);
    assert.deepEqual(Array.from({ length: 5 }, () => passes(undefined, ada)), [true, true, true, true, true], "nothing to count by");
  });

  test("a limit by key counts the calls of one client or API key together, and of others by caller", () => {
    const byKey = contract("keys", { act: query({ access: "public", rateLimit: { calls: 2, per: "1m", by: "key" } }) }).act as Operation;
    const calls = opened();
    const of = (claims: Readonly<Record<string, string>>): Caller => toCaller({ iss: "https://login.example", sub: "ada", ...claims });
    assert.equal(calls(byKey, { caller: of({ client_id: "batch" }) }), 2);
    assert.equal(calls(byKey, { caller: of({ client_id: "batch", sub: "alan" }) }), 0);
    assert.equal(calls(byKey, { caller: of({ key_id: "k1", client_id: "batch" }) }), 2);
    assert.equal(calls(byKey, { caller: ada }), 2);
  });

  test("a refusal says when to come back, and has the numbers for the headers", () => {
    const clock = new ManualClock();
    const handler = limit({ clock }).compile(shop.byCaller, () => "in");
    let made: Call | undefined;
    const call = () => {
      made = new Call({ operation: shop.byCaller, id: "1", startedAtMs: 0, input: undefined, caller: ada });
      return handler(made);
    };
    call();
    assert.deepEqual(made?.limits, [{ facts: { name: "default", calls: 2, perMs: 60_000 }, remaining: 1, resetMs: 30_000 }]);
    call();
    assert.deepEqual(made?.limits, [{ facts: { name: "default", calls: 2, perMs: 60_000 }, remaining: 0, resetMs: 15_000 }]);
    assert.throws(call, (thrown) => {
      assert.ok(thrown instanceof Fault);
      assert.equal(thrown.code, "rate_limited");
      assert.equal(thrown.message, "at most 2 calls of shop.byCaller per 1m; try again in 15 s");
      assert.equal(thrown.retryAfterS, 15);
      assert.deepEqual(made?.limits, [{ facts: { name: "default", calls: 2, perMs: 60_000 }, remaining: 0, resetMs: 15_000 }]);
      return true;
    });
    clock.advance(15_000);
    assert.equal(call(), "in", "and it is true");
  });

  test("a long text in the input is counted in little memory, and apart from every other", () => {
    const keys: string[] = [];
    const store = {
      take(takes: readonly LimitTake[]) {
        keys.push(...takes.map(({ key }) => key));
        return takes.map(() => ({ waitMs: 0, remaining: 1, resetMs: 0 }));
      },
    };
    const { send } = contract("codes", { send: query({ access: "public", input: z.object({ to: z.string() }), rateLimit: { calls: 2, per: "1m", by: { input: "to" } } }) });
    const handler = limitInput({ clock: new ManualClock(), store }).compile(send, () => "in");
    const long = "a".repeat(1_000_000);
    for (const to of [long, `${long}b`, "a", long.toUpperCase()]) handler(new Call({ operation: send, id: "1", startedAtMs: 0, input: { to } }));
    assert.ok(keys.every((key) => key.length <= 200), keys.map(({ length }) => length).join(" "));
    assert.equal(new Set(keys).size, 3, "in another case it is the same");
    assert.equal(keys[0], keys[3]);
  });
});
