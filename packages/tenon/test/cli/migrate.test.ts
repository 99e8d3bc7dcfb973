/** `tenon migrate`: what is pending, applied once. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { notesFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

describe("migrate", () => {
  let project: Project;

  before(async () => {
    project = await Project.create({ ...notesFiles(), "notes/migrations/0002_pinned.sql": "alter table notes add column pinned boolean not null default false;\n" });
  });
  after(() => project[Symbol.asyncDispose]());

  test("tells what is pending, with its SQL, and applies nothing, when it runs dry", async () => {
    for (let round = 0; round < 2; round += 1) {
      const { code, stdout } = await project.tenon(["migrate", "--dry-run", "--json"]);
      assert.equal(code, 0);
      const { pending } = JSON.parse(stdout) as { readonly pending: readonly { readonly name: string; readonly sql: string }[] };
      assert.deepEqual(pending.map(({ name }) => name), ["0001_notes.sql", "0002_pinned.sql"]);
      assert.match(pending[1]?.sql ?? "", /add column pinned/);
    }
  });

  test("applies what is pending, and then there is nothing", async () => {
    const first = await project.command(["migrate"]);
    assert.equal(first.stderr, "");
    assert.match(first.stdout, /^2 migrations applied to pglite .*:\n {2}notes\/0001_notes\.sql\n {2}notes\/0002_pinned\.sql\n$/);
    const second = await project.command(["migrate"]);
    assert.equal(second.code, 0);
    assert.match(second.stdout, /^nothing is pending: pglite .* is up to date\n$/);
  });

  test("refuses a file that was edited after it was applied, and says which", async () => {
    await project.write({ "notes/migrations/0001_notes.sql": "create table notes (id bigint primary key);\n" });
    const { code, stderr, stdout } = await project.command(["migrate"]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: notes: 0001_notes\.sql was edited after it was applied/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });
});
