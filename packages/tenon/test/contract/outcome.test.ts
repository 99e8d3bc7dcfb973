import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { type CallPromise, outcome } from "../../src/contract/index.ts";
import { DeclaredFault, Fault } from "../../src/kernel/index.ts";

const errors = { OutOfStock: { status: 409, data: z.object({ sku: z.string() }) } } as const;
const failing = (thrown: unknown): CallPromise<number, typeof errors> => Promise.reject(thrown);

test("a call that succeeds has a value", async () => {
  assert.deepEqual(await outcome(Promise.resolve(4) as CallPromise<number, typeof errors>), { ok: true, value: 4 });
});

test("a call that fails as its contract says has a fault with a reason and typed data", async () => {
  const end = await outcome(failing(new DeclaredFault("OutOfStock", { sku: "a" }, 409)));
  assert.ok(!end.ok && end.fault.reason === "OutOfStock");
  const { sku }: { sku: string } = end.fault.data;
  assert.equal(sku, "a");
});

test("a call that fails otherwise still throws", async () => {
  const overloaded = new Fault("overloaded", "too busy");
  await assert.rejects(outcome(failing(overloaded)), overloaded);
  await assert.rejects(outcome(failing(new TypeError("a bug"))), TypeError);
});
