/**
 * What the compiler says to whoever calls a service. The lines marked `@ts-expect-error` are the assertions: the type
 * check of the tests fails when one of them compiles.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, client } from "../../src/client/index.ts";
import { type Bytes, type CallPromise, outcome } from "../../src/contract/index.ts";
import type { DeclaredFault } from "../../src/kernel/index.ts";
import { shop } from "./shop-contract.ts";
import { json, WireServer } from "./wire-server.ts";

type IsAny<T> = 0 extends 1 & T ? true : false;
/** Whether two types are one. `assert.ok(true satisfies Same<A, B>)` compiles only where they are. */
type Same<A, B> = IsAny<A> extends true ? IsAny<B> : [A, B] extends [B, A] ? true : false;

interface OrderShape {
  id: string;
  sku: string;
  count: number;
}
type Shop = Client<typeof shop>;

test("a client has the operations of its contract and nothing else", () => {
  const orders = client(shop, { url: "http://127.0.0.1:1" });
  assert.ok(true satisfies Same<keyof Shop, "get" | "find" | "place" | "rename" | "remove" | "ping" | "watch" | "photo" | "upload" | "settle">);
  // @ts-expect-error -- events are not called
  assert.equal(orders.placed, undefined);
  // @ts-expect-error -- the contract has no such operation
  assert.equal(orders.refund, undefined);
  assert.throws(() => {
    // @ts-expect-error -- a client is not to be changed
    orders.get = orders.find;
  }, TypeError);
});

test("answers have the types of the contract", async () => {
  assert.ok(true satisfies Same<Awaited<ReturnType<Shop["get"]>>, OrderShape>);
  assert.ok(true satisfies Same<Awaited<ReturnType<Shop["find"]>>, OrderShape[]>);
  assert.ok(true satisfies Same<Awaited<ReturnType<Shop["watch"]>>, AsyncIterable<OrderShape>>);
  assert.ok(true satisfies Same<Awaited<ReturnType<Shop["photo"]>>, Bytes>);
  assert.ok(true satisfies Same<Awaited<ReturnType<Shop["remove"]>>, void>);

  await using wire = await WireServer.open(json({ id: "o1", sku: "tea", count: 1 }));
  const order = await client(shop, { url: wire.url }).get({ id: "o1" });
  const id: string = order.id;
  // @ts-expect-error -- an order has no price
  assert.equal(order.price, undefined);
  assert.equal(id, "o1");
});

test("inputs have the types of the contract: fields with a default may be left out, others may not", async () => {
  await using wire = await WireServer.open(json([]));
  const orders = client(shop, { url: wire.url });
  await orders.find();
  await orders.find({});
  await orders.find({ limit: 3 });
  // @ts-expect-error -- an order is asked for by its id
  await assert.rejects(orders.get());
  // @ts-expect-error -- the id is needed
  await assert.rejects(orders.get({}));
  // @ts-expect-error -- a limit is a number
  await orders.find({ limit: "3" });
  // @ts-expect-error -- there is no such field
  await orders.find({ shade: "red" });
  // @ts-expect-error -- there is no such option
  await orders.find({}, { timeout: 5 });
  assert.equal(wire.seen.length, 6);
});

test("declared failures are told apart by name, each with its own data", async () => {
  await using wire = await WireServer.open(json({ id: "o1", sku: "tea", count: 1 }));
  const placed = await outcome(client(shop, { url: wire.url }).place({ sku: "tea", count: 1 }));
  if (placed.ok) {
    const order: OrderShape = placed.value;
    assert.equal(order.id, "o1");
    // @ts-expect-error -- there is no fault when it went well
    assert.equal(placed.fault, undefined);
    return;
  }
  const { fault } = placed;
  assert.ok(true satisfies Same<typeof fault, DeclaredFault<"OutOfStock", { sku: string; left: number }> | DeclaredFault<"Closed", undefined>>);
  // @ts-expect-error -- the contract declares no such failure
  assert.notEqual(fault.reason, fault.reason === "NotFound");
  if (fault.reason === "OutOfStock") {
    const left: number = fault.data.left;
    assert.equal(left, 0);
  } else {
    // @ts-expect-error -- Closed carries no data
    assert.equal(fault.data.left, undefined);
  }
});

test("an operation that declares no failures has none to look at", async () => {
  await using wire = await WireServer.open(json({ ok: true }));
  const pinged = await outcome(client(shop, { url: wire.url }).ping());
  assert.ok(pinged.ok);
  assert.ok(true satisfies Same<Extract<typeof pinged, { ok: false }>["fault"], never>);
});

test("a call is a promise like any other, and any promise can stand in for one", async () => {
  const call: CallPromise<number, { Gone: { status: 410 } }> = Promise.resolve(1);
  const plain: Promise<number> = call;
  assert.equal(await plain, 1);
  assert.deepEqual(await outcome(call), { ok: true, value: 1 });
});
