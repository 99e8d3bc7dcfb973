/** What acts by itself is a caller with a name of its own, and with the rights that its app grants to it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { app, calledBy, command, contract, ContractMistakes, event, reactions, role, service, table } from "../../src/index.ts";
import { call, settled, test as open } from "../../src/test.ts";

const ledger = contract("ledger", {
  inside: command({ access: calledBy("orders"), input: z.object({ id: z.string() }) }),
  asAdmin: command({ access: role("admin"), input: z.object({ id: z.string() }) }),
});
const orders = contract("orders", {
  place: command({ access: "public", input: z.object({ id: z.string(), how: z.enum(["inside", "asAdmin"]) }) }),
  placed: event({ data: z.object({ id: z.string(), how: z.enum(["inside", "asAdmin"]) }) }),
});

const tables = { marks: table({ id: z.string(), caller: z.string() }, { key: "id" }) };
const migrations = new URL("principal-migrations/", import.meta.url);
const { on } = reactions(tables);

function services() {
  const seen: string[] = [];
  const refused: string[] = [];
  const note = ({ input, caller }: { readonly input: { readonly id: string }; readonly caller: { readonly subject: string; readonly kind: string } }): void => void seen.push(`${input.id} by ${caller.kind} ${caller.subject}`);
  const ledgerService = service(ledger, { handlers: { inside: note, asAdmin: note } });
  const ordersService = service(orders, {
    tables,
    migrations,
    handlers: {
      async place({ input, emit }) {
        await emit(orders.placed, input);
      },
    },
    subscriptions: [
      on(orders.placed, "book", { attempts: 1 }, async ({ data, call: ask }) => {
        try {
          await ask(ledger[data.how], { id: data.id });
        } catch (thrown) {
          refused.push((thrown as { readonly code: string }).code);
        }
      }),
    ],
  });
  return { seen, refused, ordersService, ledgerService };
}

describe("what acts by itself", () => {
  test("calls in its own name, and is let in where its service may call", async () => {
    const { ledgerService, ordersService, refused, seen } = services();
    await using tested = open(ordersService, { with: [ledgerService], as: "anonymous" });
    await tested.place({ id: "1", how: "inside" });
    await settled(tested);
    assert.deepEqual({ seen, refused }, { seen: ["1 by system system:orders.book"], refused: [] });
  });

  test("has no rights that nobody granted", async () => {
    const { ledgerService, ordersService, refused, seen } = services();
    await using tested = open(ordersService, { with: [ledgerService], as: "anonymous" });
    await tested.place({ id: "1", how: "asAdmin" });
    await settled(tested);
    assert.deepEqual({ seen, refused }, { seen: [], refused: ["permission_denied"] });
  });

  for (const principal of ["orders", "orders.book"]) {
    test(`has those that the app grants to ${principal}`, async () => {
      const { ledgerService, ordersService, refused, seen } = services();
      await using tested = open(ordersService, { with: [ledgerService], as: "anonymous", grants: { [principal]: { roles: ["admin"] } } });
      await tested.place({ id: "1", how: "asAdmin" });
      await settled(tested);
      assert.deepEqual({ seen, refused }, { seen: ["1 by system system:orders.book"], refused: [] });
    });
  }

  test("can be called as in a test", async () => {
    const { ledgerService, ordersService } = services();
    await using tested = open(ordersService, { with: [ledgerService], grants: { "orders.book": { roles: ["admin"] } } });
    await call(tested, ledger.asAdmin, { id: "1" }, { as: "system:orders.book" });
    await assert.rejects(call(tested, ledger.asAdmin, { id: "1" }, { as: "system:orders.other" }), { code: "permission_denied" });
  });

  test("must be there for a grant to it", () => {
    const { ledgerService, ordersService } = services();
    assert.throws(() => app("shop", { services: [ordersService, ledgerService], grants: { "orders.bok": { roles: ["admin"] } } }), (thrown) => {
      assert.ok(thrown instanceof ContractMistakes);
      assert.match(thrown.message, /grants\["orders\.bok"\].*one of: orders, orders\.book, ledger/s);
      return true;
    });
  });
});
