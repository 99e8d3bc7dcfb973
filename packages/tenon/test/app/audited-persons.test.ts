/** Whose data a call or a reaction met, and in which rows: on record without anybody having declared it, on both engines. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import * as z from "zod";
import { call, fire, settled, test as testService } from "../../src/app/testing.ts";
import type { AuditRecord } from "../../src/audit/index.ts";
import { command, contract, event, personal, query, stream, table } from "../../src/contract/index.ts";
import { reactions, service } from "../../src/service/index.ts";
import { serverUrl, skip } from "../data/server.ts";

const tables = {
  letters: table({ id: z.string(), personId: z.string(), text: personal(z.string()), reads: z.int() }, { key: "id", subject: "personId", defaults: ["reads"] }),
  /** Names no subject, so nothing of it is encrypted, and nobody knows whose its data is. */
  notices: table({ id: z.string(), author: personal(z.string()), shown: z.int() }, { key: "id", defaults: ["shown"] }),
  tallies: table({ name: z.string(), count: z.int() }, { key: "name" }),
};
const Letter = z.object({ id: z.string(), personId: z.string(), text: personal(z.string()) });
const id = z.object({ id: z.string() });
const access = "public";

const letters = contract("letters", {
  write: command({ access, input: Letter }),
  rewrite: command({ access, input: z.object({ id: z.string(), text: personal(z.string()) }) }),
  mark: command({ access, input: id }),
  burn: command({ access, input: id }),
  burnOf: command({ access, input: z.object({ personId: z.string() }) }),
  burnOld: command({ access }),
  tally: command({ access }),
  lose: command({ access, input: id }),
  list: query({ access, output: z.array(Letter) }),
  all: query({ access, output: stream(Letter) }),
  send: command({ access, input: id }),
  count: query({ access, output: z.object({ letters: z.int() }) }),
  pin: command({ access, input: z.object({ ids: z.array(z.string()) }) }),
  notice: query({ access, input: z.object({ id: z.string(), how: z.enum(["by key", "by author", "counted", "joined", "raw", "raw within"]) }), output: z.int() }),
  unpin: command({ access, input: z.object({ id: z.string(), how: z.enum(["by key", "all", "raw", "raw letters"]) }) }),
  trail: query({ access, output: z.array(z.string()) }),
  sent: event({ data: Letter, key: "id", subject: "personId" }),
  counted: event({ data: id, key: "id" }),
});

const { every, on, workflow } = reactions(tables);
const archive = workflow("archive", { input: id }, async (flow) => {
  await flow.step("read", async ({ db }) => {
    await db.selectFrom("letters").select("text").where("id", "=", flow.input.id).execute();
  });
  await flow.step("tally", async ({ db }) => void (await db.insertInto("tallies").values({ name: flow.input.id, count: 1 }).execute()));
});

const lettersService = service(letters, {
  tables,
  migrations: new URL("persons-migrations/", import.meta.url),
  handlers: {
    write: async ({ db, input }) => void (await db.insertInto("letters").values(input).execute()),
    rewrite: async ({ db, input }) => void (await db.updateTable("letters").set({ text: input.text }).where("id", "=", input.id).execute()),
    async mark({ db, input }) {
      const { numUpdatedRows } = await db.updateTable("letters").set({ reads: 1 }).where("id", "=", input.id).executeTakeFirstOrThrow();
      assert.equal(numUpdatedRows, input.id === "none" ? 0n : 1n);
    },
    async burn({ db, input }) {
      const { numDeletedRows } = await db.deleteFrom("letters").where("letters.id", "=", input.id).executeTakeFirstOrThrow();
      assert.equal(numDeletedRows, 1n);
    },
    burnOf: async ({ db, input }) => void (await db.deleteFrom("letters").where("personId", "=", input.personId).execute()),
    burnOld: async ({ db }) => void (await db.deleteFrom("letters").where("reads", ">", 100).execute()),
    tally: async ({ db }) => void (await db.insertInto("tallies").values({ name: crypto.randomUUID(), count: 1 }).execute()),
    async lose({ db, input }) {
      await db.selectFrom("letters").selectAll().where("id", "=", input.id).execute();
      throw new Error("lost");
    },
    list: ({ db }) => db.selectFrom("letters").select(["id", "personId", "text"]).orderBy("id").execute(),
    async *all({ db }) {
      for await (const row of db.selectFrom("letters").select(["id", "personId", "text"]).orderBy("id").stream(2)) yield row;
    },
    async send({ db, emit, input, start }) {
      const letter = await db.selectFrom("letters").select(["id", "personId", "text"]).where("id", "=", input.id).executeTakeFirstOrThrow();
      await emit(letters.sent, letter);
      await emit(letters.counted, { id: letter.id });
      await start(archive, input);
    },
    async count({ db }) {
      const { n } = await db.selectFrom("letters").select((of) => of.fn.countAll<string>().as("n")).executeTakeFirstOrThrow();
      return { letters: Number(n) };
    },
    pin: async ({ db, input }) => void (await db.insertInto("notices").values(input.ids.map((each) => ({ id: each, author: "Secretword" }))).execute()),
    async notice({ db, input }) {
      const from = db.selectFrom("notices");
      switch (input.how) {
        case "by key": return (await from.selectAll().where("id", "=", input.id).where("shown", ">=", 0).execute()).length;
        case "by author": return (await from.select("id").where("author", "=", "Secretword").execute()).length;
        case "counted": return Number((await from.select((of) => of.fn.countAll<string>().as("n")).executeTakeFirstOrThrow()).n);
        case "joined": return (await from.innerJoin("tallies", (join) => join.onTrue()).select("author").where("notices.id", "=", input.id).execute()).length;
        case "raw": return (await sql`SELECT author FROM Notices`.execute(db)).rows.length;
        case "raw within": return (await db.selectFrom("tallies").select(sql<string>`(select max(author) from notices)`.as("author")).execute()).length;
      }
    },
    async unpin({ db, input }) {
      switch (input.how) {
        case "by key": return void (await db.updateTable("notices").set({ shown: 1 }).where("id", "=", input.id).execute());
        case "all": return void (await db.deleteFrom("notices").execute());
        case "raw": return void (await sql`update notices set shown = 2 where id = ${input.id}`.execute(db));
        case "raw letters": return void (await sql`update letters set reads = 3 where id = ${input.id}`.execute(db));
      }
    },
    async trail({ db }) {
      const { rows } = await sql<{ entry: string }>`select entry::text as entry from tenon_audit order by seq`.execute(db);
      return rows.map(({ entry }) => entry);
    },
  },
  subscriptions: [
    on(letters.sent, "file", async ({ data, db }) => void (await db.insertInto("tallies").values({ name: `filed ${data.id}`, count: 1 }).execute())),
    on(letters.counted, "plain", async ({ data, db }) => void (await db.insertInto("tallies").values({ name: `counted ${data.id}`, count: 1 }).execute())),
  ],
  triggers: [every("1h", "sweep", async ({ db }) => void (await db.selectFrom("letters").select("text").execute()))],
  workflows: [archive],
});

/** Asks again until it is enough, with a pause in which others have their turn; fails after 10 s. */
async function soon<T>(ask: () => Promise<T>, isEnough: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const answer = await ask();
    if (isEnough(answer)) return answer;
    assert.ok(tries < 200, `not on record: ${JSON.stringify(answer)}`);
    await sleep(50);
  }
}

/** What takes longer is told by its name, and not by a run that hangs. */
async function withinMs(ms: number, what: string, work: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  const timer = sleep(ms, undefined, { signal: late.signal }).then(
    () => assert.fail(`waited ${ms} ms for ${what}`),
    () => undefined,
  );
  try {
    await Promise.race([work, timer]);
  } finally {
    late.abort();
  }
}

for (const engine of [{ name: "pglite", url: undefined, skip: false as const }, { name: "postgres", url: serverUrl, skip }]) {
  describe(`persons on record in ${engine.name}`, { skip: engine.skip, timeout: 60_000 }, () => {
    const open = () => testService(lettersService, { as: { subject: "clerk" } });
    let tested: ReturnType<typeof open>;
    const before_ = process.env["TENON_TEST_DATABASE_URL"];
    let seen = 0;

    before(async () => {
      if (engine.url === undefined) delete process.env["TENON_TEST_DATABASE_URL"];
      else process.env["TENON_TEST_DATABASE_URL"] = engine.url;
      tested = open();
      for (let i = 0; i < 24; i++) await tested.write({ id: `l-${i}`, personId: i < 2 ? "ada" : `p-${i}`, text: `Secretword ${i}` });
    });
    after(async () => {
      await tested?.[Symbol.asyncDispose]();
      if (before_ === undefined) delete process.env["TENON_TEST_DATABASE_URL"];
      else process.env["TENON_TEST_DATABASE_URL"] = before_;
    });
    beforeEach(async () => {
      seen = (await trail()).length; // each test waits for what it notes
    });

    async function trail(): Promise<readonly AuditRecord[]> {
      const all = (await tested.trail()).map((entry) => JSON.parse(entry) as AuditRecord);
      assert.ok(!JSON.stringify(all).includes("Secretword"), "no value is on record");
      return all.filter(({ action }) => action !== "letters.trail" && action !== "letters.count");
    }

    /** What came since the test began, once there is enough of it: what was noted is written a little later. */
    async function added(isEnough: (records: readonly AuditRecord[]) => boolean): Promise<readonly AuditRecord[]> {
      await withinMs(15_000, "deliveries to settle", settled(tested));
      return await soon(async () => (await trail()).slice(seen), isEnough);
    }
    const atLeast = (count: number) => (records: readonly AuditRecord[]): boolean => records.length >= count;

    const row = (key: string) => ({ service: "letters", table: "letters", key });

    test("a command names the person and the row that it wrote", async () => {
      await tested.write({ id: "n-1", personId: "bob", text: "Secretword" });
      await tested.rewrite({ id: "n-1", text: "Secretword again" });
      await tested.mark({ id: "n-1" });
      await tested.burn({ id: "n-1" });
      const records = await added(atLeast(4));
      assert.deepEqual(records.map(({ action, record, subject }) => [action, subject, record]), ["write", "rewrite", "mark", "burn"].map((name) => [`letters.${name}`, "bob", row("n-1")]));
    });

    test("rows that a statement does not name are told as such, those that are not there not at all, and plain tables neither", async () => {
      await tested.write({ id: "n-2", personId: "cy", text: "Secretword" });
      await tested.burnOf({ personId: "cy" });
      await tested.burnOf({ personId: "cy" });
      await tested.burnOld();
      await tested.mark({ id: "none" });
      await tested.tally();
      assert.deepEqual((await added(atLeast(6))).map(({ action, record, subject }) => [action, subject, record?.key]), [
        ["letters.write", "cy", "n-2"],
        ["letters.burnOf", "cy", "*"],
        ["letters.burnOf", undefined, undefined],
        ["letters.burnOld", undefined, undefined],
        ["letters.mark", undefined, undefined],
        ["letters.tally", undefined, undefined],
      ]);
    });

    test("a list names twenty persons and rows, and counts the rest", async () => {
      assert.equal((await tested.list()).length, 24);
      const [record] = await added(atLeast(1));
      assert.deepEqual([record?.action, record?.subject, record?.record], ["letters.list", undefined, undefined]);
      assert.deepEqual([record?.subjects?.length, record?.subjectsBeyond, record?.records?.length, record?.recordsBeyond], [20, 3, 20, 4]);
      assert.deepEqual([record?.subjects?.[0], record?.records?.[0]], ["ada", row("l-0")]);
    });

    test("a stream is on record when it begins, and with whom it met when it ends", async () => {
      let count = 0;
      for await (const _ of await tested.all()) count++;
      assert.equal(count, 24);
      const records = await added((each) => each.at(-1)?.recordsBeyond === 4);
      assert.ok( records.every(({ action }) => action === "letters.all"));
      assert.deepEqual([records.at(-1)?.subjectsBeyond, records.at(-1)?.recordsBeyond], [3, 4]);
    });

    test("what failed names whom it had met", async () => {
      await assert.rejects(tested.lose({ id: "l-3" }));
      assert.deepEqual((await added(atLeast(1))).map(({ action, outcome, record, subject }) => [action, outcome, subject, record]), [["letters.lose", "failed", "p-3", row("l-3")]]);
    });

    test("reactions that met a person's data are on record under their own name, and no other ones", async () => {
      await tested.send({ id: "l-5" });
      const records = await added(atLeast(3));
      const lines = records.map(({ action, actor, allowedBy, record, subject }) => [action, actor.kind, actor.subject, subject, record?.key ?? "", allowedBy]);
      assert.deepEqual(lines.toSorted((a, b) => String(a).localeCompare(String(b))), [
        ["letters.archive", "system", "system:letters.archive", "p-5", "l-5", "the service's own code"],
        ["letters.file", "system", "system:letters.file", "p-5", "", "the service's own code"],
        ["letters.send", "person", "clerk", "p-5", "l-5", "public"],
      ]);
    });

    test("classified data of nobody knows whom is on record by its table, and by its row where a statement names it", async () => {
      await tested.pin({ ids: ["p-1", "l-0"] });
      await tested.tally();
      assert.deepEqual(await Promise.all((["by key", "by author", "counted"] as const).map((how) => tested.notice({ id: "p-1", how }))), [1, 2, 2]);
      for (const how of ["joined", "raw", "raw within"] as const) assert.ok((await tested.notice({ id: "p-1", how })) > 0);
      assert.equal(await tested.notice({ id: "none", how: "by key" }), 0);
      for (const how of ["by key", "raw", "raw letters", "all", "all"] as const) await tested.unpin({ id: "l-0", how });
      const records = await added((each) => each.reduce((sum, { times = 1 }) => sum + times, 0) >= 14); // alike ones that come together are one
      assert.ok(records.every(({ subject, subjects }) => subject === undefined && subjects === undefined));
      const rowsOf = (action: string) => records.filter((record) => record.action === `letters.${action}`).flatMap(({ record, records: rows = [], times = 1 }) => Array.from({ length: times }, () => [...(record === undefined ? [] : [record]), ...rows].map(({ key, table: name }) => `${name} ${key}`).join()));
      assert.deepEqual(rowsOf("pin"), ["notices p-1,notices l-0"]);
      assert.deepEqual(rowsOf("notice").toSorted(), ["", "", ...Array.from({ length: 4 }, () => "notices *"), "notices p-1"]);
      assert.deepEqual(rowsOf("unpin"), ["notices l-0", "notices *", "letters *", "notices *", ""]);
    });

    test("so is a schedule", async () => {
      await fire(tested, "sweep");
      const [record, ...more] = await added(atLeast(1));
      assert.deepEqual([more, record?.action, record?.actor.subject, record?.subjectsBeyond], [[], "letters.every sweep", "system:letters.every sweep", 3]);
    });

    test("a call without values of persons names nobody", async () => {
      assert.equal((await call(tested, letters.count)).letters, 24);
      const records = async (): Promise<readonly AuditRecord[]> => (await tested.trail()).map((entry) => JSON.parse(entry) as AuditRecord).filter(({ action }) => action === "letters.count");
      const found = await soon(records, (each) => each.length > 0);
      assert.deepEqual(found.map(({ record, records: rows, subject, subjects }) => [subject, subjects, record, rows]), [[undefined, undefined, undefined, undefined]]);
    });
  });
}
