/** `tenon incident`, with the real program on an app whose database has an incident. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { notesFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

const contractText = `import { command, contract, event, query } from "tenon";
import * as z from "zod";

export const Note = z.object({ id: z.int32(), text: z.string() });

export const notes = contract("notes", {
  list: query({ http: "GET /notes", access: "public", output: z.object({ items: z.array(Note) }), objective: { availability: 99.9 } }),
  add: command({ access: "signed-in", input: Note }),
  cleared: event({ data: z.object({ count: z.int() }) }),
});
`;

const serviceText = `import { reactions, service, table } from "tenon";
import * as z from "zod";
import { Note, notes } from "./contract.ts";

const tables = { notes: table(Note.shape, { key: "id" }) };
const { runbook, step } = reactions(tables);

export default service(notes, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async list({ db }) {
      return { items: await db.selectFrom("notes").selectAll().orderBy("id").execute() };
    },
    async add({ input, db }) {
      await db.insertInto("notes").values(input).execute();
    },
  },
  runbooks: [
    runbook("list-fails", { about: "The list cannot be read", for: [notes.list] }, [
      step("count", { about: "How many notes there are", run: async ({ db }) => ({ notes: (await db.selectFrom("notes").select("id").execute()).length }) }),
      step("clear", {
        about: "Deletes the notes from an id on",
        input: z.object({ from: z.int() }),
        async run({ db, emit, incident, input }) {
          const gone = await db.deleteFrom("notes").where("id", ">=", input.from).executeTakeFirst();
          const count = Number(gone.numDeletedRows);
          await emit(notes.cleared, { count });
          if (input.from === 666) throw new Error("something is wrong");
          return { count, because: incident.title };
        },
      }),
      step("restore", {
        about: "Adds a note, over the operation for it",
        dryRun: async ({ read }) => \`adds a note to \${(await read.selectFrom("notes").select("id").execute()).length}\`,
        run: ({ call }) => call(notes.add, { id: 99, text: "restored" }),
      }),
    ]),
  ],
});
`;

/** Writes an incident as the app's instances do. */
const openText = `import { openDatabase, parseConfig } from "#app";
import { withSession } from "#data";
import { DatabaseIncidents, triage } from "#incidents";
const log = { debug() {}, info() {}, warn() {}, error() {} };
const database = await openDatabase(parseConfig([{ name: "environment", values: process.env }]).config, log);
const store = new DatabaseIncidents({ withSession: (mode, task) => withSession(database, { service: "notes", mode }, task), migrations: async () => [] });
const alerts = process.argv[2] === "firing" ? [{ id: "notes.list/availability/page", target: "notes.list/availability", service: "notes", subject: "notes.list", indicator: "availability", severity: "page", state: "firing", sinceMs: Date.now(), firedAtMs: Date.now(), summary: "notes.list: 100 % of calls fail", budgetLeft: 0 }] : [];
await store.edit((incidents) => triage({ incidents, alerts, services: new Set(["notes"]), nowMs: Date.now(), closeAfterMs: 0, areConnected: () => false, app: "notebook", createId: () => "4f2a00c1" }));
await database.close();
`;

async function look(project: Project, state: "firing" | "quiet"): Promise<void> {
  await project.run("open-incident.ts", state);
}

describe("tenon incident", () => {
  test("lists, shows, acknowledges, tries and runs steps, closes, and drafts a post-mortem; every act has its actor", { timeout: 180_000 }, async () => {
    const src = new URL("../../src/", import.meta.url).href;
    await using project = await Project.createOnServer({ ...notesFiles(), "notes/contract.ts": contractText, "notes/service.ts": serviceText, "open-incident.ts": openText.replace(/#(\w+)/g, (_, room: string) => `${src}${room}/index.ts`) });
    const migrated = await project.tenon(["migrate"]);
    assert.equal(migrated.code, 0, migrated.stderr);
    async function tenon(...args: string[]): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
      return project.command(["incident", ...args]);
    }

    assert.equal((await tenon("list")).stdout, "there is no incident that is not closed\n");
    const missing = await tenon("show", "4f");
    assert.deepEqual([missing.code, /there is no incident 4f\n {2}→ tenon incident list shows them/.test(missing.stderr)], [1, true]);
    assert.equal((await tenon("show", "xyz")).code, 2);

    await look(project, "firing");
    assert.match((await tenon("list")).stdout, /^4f2a00c1 +open +page +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ +notes\.list fails$/m);
    const dry = await tenon("ack", "4f", "--by", "ada", "--dry-run");
    assert.deepEqual([dry.code, dry.stdout], [0, "4f2a00c1 would be acknowledged by ada\n"]);
    const acked = await tenon("ack", "4f", "--by", "ada");
    assert.deepEqual([acked.code, acked.stdout], [0, "4f2a00c1 is acknowledged by ada\n"], acked.stderr);
    const again = await tenon("ack", "4f", "--by", "bob");
    assert.deepEqual([again.code, /was acknowledged by ada already/.test(again.stderr)], [1, true]);

    const shown = await tenon("show", "4f");
    assert.match(shown.stdout, /notes\/list-fails: The list cannot be read\n {4}count +How many notes there are\n/);

    // Dry runs: rows that would change, and a word of the step's own. Nothing is kept.
    const added = await tenon("step", "4f", "restore", "--by", "ada");
    assert.equal(added.code, 0, added.stderr + added.stdout);
    const tried = await tenon("step", "4f", "clear", "--input", '{ "from": 99 }', "--dry-run");
    assert.equal(tried.code, 0, tried.stderr + tried.stdout);
    assert.match(tried.stdout, /^dry run of notes\/list-fails\/clear: nothing was changed\n {2}- notes id=99 deleted\n {6}text: "restored"\n {2}emits notes\.cleared/);
    assert.match((await tenon("step", "4f", "restore", "--dry-run")).stdout, /: nothing was changed\nadds a note to 1\n/);
    assert.match((await tenon("step", "4f", "count", "--by", "ada")).stdout, /^notes\/list-fails\/count: done\n\{\n {2}"notes": 1\n\}\n$/);
    const failed = await tenon("step", "4f", "clear", "--input", '{ "from": 666 }', "--by", "bob");
    assert.deepEqual([failed.code, failed.stdout.startsWith("notes/list-fails/clear: failed\nError: something is wrong")], [1, true], failed.stdout);
    const wrong = await tenon("step", "4f", "clear", "--input", '{ "from": "x" }', "--by", "bob");
    assert.match(wrong.stdout, /the input of notes\.list-fails\.clear is not valid/);
    const done = JSON.parse((await tenon("step", "4f", "list-fails/clear", "--input", '{ "from": 1 }', "--by", "bob", "--json")).stdout) as object;
    assert.deepEqual(done, { step: "notes/list-fails/clear", isDone: true, by: "bob", outcome: "done", result: { count: 1, because: "notes.list fails" } });
    const unknown = await tenon("step", "4f", "klear");
    assert.deepEqual([unknown.code, /there is no step "klear"/.test(unknown.stderr)], [2, true]);

    const held = await tenon("close", "4f", "--reason", "done", "--by", "ada");
    assert.deepEqual([held.code, /has a page that fires: notes\.list\/availability\/page/.test(held.stderr)], [1, true]);
    await look(project, "quiet");
    assert.equal((await tenon("close", "4f")).code, 2);
    assert.equal((await tenon("close", "4f", "--reason", "rolled back", "--by", "ada")).stdout, "4f2a00c1 is closed by ada\n");
    assert.match((await tenon("step", "4f", "count")).stderr, /4f2a00c1 is closed/);

    const data = JSON.parse((await tenon("show", "4f", "--json")).stdout) as { readonly state: string; readonly timeLine: readonly { readonly kind: string; readonly text: string; readonly actor: string }[] };
    assert.equal(data.state, "closed");
    assert.deepEqual(data.timeLine.map(({ actor, text }) => `${actor}: ${text}`.replace(/ fires: .*/, " fires")), [
      ": notes.list/availability/page fires",
      ": opened",
      "ada: acknowledged",
      "ada: notes/list-fails/restore begins",
      "ada: notes/list-fails/restore: done",
      "ada: notes/list-fails/count begins",
      'ada: notes/list-fails/count: done: { "notes": 1 }',
      "bob: notes/list-fails/clear begins",
      "bob: notes/list-fails/clear: failed: Error: something is wrong",
      "bob: notes/list-fails/clear begins",
      "bob: notes/list-fails/clear: failed: Fault: invalid_argument: the input of notes.list-fails.clear is not valid",
      "bob: notes/list-fails/clear begins",
      'bob: notes/list-fails/clear: done: { "count": 1, "because": "notes.list fails" }',
      ": notes.list/availability/page is over",
      ": mitigated: none of its pages fires any more",
      "ada: closed: rolled back",
    ]);
    const { stdout: markdown } = await project.tenon(["incident", "postmortem", "4f"]);
    for (const heading of ["# notes.list fails", "## Summary", "## Impact", "## Time line", "## Contributing causes", "## What went well", "## Actions"]) assert.ok(markdown.includes(`${heading}\n`), heading);
    assert.match(markdown, /\| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| closed: rolled back \| ada \|/);
  });
});
