/** `tenon workflows`: runs are listed, shown and steered. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { Operation } from "../../src/contract/index.ts";
import { openPglite } from "../../src/pglite/index.ts";
import type { App, Service } from "../../src/service/index.ts";
import { AppProcess, prepare } from "../workflows/app-process.ts";
import { greeterFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

const files = {
  "app.ts": `import { app } from "tenon";
import letters from "./letters/service.ts";

export default app("office", { services: [letters] });
`,
  "letters/contract.ts": `import { command, contract } from "tenon";
import * as z from "zod";

export const letters = contract("letters", {
  write: command({ access: "public", input: z.object({ id: z.string(), how: z.string() }) }),
});
`,
  "letters/service.ts": `import { reactions, service } from "tenon";
import * as z from "zod";
import { letters } from "./contract.ts";

const { workflow } = reactions();
const post = workflow("post", { input: z.object({ how: z.string() }) }, async (flow) => {
  await flow.step("write", () => ({ to: "Ann" }));
  if (flow.input.how === "park") flow.undo("burn", { attempts: 1 }, () => { throw new RangeError("no matches"); });
  if (flow.input.how !== "ask") await flow.step("stamp", { attempts: 1 }, () => { throw new RangeError("no stamps"); });
  await flow.ask("approve", { question: "may it go?", schema: z.object({ ok: z.boolean() }), timeout: "2d" });
});

export default service(letters, {
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    write: async ({ input, start }) => void (await start(post, { how: input.how }, { id: input.id })),
  },
  workflows: [post],
});
`,
  "letters/migrations/0001_letters.sql": "create table letters (id text primary key);\n",
};

describe("tenon workflows", () => {
  let project: Project;

  /** What the app does when it runs for a moment. */
  async function work(task: (process: AppProcess, write: Operation) => Promise<void>): Promise<void> {
    const { default: app } = (await import(pathToFileURL(join(project.directory, "app.ts")).href)) as { readonly default: App };
    const database = await openPglite({ dataDir: join(project.directory, ".tenon", "database"), cacheDir: process.env["TENON_CACHE"] ?? join(project.directory, ".tenon", "cache") });
    try {
      await prepare(database, app.services);
      const process = await AppProcess.start({ services: app.services, database });
      const [letters] = app.services as readonly [Service];
      await task(process, (letters.contract as unknown as { readonly write: Operation }).write);
      await process.settled();
      await process.stop();
    } finally {
      await database.close();
    }
  }

  before(async () => {
    project = await Project.create(files);
    await work(async (process, write) => {
      for (const [id, how] of [["a1", "ask"], ["a2", "ask"], ["b1", "fail"], ["c1", "park"]]) await process.call(write, { id, how });
    });
  });
  after(() => project[Symbol.asyncDispose]());

  test("list tells what runs wait for and why they failed, and can be narrowed", async () => {
    const { code, stderr, stdout } = await project.tenon(["workflows", "list"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^RUN +SERVICE +STATE +STARTED +TOOK +WHY$/m);
    assert.match(stdout, /^post:a1 +letters +waiting .* ask "approve"$/m);
    assert.match(stdout, /^post:b1 +letters +failed .* RangeError: no stamps$/m);
    assert.match(stdout, /^post:c1 +letters +parked .* the undo step "burn" failed for good after 1 attempt: no matches$/m);
    const parked = await project.command(["workflows", "list", "--state", "parked", "--json"]);
    assert.deepEqual((JSON.parse(parked.stdout) as readonly { readonly id: string }[]).map(({ id }) => id), ["post:c1"]);
    assert.match((await project.command(["workflows", "list", "--name", "pots"])).stderr, /no service of office has a workflow pots\n {2}→ one of: post/);
    assert.equal((await project.command(["workflows", "list", "--state", "dead"])).code, 2);
  });

  test("show tells each step, and values only when asked", async () => {
    const { stdout } = await project.command(["workflows", "show", "a1"]);
    assert.match(stdout, /^post:a1 of letters: running\nstarted \d{4}-/);
    assert.match(stdout, /write +step +done +\d/);
    assert.match(stdout, /approve +ask +waiting +may it go\?, until .* \(in 1d 23h\)/);
    assert.doesNotMatch(stdout, /Ann/);
    assert.equal(stdout, stripVTControlCharacters(stdout));
    assert.match((await project.command(["workflows", "show", "a1", "--values"])).stdout, /write: \{"to":"Ann"\}/);
    const failed = JSON.parse((await project.command(["workflows", "show", "b1", "--json"])).stdout) as { readonly run: { readonly state: string; readonly failure: { readonly step: string } } };
    assert.deepEqual([failed.run.state, failed.run.failure.step], ["failed", "stamp"]);
  });

  test("a run that is not there, and one of several, are told in words", async () => {
    const none = await project.command(["workflows", "show", "zzz"]);
    assert.deepEqual([none.code, none.stdout], [1, ""]);
    assert.match(none.stderr, /^error: there is no run zzz\n {2}→ /);
    const several = await project.command(["workflows", "cancel", "post:a", "--reason", "x"]);
    assert.match(several.stderr, /post:a may be one of several runs:\n {2}post:a1 of letters\n {2}post:a2 of letters\n {2}→ write more of it/);
    assert.match((await project.command(["workflows", "cancel", "a1"])).stderr, /a run is canceled for a reason/);
  });

  test("what does not fit the state of a run is refused with the reason", async () => {
    assert.match((await project.command(["workflows", "resume", "a1"])).stderr, /the run post:a1 is not parked: it is running/);
    assert.match((await project.command(["workflows", "retry", "c1"])).stderr, /the run post:c1 is parked: resume it/);
    assert.match((await project.command(["workflows", "cancel", "b1", "--reason", "x"])).stderr, /the run post:b1 has ended: it is failed/);
    assert.match((await project.command(["workflows", "answer", "b1", "approve", "true"])).stderr, /the run post:b1 does not ask "approve"/);
    assert.match((await project.command(["workflows", "answer", "a1", "approve", "{ok}"])).stderr, /the answer is not JSON: \{ok\}/);
    assert.match((await project.command(["workflows", "answer", "a1", "approve", '{"ok":1}'])).stderr, /the answer to "approve" does not fit: \/ok/);
  });

  test("answers, cancellations and retries reach the run", async () => {
    for (const args of [["answer", "a1", "approve", '{"ok":true}'], ["cancel", "a2", "--reason", "nobody writes letters"], ["retry", "b1"], ["resume", "c1"]]) {
      const { code, stderr } = await project.command(["workflows", ...args]);
      assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    }
    await work(async () => undefined);
    const { stdout } = await project.command(["workflows", "list", "--json"]);
    const runs = JSON.parse(stdout) as readonly { readonly id: string; readonly state: string }[];
    assert.deepEqual(Object.fromEntries(runs.map(({ id, state }) => [id, state])), { "post:a1": "completed", "post:a2": "canceled", "post:b1": "failed", "post:c1": "parked" });
  });

  test("an app without workflows is told so", async () => {
    await using other = await Project.create(greeterFiles());
    assert.match((await other.command(["workflows", "list"])).stderr, /no service of greetings has workflows/);
  });
});
