/** `tenon check`: what is wrong with an app, found without running it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { notesFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

interface CheckAnswer {
  readonly app: string;
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly problems: readonly { readonly at: string; readonly problem: string; readonly remedy?: string }[] }[];
}

describe("check", () => {
  let project: Project;

  before(async () => {
    project = await Project.create(notesFiles());
  });
  after(() => project[Symbol.asyncDispose]());

  test("finds nothing wrong with an app that is well, ends with 0, and makes no database of the app's own", async () => {
    const { code, stderr, stdout } = await project.tenon(["check"]);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(stdout, /^notebook\n/);
    for (const name of ["contracts", "configuration", "migrations", "tables"]) assert.match(stdout, new RegExp(`✓ +${name} `));
    assert.ok(!existsSync(join(project.directory, ".tenon", "database")));
  });

  test("tells every difference between the tables that are declared and those that the migrations build", async () => {
    await project.write({ "notes/migrations/0001_notes.sql": "create table notes (id integer primary key, title text not null, text integer not null);\n" });
    const { code, stdout } = await project.command(["check"]);
    assert.equal(code, 1);
    assert.match(stdout, /✓ +migrations/);
    assert.match(stdout, /✗ +tables +2 problems/);
    assert.match(stdout, /notes\.notes\.text: is integer in the database.*\n {2}→ /);
    assert.match(stdout, /notes\.notes\.title: is built by the migrations and not declared.*\n {2}→ /);
  });

  test("tells of a migration that fails, with its line, and of a wrong setting, in one go, and as JSON", async () => {
    await project.write({ "notes/migrations/0001_notes.sql": "create table notes (id integer primary key);\n\ncreate tabel oops (id int);\n" });
    const { code, stdout } = await project.command(["check", "--json"], { PORT: "80x" });
    assert.equal(code, 1);
    const answer = JSON.parse(stdout) as CheckAnswer;
    assert.equal(answer.ok, false);
    const problems = new Map(answer.checks.map((check) => [check.name, check.problems.map(({ problem }) => problem)]));
    assert.match(problems.get("migrations")?.[0] ?? "", /notes: 0001_notes\.sql, line 3: syntax error at or near "tabel"/);
    assert.match(problems.get("configuration")?.[0] ?? "", /PORT="80x"/);
  });

  test("tells of every schedule that never comes and every secret that is none, and shows no secret", async () => {
    const files = notesFiles();
    const triggers = `
  triggers: [
    every({ cron: "0 25 30 2 *", timeZone: "Berlin" }, "monthly", () => undefined),
    onChange("notes", "note", () => undefined),
    webhook(notes.added, { path: "/hooks", verify: ({ HOOK }) => standardWebhook({ secret: HOOK }), read: () => undefined }),
  ],
  handlers: {`;
    const service = `import { standardWebhook } from "tenon/webhooks";\nimport { reactions } from "tenon";\nimport * as z from "zod";\n${(files["notes/service.ts"] ?? "").replace("handlers: {", triggers).replace("export default", 'const config = z.object({ HOOK: z.string() });\nconst { every, onChange, webhook } = reactions({ notes: table(Note.shape, { key: "id" }) }, config);\n\nexport default').replace("tables:", "config,\n  tables:")}`;
    const contract = (files["notes/contract.ts"] ?? "").replace("import { contract,", "import { contract, event,").replace('contract("notes", {', 'contract("notes", {\n  added: event({ data: Note }),');
    await project.write({ ...files, "notes/service.ts": service, "notes/contract.ts": contract });
    const { code, stdout } = await project.command(["check", "--json"], { HOOK: "hunter2!" });
    assert.equal(code, 1);
    const { checks } = JSON.parse(stdout) as CheckAnswer;
    assert.deepEqual(checks.filter(({ problems }) => problems.length > 0).map(({ name }) => name), ["triggers"]);
    assert.deepEqual(checks.find(({ name }) => name === "triggers")?.problems.map(({ at, problem }) => `${at}: ${problem}`), [
      'notes: every("monthly"): cron: "25" is not an hour',
      'notes: every("monthly"): timeZone: "Berlin" is not a time zone',
      'notes: webhook(notes.added, "/hooks"): secret: it is not base64 of 24 to 64 bytes',
    ]);
    assert.ok(!stdout.includes("hunter2!"));
  });
});
