/** What is done with rows that are there: encrypted afterwards, swept when their time is over, held. */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { ContractMistakes, personal, table } from "../../src/contract/index.ts";
import { compareTables, createRowOpener, Sweeper } from "../../src/data/index.ts";
import { encryptRows, localKeyWrapper, MasterKeys, retentionSweeps, rotateMaster } from "../../src/privacy/index.ts";
import { engines, type Opened } from "../data/engines.ts";
import { ada, bob, clock, newMaster, openPeople, people, type PeopleService, tables } from "./people.ts";

for (const engine of engines) {
  describe(`rows that are there on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let service: PeopleService;
    const masters = newMaster();

    before(async () => {
      opened = await engine.open();
      service = await openPeople(opened.database, { masters, plainValues: "accepted" });
    });
    after(() => opened.drop());

    test("values from before are encrypted in portions, while others write, and once", async () => {
      const id = randomUUID();
      for (let i = 0; i < 25; i++) await service.raw("insert into people (id, name, email, height, details) values ($1, $2, $3, '170', $4)", [`old-${i}`, `Old ${i}`, `Old-${i}@example.com`, { shoe: i, likes: [] }]);
      await service.raw("insert into checkups (id, person_id, line, finding, room) values ($1, 'old-1', 1, 'plain finding', '1')", [id]);
      const options = { database: opened.database, vault: service.vault, portion: 10 };
      const encrypting = encryptRows({ name: "people", tables }, options);
      await service.run(people.put, ({ db }) => db.insertInto("people").values(bob).execute());
      const done = await encrypting;
      assert.deepEqual(done, [{ service: "people", table: "people", encrypted: 25, ownerless: 0 }, { service: "people", table: "checkups", encrypted: 1, ownerless: 0 }]);
      assert.deepEqual((await encryptRows({ name: "people", tables }, options)).map(({ encrypted }) => encrypted), [0, 0]);

      const strict = await openPeople(opened.database, { masters });
      const rows = await strict.run(people.get, ({ db }) => db.selectFrom("people").select(["name", "height", "details"]).where("email", "=", "old-7@EXAMPLE.com").execute());
      assert.deepEqual(rows, [{ name: "Old 7", height: 170, details: { shoe: 7, likes: [] } }]);
      assert.deepEqual(await strict.run(people.get, ({ db }) => db.selectFrom("checkups").select("finding").execute()), [{ finding: "plain finding" }]);
      const [all] = await service.raw("select json_agg(people)::text || (select json_agg(checkups)::text from checkups) as text from people");
      assert.equal(/Old \d|@example|plain finding/.test(String(all?.["text"])), false);
    });

    test("every key is wrapped anew while the app reads, and the old master key is not needed any more", async () => {
      const next = localKeyWrapper(randomBytes(32), randomBytes);
      const both = new MasterKeys(next, [masters.current]);
      const reading = service.run(people.get, ({ db }) => db.selectFrom("people").select("name").where("id", "=", "old-3").execute());
      assert.ok((await rotateMaster(opened.database, both)) > 0);
      assert.deepEqual(await reading, [{ name: "Old 3" }]);
      assert.equal(await rotateMaster(opened.database, both), 0);
      const alone = await openPeople(opened.database, { masters: new MasterKeys(next) });
      assert.deepEqual(await alone.run(people.get, ({ db }) => db.selectFrom("people").select("name").where("id", "=", "old-3").execute()), [{ name: "Old 3" }]);
      service = alone;
    });

    test("a row goes when its time is over, unless its subject is on hold", async () => {
      const visits = table({ id: z.int(), personId: z.string(), at: z.iso.datetime() }, { key: "id", subject: "personId", retention: "30d", retentionFrom: "at" });
      await service.raw("create table visits (id int primary key, person_id text not null, at timestamptz not null)");
      await service.raw("insert into visits select n, case when n % 2 = 0 then 'ada' else 'bob' end, now() - n * interval '10 days' from generate_series(1, 6) as n");
      await service.raw("insert into tenon_privacy.subjects (subject, held_at, hold_reason) values ('ada', now(), 'a lawsuit')");
      const sweeper = new Sweeper({ what: "visits", database: opened.database, services: ["people"], sweeps: retentionSweeps({ visits }), everyMs: 1, clock, log: { debug() {}, info() {}, warn: (message) => assert.fail(message), error() {} } });
      assert.equal(await sweeper.sweep(), 2);
      assert.deepEqual((await service.raw("select id from visits order by id")).map(({ id }) => id), [1, 2, 4, 6]);
      await service.raw("delete from tenon_privacy.subjects");
      assert.equal(await sweeper.sweep(), 2);
    });

    test("rows that did not come through Kysely are opened at their place alone", async () => {
      await service.run(people.put, ({ db }) => db.insertInto("people").values(ada).execute());
      await service.run(people.get, ({ db }) => db.selectFrom("people").select("name").where("id", "=", "ada").execute()); // which takes the key into memory
      const [row] = await service.raw("select id, name, email, details from people where id = 'ada'");
      const open = createRowOpener({ service: "people", name: "people", table: tables.people, vault: service.vault });
      assert.deepEqual(await open?.(row as Record<string, unknown>, async () => assert.fail("the keys are at hand")), { id: "ada", name: ada.name, email: ada.email, details: ada.details });
      await assert.rejects(async () => open?.({ ...row, id: "bob" }, async () => assert.fail("the keys are at hand")), /does not open/);
    });

    test("tables are compared with what encryption needs of them", async () => {
      assert.deepEqual((await compareTables(opened.database, "people", tables)).filter(({ at }) => !at.includes("visits")), []);
      await service.raw("create index people_name on people (name)");
      await service.raw("alter table people drop column email_index");
      await service.raw("alter table checkups alter column finding type varchar(40) using left(finding, 40)");
      const differences = (await compareTables(opened.database, "people", tables)).map(({ at, problem }) => `${at} ${problem}`).join("\n");
      assert.match(differences, /people\.people\.name is encrypted, and an index or a constraint/);
      assert.match(differences, /people\.people\.email has a blind index, and no migration builds its column/);
      assert.match(differences, /people\.checkups\.finding is encrypted, and character varying\(40\)/);
    });
  });
}

test("a table that cannot keep what it says is refused", () => {
  const columns = { id: z.string(), name: personal(z.string()), nick: personal(z.string()).nullable(), age: z.int() };
  const mistakes = (options: object) => {
    try {
      table(columns, { key: "id", subject: "id", ...options });
      return "";
    } catch (thrown) {
      assert.ok(thrown instanceof ContractMistakes);
      return thrown.message;
    }
  };
  assert.equal(mistakes({ blindIndex: { nick: "exact" } }), "");
  assert.match(mistakes({ blindIndex: { age: "exact" } }), /age: is named under blindIndex and is not encrypted/);
  assert.match(mistakes({ erase: { keep: "HGB § 257" } }), /name: is encrypted, not nullable, and its row outlives an erasure/);
  assert.match(mistakes({ erase: { keep: " " } }), /says no ground/);
});
