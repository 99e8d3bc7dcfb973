/**
 * How the accounts service keeps its promise. A customer only ever reaches rows of their own: every statement asks for
 * the caller's `sub`, so somebody else's address is not forbidden but not found.
 */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { type Db, reactions, service } from "tenon";
import { orders } from "../orders/contract.ts";
import { pageOf, parseCursor } from "../page.ts";
import { accounts, addressesMax } from "./contract.ts";
import { seed } from "./seed.ts";
import { tables } from "./tables.ts";

const { on } = reactions(tables);

export default service(accounts, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  seed,
  handlers: {
    async signUp({ input, caller, db, fail }) {
      const created = await db
        .insertInto("accounts")
        .values({ id: caller.subject, name: input.name, email: input.email })
        .onConflict((clash) => clash.doNothing()) // of the account or of its address: which one is asked below
        .returningAll()
        .executeTakeFirst();
      if (created !== undefined) return { ...created, addresses: [] };
      const own = await db.selectFrom("accounts").select("id").where("id", "=", caller.subject).executeTakeFirst();
      throw own === undefined ? fail.EmailTaken() : fail.AlreadySignedUp();
    },

    async me({ caller, db, fail }) {
      const account = await db.selectFrom("accounts").selectAll().where("id", "=", caller.subject).executeTakeFirst();
      if (account === undefined) throw fail.NoProfile();
      return { ...account, addresses: await addressesOf(db, account.id) };
    },

    async updateMe({ input, caller, db, fail }) {
      if (input.email !== undefined) {
        const taken = await db.selectFrom("accounts").select("id").where("email", "=", input.email).where("id", "!=", caller.subject).executeTakeFirst();
        if (taken !== undefined) throw fail.EmailTaken();
      }
      const account = await db
        .updateTable("accounts")
        .set((row) => ({ name: input.name ?? row.ref("name"), email: input.email ?? row.ref("email") }))
        .where("id", "=", caller.subject)
        .returningAll()
        .executeTakeFirst();
      if (account === undefined) throw fail.NoProfile();
      return { ...account, addresses: await addressesOf(db, account.id) };
    },

    async addAddress({ input, caller, db, fail }) {
      // The account's row is held, so that two requests at once cannot both be the tenth.
      const account = await db.selectFrom("accounts").select("id").where("id", "=", caller.subject).forUpdate().executeTakeFirst();
      if (account === undefined) throw fail.NoProfile();
      const kept = await db
        .selectFrom("addresses")
        .select((row) => row.fn.countAll<number>().as("count"))
        .where("accountId", "=", account.id)
        .executeTakeFirstOrThrow();
      if (kept.count >= addressesMax) throw fail.TooManyAddresses();
      return db.insertInto("addresses").values({ ...input, id: randomUUID(), accountId: account.id }).returningAll().executeTakeFirstOrThrow();
    },

    async updateAddress({ input, caller, db, fail }) {
      const { id, ...fields } = input;
      const address = await db.updateTable("addresses").set(fields).where("id", "=", id).where("accountId", "=", caller.subject).returningAll().executeTakeFirst();
      if (address === undefined) throw fail.NotFound();
      return address;
    },

    async removeAddress({ input, caller, db, fail }) {
      const removed = await db.deleteFrom("addresses").where("id", "=", input.id).where("accountId", "=", caller.subject).executeTakeFirst();
      if (removed.numDeletedRows === 0n) throw fail.NotFound();
    },

    async receipts({ input, caller, db, fail }) {
      let rows = db.selectFrom("receipts").selectAll().where("accountId", "=", caller.subject);
      if (input.cursor !== undefined) {
        const [paidAt, orderId] = parseCursor(input.cursor, ["instant", "text"]) ?? [];
        if (paidAt === undefined || orderId === undefined) throw fail.InvalidCursor();
        rows = rows.where(sql<boolean>`(paid_at, order_id::text) < (${paidAt}::timestamptz, ${orderId}::text)`);
      }
      const found = await rows.orderBy("paidAt", "desc").orderBy(sql`order_id::text`, "desc").limit(input.limit + 1).execute();
      return pageOf(found, input.limit, (row) => [row.paidAt, row.orderId]);
    },

    async get({ input, db, fail }) {
      const account = await db.selectFrom("accounts").selectAll().where("id", "=", input.id).executeTakeFirst();
      if (account === undefined) throw fail.NotFound();
      return { ...account, addresses: await addressesOf(db, account.id) };
    },

    async list({ input, db, fail }) {
      let from: Place | undefined;
      if (input.cursor !== undefined) {
        const [createdAt, id] = parseCursor(input.cursor, ["instant", "text"]) ?? [];
        if (createdAt === undefined || id === undefined) throw fail.InvalidCursor();
        from = { createdAt: String(createdAt), id: String(id) };
      }
      const found = await findAccounts(db, { ...input, from });
      return pageOf(found, input.limit, (row) => [row.createdAt, row.id]);
    },

    async suspend({ input, caller, db, fail, log }) {
      const account = await db
        .updateTable("accounts")
        .set({ status: "suspended", suspendedReason: input.reason })
        .where("id", "=", input.id)
        .returningAll()
        .executeTakeFirst();
      if (account === undefined) throw fail.NotFound();
      log.info("an account was suspended", { account: account.id, by: caller.subject });
      return account;
    },

    async reinstate({ input, caller, db, fail, log }) {
      const account = await db
        .updateTable("accounts")
        .set({ status: "active", suspendedReason: null })
        .where("id", "=", input.id)
        .returningAll()
        .executeTakeFirst();
      if (account === undefined) throw fail.NotFound();
      log.info("an account was reinstated", { account: account.id, by: caller.subject });
      return account;
    },

    async buyer({ input, caller, db, fail }) {
      const account = await db.selectFrom("accounts").selectAll().where("id", "=", caller.subject).executeTakeFirst();
      if (account === undefined) throw fail.NoProfile();
      if (account.status === "suspended") throw fail.Suspended();
      let addresses = db.selectFrom("addresses").selectAll().where("accountId", "=", account.id);
      if (input.addressId !== undefined) addresses = addresses.where("id", "=", input.addressId);
      const address = await addresses.orderBy("createdAt").orderBy("id").executeTakeFirst();
      if (address === undefined) throw fail.NoAddress();
      return { accountId: account.id, address };
    },
  },
  subscriptions: [
    // The row and the end of the delivery are one transaction, so there is one receipt for each order, and nothing here
    // has to ask whether it is there already.
    on(orders.paid, "write-receipt", async ({ data, event, db }) => {
      const lines = data.lines.map(({ sku, name, quantity, totalCents }) => ({ sku, name, quantity, totalCents }));
      await db.insertInto("receipts").values({ ...data, lines, paidAt: event.time }).execute();
    }),
  ],
});

function addressesOf(db: Db<typeof tables>, accountId: string) {
  return db.selectFrom("addresses").selectAll().where("accountId", "=", accountId).orderBy("createdAt").orderBy("id").execute();
}

/** Where a page ended. */
interface Place {
  readonly createdAt: string;
  readonly id: string;
}

interface AccountSearch {
  readonly search?: string | undefined;
  readonly status?: "active" | "suspended" | undefined;
  readonly limit: number;
  readonly from: Place | undefined;
}

/** Accounts read at a time while looking for a part of a name. */
const searchPortion = 200;

/**
 * One account more than fits on the page, if there is one. Names and e-mail addresses are encrypted, so the database cannot
 * look for a part of one: a search reads accounts in portions and looks by itself.
 */
async function findAccounts(db: Db<typeof tables>, { from, limit, search, status }: AccountSearch) {
  const wanted = search?.toLowerCase();
  const portion = wanted === undefined ? limit + 1 : searchPortion;
  const found = [];
  for (let place = from; ; ) {
    let rows = db.selectFrom("accounts").selectAll();
    if (status !== undefined) rows = rows.where("status", "=", status);
    if (place !== undefined) rows = rows.where(sql<boolean>`(created_at, id) < (${place.createdAt}::timestamptz, ${place.id}::text)`);
    const read = await rows.orderBy("createdAt", "desc").orderBy("id", "desc").limit(portion).execute();
    found.push(...read.filter(({ email, name }) => wanted === undefined || `${name}\n${email}`.toLowerCase().includes(wanted)));
    place = read.at(-1);
    if (found.length > limit || read.length < portion) return found;
  }
}
