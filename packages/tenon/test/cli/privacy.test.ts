/** `tenon subject` and `tenon privacy`, with the real program: on rows from before encryption, and on record. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Project } from "./tenon-process.ts";

const files = {
  "app.ts": `import { app } from "tenon";
import people from "./people/service.ts";

export default app("village", { services: [people] });
`,
  "people/service.ts": `import { contract, personal, service, table } from "tenon";
import * as z from "zod";

const tables = {
  people: table({ id: z.string(), name: personal(z.string()) }, { key: "id", subject: "id" }),
  bills: table({ id: z.string(), personId: z.string(), address: personal(z.string()).nullable(), cents: z.int() }, { key: "id", subject: "personId", erase: { keep: "HGB § 257" } }),
};

export default service(contract("people", {}), { tables, migrations: new URL("migrations/", import.meta.url), handlers: {} });
`,
  "people/migrations/0001_people.sql": `create table people (id text primary key, name text not null);
create table bills (id text primary key, person_id text not null, address text, cents integer not null);
insert into people values ('ada', 'Ada Lovelace'), ('bob', 'Bob Hope');
insert into bills values ('b1', 'ada', '12 St James Square', 990);
`,
  "rows.ts": `import { openDatabase, parseConfig } from "#app";
import { withSession } from "#data";
const database = await openDatabase(parseConfig([{ name: "environment", values: process.env }]).config, { debug() {}, info() {}, warn() {}, error() {} });
await withSession(database, { service: "people", mode: "admin" }, async (session) => {
  const { rows } = await session.query("select 'people' as table, id, name as value from people.people union all select 'bills', id, address from people.bills order by 1, 2", []);
  process.stdout.write(JSON.stringify(rows));
});
await database.close();
`.replace(/#(\w+)/g, (_, room: string) => `${new URL("../../src/", import.meta.url).href}${room}/index.ts`),
};

interface Row {
  readonly table: string;
  readonly id: string;
  readonly value: string | null;
}

/** What the database holds. */
async function rowsOf(project: Project): Promise<readonly Row[]> {
  return JSON.parse(await project.run("rows.ts")) as readonly Row[];
}

test("rows are encrypted afterwards, persons are exported, held and erased, the master key is changed; all of it on record", { timeout: 170_000 }, async () => {
  await using project = await Project.createOnServer(files);
  async function tenon(args: readonly string[], code = 0, env: Readonly<Record<string, string>> = {}): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const ended = await (args.includes("ada") && args.includes("erase") ? project.tenon(args, env) : project.command(args, env)); // it asks at a terminal
    assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stdout}${ended.stderr}`);
    return ended;
  }

  await tenon(["migrate"]);
  assert.deepEqual((await rowsOf(project)).map(({ value }) => value), ["12 St James Square", "Ada Lovelace", "Bob Hope"]);
  const encrypted = JSON.parse((await tenon(["privacy", "encrypt", "--json"])).stdout) as { readonly tables: readonly { readonly table: string; readonly encrypted: number }[] };
  assert.deepEqual(encrypted.tables.map(({ encrypted: count, table }) => [table, count]), [["people", 2], ["bills", 1]]);
  assert.ok((await rowsOf(project)).every(({ value }) => value?.startsWith("tenon:1:")));

  await tenon(["subject", "export"], 2);
  await tenon(["subject", "export", "ada", "--out", "ada.json"]);
  const file = join(project.directory, "ada.json");
  const exported = JSON.parse(await readFile(file, "utf8")) as { readonly services: { readonly people: { readonly tables: object } }; readonly report: string };
  assert.deepEqual(exported.services.people.tables, { people: [{ id: "ada", name: "Ada Lovelace" }], bills: [{ id: "b1", personId: "ada", address: "12 St James Square", cents: 990 }] });
  assert.equal((await stat(file)).mode & 0o777, 0o600, "for its owner alone");

  assert.match((await tenon(["subject", "restrict", "ada", "--json"])).stdout, /"restrictedAt": ?"\d{4}-/);
  await tenon(["subject", "unrestrict", "ada"]);
  assert.match((await tenon(["subject", "hold", "ada"], 2)).stderr, /for a reason/);
  await tenon(["subject", "hold", "ada", "--reason", "file 12 O 34/26"]);
  assert.match((await tenon(["subject", "erase", "ada", "--yes"], 1)).stderr, /on hold since .*: file 12 O 34\/26/);
  assert.match((await tenon(["subject", "status", "ada"])).stdout, /^not restricted\non hold since \S+: file 12 O 34\/26\nno requests\n$/);
  await tenon(["subject", "release", "ada"]);
  await tenon(["subject", "erase", "ada"], 2);
  const erased = JSON.parse((await tenon(["subject", "erase", "ada", "--yes", "--json"])).stdout) as { readonly jws: string; readonly report: { readonly keysDestroyed: number; readonly services: readonly { readonly tables: readonly object[] }[] } };
  assert.deepEqual([erased.report.keysDestroyed, erased.report.services[0]?.tables], [1, [{ table: "people", found: 1, done: "deleted" }, { table: "bills", found: 1, done: "kept without encrypted values", ground: "HGB § 257" }]]);
  assert.deepEqual((await rowsOf(project)).map(({ id, value }) => [id, value?.slice(0, 8) ?? null]), [["b1", null], ["bob", "tenon:1:"]]);
  await project.write({ "report.jws": erased.jws, "forged.jws": `${erased.jws.slice(0, -8)}AAAAAAAA` });
  assert.match((await tenon(["subject", "verify", "report.jws"])).stdout, /"kind": "erasure"/);
  await tenon(["subject", "verify", "forged.jws"], 1);

  const old = (await readFile(join(project.directory, ".tenon", "master.key"), "utf8")).trim();
  const next = randomBytes(32).toString("base64");
  assert.match((await tenon(["subject", "export", "bob"], 1, { PRIVACY_MASTER_KEY: next })).stderr, /wrapped by the master key local:/);
  const rotated = JSON.parse((await tenon(["privacy", "rotate-master", "--json"], 0, { PRIVACY_MASTER_KEY: next, PRIVACY_MASTER_KEY_OLD: old })).stdout) as { readonly wrapped: number; readonly master: string };
  assert.ok(rotated.wrapped >= 3, String(rotated.wrapped)); // of bob, of the indexes, of reports
  assert.match((await tenon(["subject", "export", "bob"], 0, { PRIVACY_MASTER_KEY: next })).stdout, /Bob Hope/);
  await tenon(["subject", "export", "bob"], 1);

  const found = JSON.parse((await tenon(["audit", "search", "--limit", "50", "--json"])).stdout) as { readonly records: readonly { readonly action: string; readonly subject?: string; readonly actor: { readonly kind: string; readonly subject: string }; readonly details?: Readonly<Record<string, unknown>> }[] };
  assert.deepEqual(
    found.records.map(({ action, subject }) => [action, subject ?? null]).toReversed(),
    [["privacy.encrypt", null], ["subject.export", "ada"], ["subject.restrict", "ada"], ["subject.unrestrict", "ada"], ["subject.hold", "ada"], ["subject.release", "ada"], ["subject.erasure", "ada"], ["privacy.rotate-master", null], ["subject.export", "bob"]],
  );
  assert.ok(found.records.every(({ actor }) => actor.kind === "operator" && actor.subject === userInfo().username));
  assert.deepEqual(found.records.find(({ action }) => action === "privacy.rotate-master")?.details, { wrapped: rotated.wrapped, master: rotated.master });
  assert.match((await tenon(["audit", "verify"])).stdout, /^people: whole: 9 records/);
});
