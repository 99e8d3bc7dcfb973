/** `tenon dev`: what is saved is what runs, whatever state it was saved in. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { greeterFiles, notesFiles } from "./projects.ts";
import { freePort, Project, runTenon, TenonProcess } from "./tenon-process.ts";

interface Ready {
  readonly url: string;
  readonly ms: number;
  readonly changed: readonly string[];
}

async function ready(dev: TenonProcess): Promise<Ready> {
  return (await dev.nextEvent({ event: "ready" })) as unknown as Ready;
}

async function problemOf(dev: TenonProcess): Promise<string> {
  const { error } = (await dev.nextEvent({ event: "failed" })) as { readonly error: { readonly problem: string; readonly remedy?: string } };
  return `${error.problem} → ${error.remedy ?? ""}`;
}

async function textAt(url: string): Promise<string> {
  return ((await (await fetch(`${url}/greet/ann`, { headers: { connection: "close" } })).json()) as { readonly text: string }).text;
}

/** The numbers of processes that run an app for this one. */
function childrenOf(pid: number | undefined): readonly number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  return stdout.split("\n").map(Number).filter((each) => each > 0);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const service = "greeter/service.ts";

describe("dev", () => {
  let project: Project;
  let dev: TenonProcess;
  let url: string;

  before(async () => {
    project = await Project.create({ ...greeterFiles(), "test/greeter.test.ts": "export {};\n" });
    dev = new TenonProcess(["dev", "--json"], { cwd: project.directory, env: { PORT: String(await freePort()) } });
    ({ url } = await ready(dev));
  });
  after(async () => {
    await dev[Symbol.asyncDispose]();
    await project[Symbol.asyncDispose]();
  });

  async function save(text: string): Promise<void> {
    await writeFile(join(project.directory, service), text);
  }

  function greeting(word: string): string {
    return greeterFiles(word)[service] ?? "";
  }

  test("serves the app, and says where its documents are", async () => {
    assert.equal(await textAt(url), "hello ann");
    assert.equal((await fetch(`${url}/docs`)).status, 200);
    assert.equal((await fetch(`${url}/openapi.json`)).status, 200);
  });

  test("keeps what the app tells of itself, where tenon traces and tenon logs look", async () => {
    await textAt(url);
    let lines: readonly string[] = [];
    for (const endMs = performance.now() + 10_000; lines.length === 0 && performance.now() < endMs; ) {
      await sleep(200);
      const traces = await runTenon(["traces"], { cwd: project.directory });
      lines = traces.stdout.split("\n").filter((line) => line.includes("GET /greet/{name}"));
    }
    assert.ok(lines.length > 0);
    const logs = await runTenon(["logs", "--json"], { cwd: project.directory });
    assert.match(logs.stdout, /greeter\.greet/);
  });

  test("restarts when a file is saved that the app imports", async () => {
    await save(greeting("hi"));
    const { changed } = await ready(dev);
    assert.deepEqual(changed, [join(project.directory, service)]);
    assert.equal(await textAt(url), "hi ann");
  });

  test("takes a save by renaming, as many editors do it, for one save", async () => {
    await project.write({ "greeter/service.ts~": greeting("good morning") });
    await rename(join(project.directory, "greeter/service.ts~"), join(project.directory, service));
    await ready(dev);
    assert.equal(await textAt(url), "good morning ann");
    await assert.rejects(dev.nextEvent({ event: "restarting" }, 300));
  });

  test("does not restart for a test that is edited, a file that is touched, or one that the app writes", async () => {
    await project.write({ "test/greeter.test.ts": "export const a = 1;\n", "data.json": "{}", [service]: greeting("good morning") });
    // The same text at another time is a save all the same; the others are not.
    const { changed } = await ready(dev);
    assert.deepEqual(changed, [join(project.directory, service)]);
  });

  test("explains code that does not run, answers nothing meanwhile, and goes on with the next save", async () => {
    await save("export const a: = 1;\n");
    assert.match(await problemOf(dev), /^greeter\/service\.ts:1 cannot be read/);
    await assert.rejects(textAt(url));
    await save('import "./tabels.ts";\n');
    assert.match(await problemOf(dev), /^greeter\/service\.ts imports "\.\/tabels\.ts", which is not there/);
    await save(greeting("back"));
    await ready(dev);
    assert.equal(await textAt(url), "back ann");
  });

  test("starts again when a file comes to be that was missing", async () => {
    await save(`import "./words/polite.ts";\n${greeting("please")}`);
    assert.match(await problemOf(dev), /imports "\.\/words\/polite\.ts"/);
    await project.write({ "greeter/words/polite.ts": "export {};\n" });
    await ready(dev);
    assert.equal(await textAt(url), "please ann");
  });

  test("restarts when a file elsewhere is saved that the app imports", async () => {
    await using elsewhere = await Project.create({ "word.ts": 'export const word = "one";\n' });
    const path = join(elsewhere.directory, "word.ts");
    await save(`import { word } from ${JSON.stringify(path)};\n${greeting("${word}").replace("`${word} ${input.name}`", "`${word} ${input.name}`")}`);
    await ready(dev);
    assert.equal(await textAt(url), "one ann");
    await elsewhere.write({ "word.ts": 'export const word = "two";\n' });
    await ready(dev);
    assert.equal(await textAt(url), "two ann");
    await save(greeting("hello"));
    await ready(dev);
  });

  test("reads .env anew", async () => {
    await project.write({ ".env": "CORS_ORIGINS=https://example.org\n" });
    await ready(dev);
    const answer = await fetch(`${url}/greet/ann`, { headers: { origin: "https://example.org", connection: "close" } });
    assert.equal(answer.headers.get("access-control-allow-origin"), "https://example.org");
    await rm(join(project.directory, ".env"));
    await ready(dev);
  });

  test("tells of an app that ends by itself, and starts it again at the next save", async () => {
    await save(greeting("bye").replace("async slow() {", "async slow() {\n      setTimeout(() => { throw new TypeError('lost'); }, 1);"));
    await ready(dev);
    await fetch(`${url}/slow`).catch(() => undefined);
    assert.match(await problemOf(dev), /greeter\/service\.ts:\d+: TypeError: lost/);
    await save(greeting("alive"));
    await ready(dev);
    assert.equal(await textAt(url), "alive ann");
  });

  test("kills an app that does not end, and goes on", async () => {
    await save(greeting("stuck").replace("async slow() {", "async slow() {\n      for (;;) if (Date.now() < 0) break;"));
    await ready(dev);
    void fetch(`${url}/slow`).catch(() => undefined);
    await sleep(300);
    await save(greeting("free"));
    await ready(dev);
    assert.equal(await textAt(url), "free ann");
  });

  test("makes of many saves at once the last one", async () => {
    for (const word of ["a", "b", "c", "d", "last"]) {
      await save(greeting(word));
      await sleep(60);
    }
    let text = "";
    for (let round = 0; round < 5 && text !== "last ann"; round += 1) {
      await ready(dev);
      text = await textAt(url).catch(() => "");
    }
    assert.equal(text, "last ann");
  });

  test("ends everything on Ctrl-C, with 0", async () => {
    const children = childrenOf(dev.process.pid);
    assert.ok(children.length > 0);
    dev.signal("SIGINT");
    assert.equal((await dev.ended()).code, 0);
    assert.deepEqual(children.filter(isRunning), []);
    await assert.rejects(textAt(url));
  });
});

describe("dev leaves nothing behind", () => {
  test("when it is killed itself", async () => {
    await using project = await Project.create(greeterFiles());
    await using dev = new TenonProcess(["dev", "--json"], { cwd: project.directory, env: { PORT: String(await freePort()) } });
    await ready(dev);
    const children = childrenOf(dev.process.pid);
    assert.ok(children.length > 0);
    dev.signal("SIGKILL");
    await dev.ended();
    for (let round = 0; round < 50 && children.some(isRunning); round += 1) await sleep(100);
    assert.deepEqual(children.filter(isRunning), []);
  });
});

describe("dev with the embedded database", () => {
  test("migrates and seeds by itself, keeps the rows over a restart, and applies a migration that is added", async () => {
    await using project = await Project.create(notesFiles());
    await using dev = new TenonProcess(["dev", "--json"], { cwd: project.directory, env: { PORT: String(await freePort()) } });
    const { url } = await ready(dev);
    const seeded = { items: [{ id: 1, text: "from the seed" }] };
    assert.deepEqual(await (await fetch(`${url}/notes`)).json(), seeded);

    await project.write({ "notes/migrations/0002_more.sql": "insert into notes (id, text) values (2, 'from a migration');\n" });
    const { ms } = await ready(dev);
    assert.deepEqual(await (await fetch(`${url}/notes`)).json(), { items: [...seeded.items, { id: 2, text: "from a migration" }] });
    assert.ok(ms < 20_000, `a restart took ${ms} ms`);

    await project.write({ "notes/migrations/0002_more.sql": "select 1;\n" });
    assert.match(await problemOf(dev), /0002_more\.sql was edited after it was applied.*\.tenon\/database/s);
    dev.signal("SIGINT");
    assert.equal((await dev.ended()).code, 0);
  });
});

describe("dev, to a person,", () => {
  test("prints where the app is once, and what happens besides on standard error", async () => {
    await using project = await Project.create(greeterFiles());
    const port = await freePort();
    await using dev = new TenonProcess(["dev"], { cwd: project.directory, env: { PORT: String(port), LOG_LEVEL: "error" } });
    await waitFor(() => dev.stderr.includes("/docs"));
    await project.write({ [service]: "export const a: = 1;\n" });
    await waitFor(() => dev.stderr.includes("waiting for the next save"));
    await project.write({ [service]: greeterFiles("again")[service] ?? "" });
    await waitFor(() => dev.stderr.includes("after a change of greeter/service.ts"));
    dev.signal("SIGINT");
    const { stderr, stdout } = await dev.ended();
    assert.equal(stdout, "");
    assert.equal(stderr.split(`http://localhost:${port}/docs`).length, 2);
    assert.match(stderr, /greetings {2}1 service, ready in \d+ ms\n/);
    assert.match(stderr, /error: greeter\/service\.ts:1 cannot be read: .*\n\n {4}export const a: = 1;\n/);
  });
});

async function waitFor(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 300 && !holds(); round += 1) await sleep(100);
  assert.ok(holds(), "what was waited for did not come within 30 s");
}
