/** `tenon start`: production unless said otherwise, and an end that loses no call. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { greeterFiles, notesFiles } from "./projects.ts";
import { freePort, Project, TenonProcess } from "./tenon-process.ts";

async function started(project: Project, args: readonly string[], env: Readonly<Record<string, string>>): Promise<{ readonly app: TenonProcess; readonly url: string }> {
  const port = String(await freePort());
  const app = new TenonProcess(["start", "--json", ...args], { cwd: project.directory, env: { PORT: port, ...env } });
  const url = `http://127.0.0.1:${port}`;
  await app.nextEvent({ level: "info", services: args.includes("--seed") ? "notes" : "greeter" });
  return { app, url };
}

const development = { TENON_MODE: "development" };

describe("start", () => {
  let project: Project;

  before(async () => {
    project = await Project.create(greeterFiles());
  });
  after(() => project[Symbol.asyncDispose]());

  test("is production: it wants an issuer of tokens, and says how to do without one", async () => {
    const { code, stderr } = await project.tenon(["start"]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: the configuration has a problem:\n.*OIDC_ISSUER is missing/);
    assert.match(stderr, /TENON_MODE=development/);
  });

  test("serves, and its log lines are JSON with --json", async () => {
    const { app, url } = await started(project, [], development);
    await using _ = app;
    assert.deepEqual(await (await fetch(`${url}/greet/ann`)).json(), { text: "hello ann" });
    app.signal("SIGTERM");
    const { code, stdout } = await app.ended();
    assert.equal(code, 0);
    for (const line of stdout.trim().split("\n")) assert.equal(typeof JSON.parse(line), "object");
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`lets a call under way finish on ${signal}, and ends with 0`, async () => {
      const { app, url } = await started(project, [], development);
      await using _ = app;
      const answer = fetch(`${url}/slow`);
      await sleep(200);
      app.signal(signal);
      assert.deepEqual(await (await answer).json(), { text: "done" });
      const { code, signal: killedBy, stderr } = await app.ended();
      assert.deepEqual([code, killedBy], [0, null]);
      assert.match(stderr, new RegExp(`${signal}: calls under way may finish`));
    });
  }

  test("ends at once on a second signal, with 128 and its number", async () => {
    const { app, url } = await started(project, [], { ...development, DRAIN_DELAY_MS: "20000" });
    await using _ = app;
    assert.equal((await fetch(`${url}/greet/ann`)).status, 200);
    app.signal("SIGTERM");
    app.signal("SIGTERM"); // npm passes on what the terminal has sent already: the same one
    await sleep(600);
    assert.equal(app.process.exitCode, null);
    app.signal("SIGINT");
    const { code } = await app.ended(3_000);
    assert.equal(code, 130);
  });

  test("tells that the port is taken, and ends with 1", async () => {
    const { app, url } = await started(project, [], development);
    await using _ = app;
    const { code, stderr } = await project.tenon(["start"], { ...development, PORT: new URL(url).port });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`error: .*port ${new URL(url).port}`));
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  test("logs a bug outside of every call, and ends with 1", async () => {
    await using buggy = await Project.create({
      ...greeterFiles(),
      "greeter/service.ts": (greeterFiles()["greeter/service.ts"] ?? "").replace("slow() {", "slow() {\n      setTimeout(() => JSON.parse('{'), 1);"),
    });
    const { app, url } = await started(buggy, [], development);
    await using _ = app;
    await fetch(`${url}/slow`).catch(() => undefined);
    const { code, stdout } = await app.ended();
    assert.equal(code, 1);
    assert.match(stdout, /"level":"error","message":"a bug outside of every call ended the process".*SyntaxError/);
  });
});

describe("start with the embedded database", () => {
  test("refuses pending migrations in production, applies and seeds when asked, and says what the database is not for", async () => {
    await using project = await Project.create(notesFiles());
    const refused = await project.tenon(["start"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /the database is behind: notes\/0001_notes\.sql.*tenon migrate/);

    const { app, url } = await started(project, ["--migrate", "--seed"], development);
    await using _ = app;
    assert.deepEqual(await (await fetch(`${url}/notes`)).json(), { items: [{ id: 1, text: "from the seed" }] });
    app.signal("SIGTERM");
    const { code, stderr } = await app.ended();
    assert.equal(code, 0);
    assert.match(stderr, /^warning: the embedded database \(\.tenon\/database\) is for development and tests: it runs one transaction at a time/m);
  });
});
