/** `tenon objectives`, `silences` and `export`, with the real program on an app whose instances have counted something. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { greeterFiles, notesFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

const contractText = `import { contract, query } from "tenon";
import * as z from "zod";

export const Note = z.object({ id: z.int32(), text: z.string() });

export const notes = contract("notes", {
  list: query({ http: "GET /notes", access: "public", output: z.object({ items: z.array(Note) }), objective: { availability: 99.9, latency: { p99: "250ms" } } }),
});
`;

/** Writes counts as the app's instances do, and says how many rows there are. */
const countsText = `import { openDatabase, parseConfig, systemClock } from "#app";
import { withSession } from "#data";
import { DatabaseObjectives } from "#objectives";
const { config } = parseConfig([{ name: "environment", values: process.env }]);
const log = { debug() {}, info() {}, warn() {}, error() {} };
const database = await openDatabase(config, log);
const store = new DatabaseObjectives((mode, task) => withSession(database, { service: "notes", mode }, task));
const nowMs = systemClock.nowMs();
const agoMs = Number(process.argv[2]);
await store.add([{ target: "notes.list/availability", atMs: nowMs - agoMs, bad: Number(process.argv[3]), total: 100_000 }]);
await database.close();
`;

interface Shown {
  readonly objectives: readonly { readonly id: string; readonly counts: { readonly bad: number; readonly total: number } | null; readonly budgetLeft: number | null; readonly burnRates: readonly { readonly long: number; readonly isMet: boolean }[] | null }[];
}

async function openNotes(): Promise<Project> {
  const src = new URL("../../src/", import.meta.url).href;
  const counts = countsText.replace(/#(\w+)/g, (_, room: string) => `${src}${room}/index.ts`);
  const project = await Project.createOnServer({ ...notesFiles(), "notes/contract.ts": contractText, "counts.ts": counts });
  const { code, stderr } = await project.tenon(["migrate"]);
  assert.equal(code, 0, stderr);
  return project;
}

async function count(project: Project, agoMs: number, bad: number): Promise<void> {
  await project.run("counts.ts", String(agoMs), String(bad));
}

describe("tenon objectives", () => {
  test("shows what is left, and the gate closes when it burns or is spent", { timeout: 60_000 }, async () => {
    await using project = await openNotes();
    await count(project, 10 * 86_400_000, 25);

    const shown = await project.tenon(["objectives"]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /^OBJECTIVE +PROMISED +MEASURED +OF +BUDGET LEFT +1h +6h +1d +3d +ALERT\n/);
    assert.match(shown.stdout, /^notes\.list\/availability +99\.9 % answered +99\.975 % +100000 +75 % +0 +0 +0 +0$/m);
    assert.match(shown.stdout, /^notes\.list\/latency-p99 +99 % within 250ms +- +0 +100 % /m);
    const open = await project.command(["objectives", "gate"]);
    assert.deepEqual([open.code, open.stdout], [0, "open: 2 of 2 objectives looked at, none in danger\n"]);

    await count(project, 60_000, 2_000);
    const data = JSON.parse((await project.command(["objectives", "--json"])).stdout) as Shown;
    assert.deepEqual(data.objectives[0]?.counts, { bad: 2_025, total: 200_000 });
    assert.equal(data.objectives[0]?.budgetLeft?.toFixed(3), "-9.125");
    assert.deepEqual(data.objectives[0]?.burnRates?.map(({ isMet, long }) => [long.toFixed(1), isMet]), [["20.0", true], ["20.0", true], ["20.0", true], ["20.0", true]]);
    const closed = await project.command(["objectives", "gate"]);
    assert.equal(closed.code, 1);
    assert.equal(closed.stdout, "closed:\n  notes.list/availability: its budget burns 20 times as fast as it may\n  notes.list/availability: its error budget is spent (-912.5 % left)\n");
  });

  test("an app without a database says what is promised, and that counts are in its processes", async () => {
    const files = greeterFiles();
    await using project = await Project.create({ ...files, "greeter/contract.ts": (files["greeter/contract.ts"] ?? "").replace('access: "public", input', 'access: "public", objective: { availability: 99.5 }, input') });
    const { code, stdout } = await project.command(["objectives"]);
    assert.equal(code, 0);
    assert.match(stdout, /greeter\.greet\/availability +99\.5 % answered +not kept\nwithout a database, counts are in the memory of each process/);
    const gate = await project.command(["objectives", "gate"]);
    assert.match(gate.stdout, /^open: 0 of 1 objectives looked at, none in danger\nnot known here, since their services have no database: greeter\.greet\/availability/);
  });

  test("an app that promises nothing is told how to", async () => {
    await using project = await Project.create(greeterFiles());
    const { code, stderr } = await project.command(["objectives"]);
    assert.equal(code, 1);
    assert.match(stderr, /greetings promises nothing\n {2}→ give an operation an objective/);
  });
});

describe("tenon silences", () => {
  test("adds, lists and ends", { timeout: 60_000 }, async () => {
    await using project = await openNotes();
    const added = JSON.parse((await project.command(["silences", "add", "notes", "--for", "2h", "--subject", "notes.*", "--severity", "page", "--reason", "moving", "--json"])).stdout) as { readonly id: string; readonly until: string };
    assert.match(added.id, /^[0-9a-f]{8}$/);
    const ms = Date.parse(added.until) - Date.now();
    assert.ok(ms > 7_100_000 && ms <= 7_200_000, `${ms} ms`);
    const { stdout } = await project.tenon(["silences", "list"]);
    assert.match(stdout, new RegExp(`^${added.id} +notes +subject notes\\.\\*, severity page +${added.until} +moving$`, "m"));
    assert.equal((await project.command(["silences", "end", added.id])).stdout, `${added.id} is over\n`);
    assert.equal((await project.command(["silences", "list"])).stdout, "nothing is silenced\n");
    const again = await project.command(["silences", "end", added.id]);
    assert.deepEqual([again.code, /there is no silence/.test(again.stderr)], [1, true]);
  });

  test("refuses what has no reason, no end, or fits nothing, before anything is opened", async () => {
    await using project = await Project.create({ ...notesFiles(), "notes/contract.ts": contractText });
    for (const [args, problem] of [
      [["--for", "2h"], /a silence needs a reason/],
      [["--reason", "x"], /a silence ends at one instant/],
      [["--reason", "x", "--for", "2h", "--until", "2099-01-01T00:00Z"], /a silence ends at one instant/],
      [["--reason", "x", "--for", "40d"], /within 30 days/],
      [["--reason", "x", "--for", "2h", "--severity", "loud"], /--severity loud is not known/],
      [["--reason", "x", "--for", "2h", "--subject", "orders.*"], /no objective of notes fits subject orders\.\*/],
    ] as const) {
      const { code, stderr } = await project.command(["silences", "add", "notes", ...args]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, problem);
    }
  });
});

describe("tenon export", () => {
  test("prints rules and dashboards without opening anything", async () => {
    await using project = await Project.create({ ...notesFiles(), "notes/contract.ts": contractText });
    const rules = await project.tenon(["export", "prometheus", "--selector", 'job="shop"']);
    assert.deepEqual([rules.code, rules.stderr], [0, ""]);
    assert.match(rules.stdout, /^# Objectives of notebook, from its contracts: made by `tenon export prometheus`\.\ngroups:\n/);
    assert.match(rules.stdout, /job=\\"shop\\"/);
    const dashboard = JSON.parse((await project.command(["export", "grafana"])).stdout) as { readonly title: string };
    assert.equal(dashboard.title, "notebook: notes");
    const wrong = await project.command(["export", "grafana", "nots"]);
    assert.deepEqual([wrong.code, /did you mean notes\?/.test(wrong.stderr)], [2, true]);
  });
});
