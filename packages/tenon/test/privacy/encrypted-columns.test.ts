import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { sql } from "kysely";
import { jsonArrayFrom } from "kysely/helpers/postgres";
import { SealError } from "../../src/data/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { engines, type Opened } from "../data/engines.ts";
import { ada, bob, type Context, newMaster, openPeople, people, type PeopleService } from "./people.ts";

for (const engine of engines) {
  describe(`encrypted columns on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let service: PeopleService;
    const masters = newMaster();

    before(async () => {
      opened = await engine.open();
      service = await openPeople(opened.database, { masters });
    });
    after(() => opened.drop());
    beforeEach(async () => void (await service.raw("truncate people, checkups, rooms")));

    const put = <T>(task: (context: Context) => Promise<T>) => service.run(people.put, task);
    const get = <T>(task: (context: Context) => Promise<T>) => service.run(people.get, task);
    const insert = (...rows: readonly (typeof ada | typeof bob)[]) => put(({ db }) => db.insertInto("people").values(rows).execute());

    test("a handler reads what it wrote, and the database holds none of it", async () => {
      await insert(ada, bob);
      const rows = await get(({ db }) => db.selectFrom("people").selectAll().orderBy("id").execute());
      assert.deepEqual(rows, [{ ...ada, visits: 0 }, { ...bob, born: null, height: null, details: null, visits: 0 }]);

      const [stored] = await service.raw("select people::text as text, name from people where id = 'ada'");
      for (const value of ["Lovelace", "example.com", "1815", "165", "engines"]) assert.doesNotMatch(String(stored?.["text"]), new RegExp(value, "i"));
      assert.match(String(stored?.["name"]), /^tenon:1:[\w-]+$/);
    });

    test("a statement that writes and gives back gives back plain values, by either way of naming them", async () => {
      const all = await put(({ db }) => db.insertInto("people").values(ada).returningAll().executeTakeFirstOrThrow());
      assert.deepEqual(all, { ...ada, visits: 0 });
      const some = await put(({ db }) => db.updateTable("people").set({ name: "Ada King" }).where("id", "=", "ada").returning(["name", "email as address", "details"]).executeTakeFirstOrThrow());
      assert.deepEqual(some, { name: "Ada King", address: ada.email, details: ada.details });
      const gone = await put(({ db }) => db.deleteFrom("people").where("id", "=", "ada").returning("people.name").executeTakeFirstOrThrow());
      assert.deepEqual(gone, { name: "Ada King" });
    });

    test("what a transaction has sealed it does not open again, where it stands as it was written; everything else is opened", async (t) => {
      const open = t.mock.method(service.vault, "open");
      /** Columns of what was opened since the last time. */
      function opened(): readonly string[] {
        const columns = open.mock.calls.flatMap(({ arguments: [fields] }) => fields.map(({ column }) => column));
        open.mock.resetCalls();
        return columns;
      }
      await put(async ({ db }) => {
        await db.insertInto("people").values({ ...ada, name: "half of \ud83d a pair" }).execute();
        const [row] = await db.selectFrom("people").selectAll().execute();
        assert.deepEqual({ ...row, visits: 0 }, { ...ada, name: "half of \ufffd a pair", visits: 0 });
      });
      const others = opened();
      assert.ok(others.includes("people/people.name") && others.includes("people/people.details"), "what UTF-8 changes, and what is no text, is opened");
      assert.ok(!others.includes("people/people.email"));

      const [stolen] = await service.raw("select name from people where id = 'ada'");
      await put(async ({ db }) => {
        await db.insertInto("people").values(bob).execute();
        assert.equal((await db.selectFrom("people").select("name").where("id", "=", "bob").executeTakeFirstOrThrow()).name, bob.name);
        assert.deepEqual(opened(), []);
      });
      assert.equal((await get(({ db }) => db.selectFrom("people").select("name").where("id", "=", "bob").executeTakeFirstOrThrow())).name, bob.name);
      assert.deepEqual(opened(), ["people/people.name"], "another transaction opens it");
      await service.raw(`update people set name = '${String(stolen?.["name"])}' where id = 'bob'`);
      await assert.rejects(get(({ db }) => db.selectFrom("people").select("name").where("id", "=", "bob").execute()));
    });

    test("a value that was opened lately opens only where it stands, and as long as its key is there", async () => {
      const carol = { ...bob, id: "carol", email: "carol@example.com" };
      await insert(ada, carol);
      const names = () => get(async ({ db }) => (await db.selectFrom("people").select(["id", "name"]).orderBy("id").execute()).map(({ name }) => name));
      for (let i = 0; i < 3; i++) assert.deepEqual(await names(), [ada.name, carol.name]);
      await service.raw("update people set name = (select name from people where id = 'carol') where id = 'ada'");
      await assert.rejects(names(), (error: Error) => /does not open: it was changed, or moved/.test(`${error.message} ${String(error.cause)}`));
      await service.raw("truncate people");
      await insert(ada, carol);
      assert.deepEqual(await names(), [ada.name, carol.name]);
      await service.raw("update tenon_privacy.keys set wrapped = null, destroyed_at = now() where subject = 'carol'");
      service.vault.keys.evict("carol");
      assert.deepEqual(await names(), [ada.name, null]);
      await service.raw("delete from tenon_privacy.keys where subject = 'carol'");
    });

    test("rows of several subjects go in one statement, whether their keys are at hand or not, and values may be long", async () => {
      await insert(ada);
      await get(({ db }) => db.selectFrom("people").select("name").execute()); // her key is at hand from here on
      const long = { id: "long", name: "é".repeat(9_000), email: "long@example.com" };
      await put(({ db }) => db.insertInto("checkups").values([
        { id: randomUUID(), personId: "ada", line: 1, finding: "fine", room: "12" },
        { id: randomUUID(), personId: "bob", line: 2, finding: "tired", room: "12" },
        { id: randomUUID(), personId: "ada", line: 3, finding: "x".repeat(4_096), room: "12" },
      ]).execute());
      await insert(bob, long);
      service.vault.keys.evict("bob");
      const found = await get(({ db }) => db.selectFrom("checkups").select(["line", "finding"]).orderBy("line").execute());
      assert.deepEqual(found, [{ line: 1, finding: "fine" }, { line: 2, finding: "tired" }, { line: 3, finding: "x".repeat(4_096) }]);
      assert.deepEqual(await get(({ db }) => db.selectFrom("people").select("name").orderBy("id").execute()), [{ name: ada.name }, { name: bob.name }, { name: long.name }]);
    });

    test("a copy of a compiled query with another text is looked at like any text", async () => {
      await insert(ada);
      const reading = get(({ db }) => {
        const compiled = db.selectFrom("rooms").select("name").compile();
        return db.executeQuery({ ...compiled, sql: "select name from people" });
      });
      await assert.rejects(reading, (error: Error) => /raw SQL has read an encrypted column/.test(`${error.message} ${String(error.cause)}`));
    });

    test("joins, aliases, inner queries and nested rows are opened where they come out", async () => {
      const id = randomUUID();
      await insert(ada, bob);
      await put(async ({ db }) => {
        await db.insertInto("rooms").values({ room: "12", name: "Blue room" }).execute();
        await db.insertInto("checkups").values([{ id, personId: "ada", line: 1, finding: "fine", room: "12" }, { id, personId: "bob", line: 2, finding: "tired", room: "12" }]).execute();
      });
      const joined = await get(({ db }) =>
        db.selectFrom("checkups as c").innerJoin("people as p", "p.id", "c.personId").innerJoin("rooms", "rooms.room", "c.room").select(["p.name as who", "c.finding", "rooms.name"]).orderBy("c.line").execute(),
      );
      assert.deepEqual(joined, [{ who: ada.name, finding: "fine", name: "Blue room" }, { who: bob.name, finding: "tired", name: "Blue room" }]);
      const inner = await get(({ db }) =>
        db.with("named", (from) => from.selectFrom("people").select(["id", "name as called"])).selectFrom((from) => from.selectFrom("named").selectAll().as("n")).select(["n.called", "n.id"]).orderBy("n.id").execute(),
      );
      assert.deepEqual(inner, [{ called: ada.name, id: "ada" }, { called: bob.name, id: "bob" }]);
      const nested = await get(({ db }) =>
        db.selectFrom("people").select((row) => ["people.id", jsonArrayFrom(row.selectFrom("checkups").select(["checkups.line", "checkups.finding"]).whereRef("checkups.personId", "=", "people.id")).as("checkups")]).orderBy("id").execute(),
      );
      assert.deepEqual(nested, [{ id: "ada", checkups: [{ line: 1, finding: "fine" }] }, { id: "bob", checkups: [{ line: 2, finding: "tired" }] }]);
      const left = await get(({ db }) => db.selectFrom("rooms").leftJoin("people", "people.id", "rooms.room").select(["people.name as who", "rooms.name"]).execute());
      assert.deepEqual(left, [{ who: null, name: "Blue room" }]);
      const streamed: unknown[] = [];
      await get(async ({ db }) => {
        for await (const row of db.selectFrom("people").select("name").orderBy("id").stream(1)) streamed.push(row.name);
      });
      assert.deepEqual(streamed, [ada.name, bob.name]);
    });

    test("a blind index finds equal values, ignores case where that is said, and keeps them unique", async () => {
      await insert(ada, bob);
      const find = (email: string) => get(({ db }) => db.selectFrom("people").select("id").where("email", "=", email).execute());
      assert.deepEqual(await find("ADA@EXAMPLE.COM"), [{ id: "ada" }]);
      assert.deepEqual(await find("eve@example.com"), []);
      assert.equal((await get(({ db }) => db.selectFrom("people").select("id").where("people.email", "in", [ada.email, bob.email]).execute())).length, 2);
      assert.deepEqual(await get(({ db }) => db.selectFrom("people as p").select("p.id").where("p.email", "!=", ada.email).execute()), [{ id: "bob" }]);
      await assert.rejects(insert({ ...bob, id: "bob-2" }), /duplicate key|already|conflict/i);
      await put(({ db }) => db.updateTable("people").set({ email: "new@example.com" }).where("id", "=", "bob").execute());
      assert.deepEqual(await find(bob.email), []);
      assert.deepEqual(await find("NEW@example.com"), [{ id: "bob" }]);
      const kept = await put(({ db }) => db.insertInto("people").values({ ...bob, id: "x", email: "new@example.com" }).onConflict((clash) => clash.column("email").doNothing()).returning("id").execute());
      assert.deepEqual(kept, []);
    });

    test("an insert that meets its own key sets encrypted values of that row", async () => {
      await insert(ada);
      const upsert = (name: string) => put(({ db }) => db.insertInto("people").values({ ...ada, name }).onConflict((clash) => clash.column("id").doUpdateSet((row) => ({ name: row.ref("excluded.name"), email: "later@example.com" }))).returning(["name", "email"]).executeTakeFirstOrThrow());
      assert.deepEqual(await upsert("Countess"), { name: "Countess", email: "later@example.com" });
      assert.deepEqual(await get(({ db }) => db.selectFrom("people").select(["name", "email"]).where("email", "=", "later@example.com").execute()), [{ name: "Countess", email: "later@example.com" }]);
    });

    test("a value that was moved to another column, row or table does not open", async () => {
      await insert(ada, bob);
      const name = () => get(({ db }) => db.selectFrom("people").select("name").where("id", "=", "ada").execute());
      const isMoved = (thrown: unknown): boolean => thrown instanceof SealError && /does not open/.test(thrown.message);
      const [{ name: own, bobs, email } = {}] = await service.raw("select name, email, (select name from people where id = 'bob') as bobs from people where id = 'ada'");
      for (const moved of [bobs, email, `${String(own).slice(0, -1)}${String(own).endsWith("A") ? "B" : "A"}`]) {
        await service.raw("update people set name = $1 where id = 'ada'", [moved]);
        await assert.rejects(name(), isMoved);
      }
      await service.raw("update people set name = $1 where id = 'ada'", [own]);
      assert.deepEqual(await name(), [{ name: ada.name }]);
    });

    test("what cannot be known or compared is refused before it reaches the database", async () => {
      await insert(ada);
      const refused: ((context: Context) => Promise<unknown>)[] = [
        ({ db }) => db.selectFrom("people").select("id").where("name", "=", "Ada").execute(),
        ({ db }) => db.selectFrom("people").select("id").where("email", "like", "%a%").execute(),
        ({ db }) => db.selectFrom("people").select("id").orderBy("name").execute(),
        ({ db }) => db.selectFrom("people").select("name").distinct().execute(),
        ({ db }) => db.selectFrom("people").select((row) => row.fn.max("name").as("last")).execute(),
        ({ db }) => db.selectFrom("people").select((row) => row.fn<string>("lower", ["name"]).as("name")).execute(),
        ({ db }) => db.selectFrom("people").select(["id", sql<string>`upper(name)`.as("name")]).execute(),
        ({ db }) => db.selectFrom("people").select("id").where(sql<boolean>`lower(email) = ${"x"}`).execute(),
        ({ db }) => sql`select name from people`.execute(db),
        ({ db }) => sql`insert into people (id, name, email) values ('x', 'plain', 'x@example.com')`.execute(db),
        ({ db }) => sql`select * from people`.execute(db),
        ({ db }) => db.selectFrom((from) => from.selectFrom("people").select(["id", "name"]).as("n")).select("n.id").where("n.name", "=", "Ada").execute(),
        ({ db }) => db.selectFrom("people").select("id").union(db.selectFrom("people").select("name as id")).execute(),
        ({ db }) => db.updateTable("people").set({ name: "everybody" }).execute(),
        ({ db }) => db.updateTable("people").set((row) => ({ name: row.ref("email") })).where("id", "=", "ada").execute(),
        ({ db }) => db.updateTable("people").set({ name: sql<string>`'x'` }).where("id", "=", "ada").execute(),
        ({ db }) => db.updateTable("people").set({ id: "other" }).where("id", "=", "ada").execute(),
        ({ db }) => db.insertInto("people").columns(["id", "name", "email"]).expression((from) => from.selectFrom("rooms").select(["room", "name", "name as email"])).execute(),
        ({ db }) => db.insertInto("people").values({ ...bob, name: sql<string>`'plain'` }).execute(),
        ({ db }) => db.insertInto("people").values({ ...bob, id: sql<string>`'late'` }).execute(),
      ];
      for (const each of refused) await assert.rejects(put(each), SealError, each.toString());
      assert.deepEqual(await service.raw("select id from people"), [{ id: "ada" }]);
    });

    test("what does not touch encrypted values is as ever", async () => {
      await insert(ada, bob);
      await put(({ db }) => db.updateTable("people").set((row) => ({ visits: row("visits", "+", 1), name: row.ref("name") })).execute());
      assert.deepEqual(await get(({ db }) => db.selectFrom("people").select(["id", "visits", "name"]).where("born", "is not", null).execute()), [{ id: "ada", visits: 1, name: ada.name }]);
      assert.equal((await get(({ db }) => db.selectFrom("people").select((row) => row.fn.countAll<number>().as("n")).executeTakeFirstOrThrow())).n, 2);
      await put(({ db }) => db.updateTable("people").set({ born: null, details: null }).execute());
      assert.deepEqual(await get(({ db }) => db.selectFrom("people").select(["born", "details"]).where("id", "=", "ada").execute()), [{ born: null, details: null }]);
    });

    test("the subject of a row is looked up where an update does not say it, and each has a key of their own", async () => {
      const id = randomUUID().toUpperCase();
      await put(({ db }) => db.insertInto("checkups").values({ id, personId: "ada", line: 1, finding: "fine", room: "1" }).execute());
      await put(({ db }) => db.updateTable("checkups").set({ finding: "better" }).where("id", "=", id).where("line", "=", 1).execute());
      assert.deepEqual(await get(({ db }) => db.selectFrom("checkups").select("finding").execute()), [{ finding: "better" }]);
      const keys = await service.raw("select subject, version from tenon_privacy.keys where purpose = 'subject' and subject in ('ada', 'bob') order by subject");
      assert.deepEqual(keys, [{ subject: "ada", version: 1 }, { subject: "bob", version: 1 }]);
    });

    test("a key that was made in a transaction that was undone is not used again", async () => {
      const failure = new Fault("unprocessable", "not today");
      const eve = { id: "eve", name: "Eve", email: "eve@example.com" };
      await assert.rejects(
        put(async ({ db }) => {
          await db.insertInto("people").values(eve).execute();
          throw failure;
        }),
        failure,
      );
      assert.deepEqual(await service.raw("select subject from tenon_privacy.keys where subject = 'eve'"), []);
      await insert(eve);
      assert.deepEqual(await get(({ db }) => db.selectFrom("people").select("name").where("id", "=", "eve").execute()), [{ name: "Eve" }]);
    });

    test("two who write for a new subject at once use one key", async () => {
      const lines = [1, 2, 3, 4];
      const id = randomUUID();
      await Promise.all(lines.map((line) => put(({ db }) => db.insertInto("checkups").values({ id, personId: "new", line, finding: `finding ${line}`, room: "1" }).execute())));
      const found = await get(({ db }) => db.selectFrom("checkups").select("finding").orderBy("line").execute());
      assert.deepEqual(found.map(({ finding }) => finding), lines.map((line) => `finding ${line}`));
      assert.equal((await service.raw("select id from tenon_privacy.keys where subject = 'new'")).length, 1);
    });

    test("a value from before is refused, and read as it is while that is accepted", async () => {
      await service.raw("insert into people (id, name, email, details) values ('old', 'Old Name', 'old@example.com', $1)", [{ shoe: 40, likes: [] }]);
      const read = (from: PeopleService) => from.run(people.get, ({ db }) => db.selectFrom("people").select(["name", "details"]).where("id", "=", "old").execute());
      await assert.rejects(read(service), (thrown) => thrown instanceof SealError && /tenon privacy encrypt/.test(thrown.message));
      assert.deepEqual(await read(await openPeople(opened.database, { masters, plainValues: "accepted" })), [{ name: "Old Name", details: { shoe: 40, likes: [] } }]);
    });

    test("a database whose keys another master key has wrapped is refused by name", async () => {
      await assert.rejects(openPeople(opened.database), (thrown) => thrown instanceof Fault && /PRIVACY_MASTER_KEY_OLD/.test(thrown.message));
    });
  });
}
