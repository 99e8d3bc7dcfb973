import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { table } from "../../src/contract/index.ts";
import type { DatabaseOf, Db } from "../../src/data/index.ts";
import type { Insertable, Selectable } from "kysely";

const tables = {
  orders: table({ id: z.uuid(), totalCents: z.int(), note: z.string().nullable(), status: z.enum(["placed", "paid"]), placedAt: z.iso.datetime() }, { key: "id", defaults: ["placedAt"] }),
};
type Orders = DatabaseOf<typeof tables>["orders"];

/** Never called: the compiler is what reads it. */
export function typed(db: Db<typeof tables>): void {
  const row: Selectable<Orders> = { id: "", totalCents: 1, note: null, status: "paid", placedAt: "" };
  const inserted: Insertable<Orders> = { id: "", totalCents: 1, status: "placed" }; // what is nullable or has a default may be left out
  void db.insertInto("orders").values(inserted).returning(["id", "placedAt"]).execute();
  void db.selectFrom("orders").where("status", "=", row.status).select("note").execute();

  // @ts-expect-error there is no such table
  void db.selectFrom("order").selectAll();
  // @ts-expect-error there is no such column
  void db.selectFrom("orders").select("total");
  // @ts-expect-error a status is one of two words
  void db.updateTable("orders").set({ status: "lost" });
  // @ts-expect-error an insert has to say how much it is
  const incomplete: Insertable<Orders> = { id: "", status: "placed" };
  void incomplete;
  // @ts-expect-error a number is not a text
  const wrong: Selectable<Orders>["totalCents"] = "1";
  void wrong;
}

test("a handler's rows are typed by the tables that its service declares", () => {
  assert.equal(typeof typed, "function"); // that it compiles is the test
});
