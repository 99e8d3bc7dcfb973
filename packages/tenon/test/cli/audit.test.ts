/** `tenon audit`, with the real program on an app that has put something on record. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { notesFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

/** Writes records as the app's instances do, or does what whoever administers the database would. */
const writeText = `import { anchorFileOf, openAuditKeys, openDatabase, parseConfig, systemClock } from "#app";
import { DatabaseAudit, Sealer, ServiceTrail } from "#audit";
import { withSession } from "#data";
import { FileAnchor } from "#node";
const { config } = parseConfig([{ name: "environment", values: process.env }]);
const log = { debug() {}, info() {}, warn() {}, error() {} };
const database = await openDatabase(config, log);
const store = new DatabaseAudit(database, "notes");
const { current: key } = await openAuditKeys(config, "made where missing");
const [what] = process.argv.slice(2);
if (what === "write") {
  const trail = new ServiceTrail({ store, service: "notes", writer: "w-" + process.pid, key, clock: systemClock, log });
  const sealer = new Sealer({ store, service: "notes", key, anchors: [new FileAnchor(anchorFileOf(config))], clock: systemClock, log });
  for (let i = 0; i < 30; i++) {
    await trail.write([{ actor: { kind: "person", subject: i % 2 === 0 ? "ada" : "bob\\u001B[2J" }, action: i % 3 === 0 ? "notes.add" : "notes.list", outcome: i === 7 ? "refused" : "done", allowedBy: "signed-in", details: { id: "n-" + i } }]);
    if (i % 10 === 9) await sealer.seal();
  }
} else {
  await withSession(database, { service: "notes", mode: "admin" }, (session) => session.script("set session_replication_role = replica; set search_path = notes; " + what));
}
await database.close();
`;

async function openNotes(): Promise<{ readonly project: Project; run: (what: string) => Promise<void> }> {
  const src = new URL("../../src/", import.meta.url).href;
  const project = await Project.createOnServer({ ...notesFiles(), "write.ts": writeText.replace(/#(\w+)/g, (_, room: string) => `${src}${room}/index.ts`) });
  const { code, stderr } = await project.tenon(["migrate"]);
  assert.equal(code, 0, stderr);
  return {
    project,
    async run(what) {
      await project.run("write.ts", what);
    },
  };
}

describe("tenon audit", () => {
  test("has what operators do to keys, by whom", { timeout: 60_000 }, async () => {
    const { project } = await openNotes();
    await using _ = project;
    const env = { AUDIT: "all" };
    const made = await project.command(["keys", "create", "nightly", "--scope", "notes:read", "--json"], env);
    assert.equal(made.code, 0, made.stderr);
    const { id, key } = JSON.parse(made.stdout) as { readonly id: string; readonly key: string };
    assert.equal((await project.command(["keys", "revoke", id, "--yes"], env)).code, 0);
    const found = await project.command(["audit", "search", "--action", "keys.*", "--json"], env);
    const { records } = JSON.parse(found.stdout) as { readonly records: readonly { readonly action: string; readonly actor: { readonly kind: string; readonly subject: string }; readonly details: Readonly<Record<string, unknown>> }[] };
    assert.deepEqual(records.map(({ action, actor, details }) => [action, actor.kind, details["key"], details["scopes"]]), [["keys.revoke", "operator", id, "notes:read"], ["keys.create", "operator", id, "notes:read"]]);
    assert.notEqual(records[0]?.actor.subject, "");
    assert.ok(!found.stdout.includes(key), "never the key itself");
    assert.match((await project.command(["audit", "verify"], env)).stdout, /^notes: whole: 2 records, 2 seals/);
  });

  test("searches, pages, verifies, archives, and names what was done to the trail", { timeout: 120_000 }, async () => {
    const { project, run } = await openNotes();
    await using _ = project;
    const none = await project.tenon(["audit", "verify"]);
    assert.equal(none.code, 0, none.stderr);
    assert.match(none.stdout, /^notes: whole: 0 records, 0 seals\n/);
    await run("write");

    const found = await project.command(["audit", "search", "--actor", "ada", "--limit", "2"]);
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stdout, /^PLACE +TIME +ACTOR +ACTION +OUTCOME +WHY +ON +FROM\n29 +\S+ +ada +notes\.list +done +signed-in +id=n-28\n27 .*\nmore: --before 27\n$/);
    const bob = await project.command(["audit", "search", "notes", "--action", "notes.a*", "--before", "20"]);
    assert.ok(!bob.stdout.includes("\u001B[2J"), "what others said moves no cursor");
    const refused = await project.command(["audit", "search", "--outcome", "refused", "--since", "1h", "--json"]);
    const data = JSON.parse(refused.stdout) as { readonly records: readonly { readonly place: number; readonly details: { readonly id: string } }[] };
    assert.deepEqual(data.records.map(({ details, place }) => [place, details.id]), [[8, "n-7"]]);
    assert.equal((await project.command(["audit", "search", "--outcome", "good"])).code, 2);
    assert.equal((await project.command(["audit", "search", "--before", "x", "notes"])).code, 2);

    const whole = await project.command(["audit", "verify"]);
    assert.equal(whole.code, 0, whole.stderr);
    assert.match(whole.stdout, /^notes: whole: 30 records, 3 seals, last seal 3, [0-9a-f]{16}…\n$/);

    const archive = join(project.directory, "old.jsonl");
    const moved = await project.command(["audit", "archive", "notes", "--before", "2999-01-01T00:00:00Z", "--to", archive]);
    assert.equal(moved.code, 0, moved.stderr);
    assert.match(moved.stdout, /^30 records under 3 seals moved to /);
    assert.equal((await readFile(archive, "utf8")).split("\n").length, 34);
    assert.equal((await project.command(["audit", "archive", "notes", "--before", "1h", "--to", archive])).code, 2);
    await run("write");
    const after = await project.command(["audit", "verify", "notes"]);
    assert.match(after.stdout, /^notes: whole: 30 records, 6 seals, 3 seals archived, last seal 6/, after.stderr);

    await run("update tenon_audit set entry = replace(entry::text, 'ada', 'eve')::json where seq = 35");
    const changed = await project.command(["audit", "verify"]);
    assert.equal(changed.code, 1);
    assert.match(changed.stdout, /^notes: 1 finding: [\s\S]*\n {2}changed: the record at place 35 is not what was sealed\n {4}before it +place 34 .*\n {4}itself +place 35 .*eve.*\n {4}behind it +place 36 /);
    await run("delete from tenon_audit_seals where number = 6; delete from tenon_audit where seq > 50");
    const cut = await project.command(["audit", "verify", "--json"]);
    assert.equal(cut.code, 1);
    const { trails } = JSON.parse(cut.stdout) as { readonly trails: readonly { readonly findings: readonly { readonly kind: string }[] }[] };
    assert.deepEqual(trails[0]?.findings.map(({ kind }) => kind).toSorted(), ["anchor", "changed"]);
  });
});
