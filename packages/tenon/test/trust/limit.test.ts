import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Call, type CallStart } from "../../src/calls/index.ts";
import { anonymous, type Caller, contract, type Operation, query } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { limit, toCaller } from "../../src/trust/index.ts";
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

  test("a refusal says when to come back, and has the numbers for the headers", () => {
    const clock = new ManualClock();
    const handler = limit({ clock }).compile(shop.byCaller, () => "in");
    const call = () => handler(new Call({ operation: shop.byCaller, id: "1", startedAtMs: 0, input: undefined, caller: ada }));
    call();
    call();
    assert.throws(call, (thrown) => {
      assert.ok(thrown instanceof Fault);
      assert.equal(thrown.code, "rate_limited");
      assert.equal(thrown.message, "at most 2 calls of shop.byCaller per 1m; try again in 15 s");
      assert.equal(thrown.retryAfterS, 15);
      assert.deepEqual(thrown.facts, { limit: 2, windowS: 60, remaining: 0, resetS: 15 });
      return true;
    });
    clock.advance(15_000);
    assert.equal(call(), "in", "and it is true");
  });
});
