import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { command, contract, query, role, table } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { service } from "../../src/service/index.ts";
import { fake, test as tested } from "../../src/test.ts";

const stock = contract("stock", {
  reserve: command({ access: "public", input: z.object({ sku: z.string() }), output: z.object({ left: z.int() }) }),
});

const Order = z.object({ id: z.uuid(), sku: z.string() });
const orders = contract("orders", {
  place: command({ http: "POST /orders", access: "signed-in", input: z.object({ sku: z.string(), how: z.enum(["well", "held", "together", "fails"]) }), output: Order }),
  count: query({ http: "GET /orders", access: role("admin"), output: z.object({ orders: z.int() }) }),
  sneak: query({ http: "GET /sneak", access: "public", output: z.object({ orders: z.int() }) }),
});

const ordersService = service(orders, {
  tables: { orders: table({ id: z.uuid(), sku: z.string() }, { key: "id" }) },
  migrations: new URL("fixture-migrations/", import.meta.url),
  handlers: {
    async place({ input, db, call, read }) {
      const order = { id: crypto.randomUUID(), sku: input.sku };
      if (input.how === "well") {
        await read.selectFrom("orders").selectAll().execute();
        await call(stock.reserve, { sku: input.sku });
      }
      if (input.how === "together") {
        await Promise.all([call(stock.reserve, { sku: input.sku }), db.insertInto("orders").values(order).execute()]);
        return order;
      }
      await db.insertInto("orders").values(order).execute();
      if (input.how === "held") await call(stock.reserve, { sku: input.sku });
      if (input.how === "fails") throw new RangeError("after the insert");
      return order;
    },
    async count({ db }) {
      const { orders: count } = await db.selectFrom("orders").select(({ fn }) => fn.countAll<number>().as("orders")).executeTakeFirstOrThrow();
      return { orders: count };
    },
    async sneak({ db }) {
      await db.insertInto("orders").values({ id: crypto.randomUUID(), sku: "sneaked" }).execute();
      return { orders: 1 };
    },
  },
});

const ada = { subject: "ada" };
const admin = { subject: "root", roles: ["admin"] };
const reserved = fake(stock.reserve, async () => ({ left: 1 }));

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const thrown: unknown = await promise.then(() => undefined, (error: unknown) => error);
  assert.ok(thrown instanceof Fault, String(thrown));
  return thrown;
}

describe("a service in a test, on a real database", () => {
  test("commits a command that returns, and nothing of one that throws", async () => {
    await using service_ = tested(ordersService, { fakes: [reserved], as: ada });
    await service_.place({ sku: "a", how: "well" });
    assert.equal((await faultOf(service_.place({ sku: "b", how: "fails" }))).code, "internal");
    assert.deepEqual(await service_.count(undefined, { as: admin }), { orders: 1 });
  });

  test("answers a repeat from the database, also to a caller who waited for the first one", async () => {
    await using service_ = tested(ordersService, { fakes: [reserved], as: ada });
    const all = await Promise.all(Array.from({ length: 5 }, () => service_.place({ sku: "a", how: "well" }, { idempotencyKey: "once" })));
    assert.equal(new Set(all.map((order) => order.id)).size, 1);
    assert.deepEqual(await service_.count(undefined, { as: admin }), { orders: 1 });
    assert.equal((await faultOf(service_.place({ sku: "b", how: "well" }, { idempotencyKey: "once" }))).code, "conflict");
  });

  test("refuses a call that is made while the transaction is open, and says what to do instead", async () => {
    await using service_ = tested(ordersService, { fakes: [reserved], as: ada });
    const fault = await faultOf(service_.place({ sku: "a", how: "held" }));
    assert.equal(fault.code, "internal");
    assert.match(String(fault.cause), /orders\.place called stock\.reserve while its own transaction was open: make the call before/);
    assert.deepEqual(await service_.count(undefined, { as: admin }), { orders: 0 });
  });

  test("lets a transaction that is begun beside a call wait for the call", async () => {
    await using service_ = tested(ordersService, { fakes: [reserved], as: ada });
    await service_.place({ sku: "a", how: "together" });
    assert.deepEqual(await service_.count(undefined, { as: admin }), { orders: 1 });
  });

  test("cannot write in a query: the database refuses", async () => {
    await using service_ = tested(ordersService, { as: ada });
    const fault = await faultOf(service_.sneak());
    assert.equal(fault.code, "internal");
    assert.match((fault.cause as Error).message, /read-only transaction|permission denied/);
    assert.deepEqual(await service_.count(undefined, { as: admin }), { orders: 0 });
  });

  test("holds callers to the access rules", async () => {
    await using service_ = tested(ordersService, { fakes: [reserved], as: "anonymous" });
    assert.equal((await faultOf(service_.place({ sku: "a", how: "well" }))).code, "unauthenticated");
    assert.equal((await faultOf(service_.count(undefined, { as: ada }))).code, "permission_denied");
  });
});

test("somebody whose token is bound to a key may call, through another service, what takes no other", async () => {
  const bank = contract("bank", { pay: command({ access: "signed-in", senderConstrained: true, output: z.object({ by: z.string() }) }) });
  const door = contract("door", { pay: command({ access: "signed-in", output: z.object({ by: z.string() }), errors: { Unproven: { status: 422 } } }) });
  const bankService = service(bank, { handlers: { pay: ({ caller }) => ({ by: caller.subject }) } });
  const doorService = service(door, {
    handlers: {
      async pay({ call, fail }) {
        try {
          return await call(bank.pay);
        } catch (thrown) {
          throw thrown instanceof Fault && thrown.code === "unauthenticated" ? fail.Unproven() : thrown;
        }
      },
    },
  });
  await using shown = tested(doorService, { with: [bankService] });
  assert.deepEqual(await shown.pay(undefined, { as: { subject: "ada", claims: { cnf: { jkt: "a" } } } }), { by: "ada" });
  await assert.rejects(shown.pay(undefined, { as: ada }), { publicCode: "Unproven" });
});
