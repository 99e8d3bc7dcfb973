/** What an erasure does to runs of workflows that tell of a person: ended, under way, and in a copy from before. On both engines. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { openDatabase, openSubjectDesk, openVaultOf, parseConfig, type StartedApp, startApp, systemClock } from "../../src/app/index.ts";
import { command, contract, ContractMistakes, personal, query, table } from "../../src/contract/index.ts";
import { type Database, withSession } from "../../src/data/index.ts";
import { RecordSeals, type SubjectDesk } from "../../src/privacy/index.ts";
import { app, reactions, service } from "../../src/service/index.ts";
import { RunDesk } from "../../src/workflows/index.ts";
import { openServerDatabase, skip } from "../data/server.ts";

const tables = { patients: table({ id: z.string(), name: personal(z.string()) }, { key: "id", subject: "id" }) };
const Stay = z.object({ id: z.string(), note: z.string() });
const care = contract("care", {
  admit: command({ http: "POST /patients", access: "public", input: z.object({ id: z.string(), name: personal(z.string()) }) }),
  linger: command({ http: "POST /lingerers", access: "public", input: z.object({ id: z.string(), name: personal(z.string()) }) }),
  round: command({ http: "POST /rounds", access: "public", input: z.object({ id: z.string(), patients: z.array(z.object({ id: z.string(), name: personal(z.string()) })) }) }),
  leave: command({ http: "POST /patients/{id}/leave", access: "public", input: z.object({ id: z.string() }) }),
  restless: command({ http: "POST /restless", access: "public", input: z.object({ person: z.string() }) }),
  stay: query({ http: "GET /stays/{id}", access: "public", input: z.object({ id: z.string() }), output: z.unknown() }),
});
const { workflow } = reactions(tables);
const letter = workflow("letter", { input: Stay }, async (flow) => {
  await flow.step("write", () => ({ text: `Dear ${flow.input.note}` }));
});
const visit = workflow("visit", { input: Stay, output: z.object({ note: z.string() }) }, async (flow) => {
  await flow.step("look", ({ db }) => db.selectFrom("patients").select("name").where("id", "=", flow.input.id).executeTakeFirstOrThrow());
  await flow.child("letter", letter, flow.input);
  return { note: flow.input.note };
});
const stay = workflow("stay", { input: Stay, output: z.object({ note: z.string() }) }, async (flow) => {
  const { name } = await flow.step("look", ({ db }) => db.selectFrom("patients").select("name").where("id", "=", flow.input.id).executeTakeFirstOrThrow());
  await flow.ask("leave", { question: "Well again?", schema: z.boolean() });
  const bye = await flow.step("bye", () => ({ text: `Goodbye ${name}` }));
  return { note: bye.text };
});
/** Holds up the step of the workflow `slow`, of which there is one run. */
let gate: { readonly reached: PromiseWithResolvers<void>; readonly open: PromiseWithResolvers<void> } | undefined;
let attempts = 0;
/** Holds up the command that starts it, behind the start. */
let starting: typeof gate;
let startings = 0;
const slow = workflow("slow", { input: Stay, output: z.object({ note: z.string() }) }, async (flow) => {
  await flow.step("held up", async ({ db }) => {
    attempts++;
    const found = await db.selectFrom("patients").select("name").where("id", "=", flow.input.id).executeTakeFirst();
    gate?.reached.resolve();
    await gate?.open.promise;
    return { name: found?.name ?? "nobody" };
  });
  return { note: flow.input.note };
});
/** Meets as many persons as there are. */
const round = workflow("round", { input: Stay, output: z.object({ note: z.string() }) }, async (flow) => {
  const seen = await flow.step("look", ({ db }) => db.selectFrom("patients").select("name").where("id", "like", `${flow.input.id}-%`).execute());
  return { note: seen.map(({ name }) => name).toSorted().join() };
});
/** Nobody's data is met; the input says whose it is. */
const told = workflow("told", { input: z.object({ person: z.string(), what: z.string() }), subject: "person" }, async (flow) => {
  await flow.step("keep", () => flow.input.what);
});

const careService = service(care, {
  tables,
  migrations: new URL("runs-migrations/", import.meta.url),
  handlers: {
    async admit({ db, input, start }) {
      await db.insertInto("patients").values(input).execute();
      for (const each of [visit, stay]) await start(each, { id: input.id, note: `${input.name} is here` }, { id: input.id });
    },
    async linger({ db, input, start }) {
      startings++;
      await db.insertInto("patients").values(input).execute();
      await start(slow, { id: input.id, note: `${input.name} lingers` }, { id: input.id });
      starting?.reached.resolve();
      await starting?.open.promise;
    },
    async round({ db, input, start }) {
      await db.insertInto("patients").values(input.patients).execute();
      await start(round, { id: input.id, note: "Secretname" }, { id: input.id });
    },
    leave: ({ input, runs }) => runs.answer(stay, input.id, "leave", true),
    restless: async ({ input, start }) => void (await start(told, { person: input.person, what: "Secretname cannot sleep" }, { id: input.person })),
    stay: async ({ input, runs }) => (await runs.get(stay, input.id)) ?? null,
  },
  workflows: [letter, visit, stay, told, slow, round],
});
const hospital = app("hospital", { services: [careService] });

const engines = [
  { name: "pglite", skip: false as const, open: async (directory: string) => ({ url: `pglite:${join(directory, "database")}`, drop: () => Promise.resolve() }) },
  {
    name: "postgres",
    skip,
    open: async () => {
      const opened = await openServerDatabase();
      return { url: opened.url, drop: () => opened.drop() };
    },
  },
];

interface RunRow {
  readonly id: string;
  readonly state: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly subjects: readonly string[];
  readonly results: string | null;
}

for (const engine of engines) {
  describe(`runs of an erased person in ${engine.name}`, { skip: engine.skip }, () => {
    let directory: string;
    let place: { readonly url: string; drop(): Promise<unknown> };
    let values: Readonly<Record<string, string>>;
    let started: StartedApp | undefined;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), "tenon-runs-"));
      place = await engine.open(directory);
      values = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", TENON_DIRECTORY: directory, DATABASE_URL: place.url, PRIVACY_MASTER_KEY: randomBytes(32).toString("base64") };
    });
    after(async () => {
      await started?.stop();
      await place?.drop();
      await rm(directory, { recursive: true, force: true });
    });

    async function running<T>(task: (post: (path: string, body: object) => Promise<Response>) => Promise<T>): Promise<T> {
      started = await startApp(hospital, { layers: [{ name: "test", values }] });
      const { url } = started;
      const post = (path: string, body: object): Promise<Response> => fetch(`${url}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      try {
        return await task(post);
      } finally {
        await started.stop();
        started = undefined;
      }
    }

    interface Stopped {
      readonly database: Database;
      readonly desk: SubjectDesk;
      readonly runs: RunDesk;
      readonly raw: (text: string, parameters?: readonly unknown[]) => Promise<readonly Readonly<Record<string, unknown>>[]>;
      readonly rows: () => Promise<Readonly<Record<string, RunRow>>>;
    }

    /** The database while no process of the app runs. */
    async function stopped<T>(task: (parts: Stopped) => Promise<T>): Promise<T> {
      const { config } = parseConfig([{ name: "test", values }]);
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const database = await openDatabase(config, log);
      try {
        const { close, desk } = await openSubjectDesk(hospital, { clock: systemClock, config, database, log: log });
        const privacy = await openVaultOf(hospital, { clock: systemClock, config, database });
        assert.ok(privacy !== undefined);
        const runs = new RunDesk({ database, service: "care", programs: new Map(), clock: systemClock, random: Math.random, seals: new RecordSeals(privacy.vault, "care") });
        const raw = (text: string, parameters: readonly unknown[] = []) => withSession(database, { service: "care", mode: "write" }, async (session) => (await session.query(text, parameters)).rows);
        const rows = async () => {
          const found = (await raw("select id, state, input, output, subjects, (select json_agg(coalesce(result, detail))::text from tenon_steps where run = tenon_runs.id and (result is not null or detail is not null)) as results from tenon_runs")) as unknown as readonly RunRow[];
          return Object.fromEntries(found.map((row) => [row.id, row]));
        };
        try {
          return await task({ database, desk, runs, raw, rows });
        } finally {
          await close();
          await privacy.part.stop();
        }
      } finally {
        await database.close();
      }
    }

    async function until(path: string, isThere: (body: { readonly state?: string } | null) => boolean): Promise<void> {
      for (let tries = 0; ; tries++) {
        const seen = (await (await fetch(`${started?.url}${path}`)).json()) as { readonly state?: string } | null;
        if (isThere(seen)) return;
        assert.ok(tries < 400, JSON.stringify(seen));
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }

    const ended = async (count: number): Promise<void> => {
      const page = `${started?.url}/metrics`;
      for (let tries = 0; ; tries++) {
        const lines = (await (await fetch(page)).text()).split("\n").filter((line) => line.startsWith("tenon_runs_ended") && line.includes('state="completed"'));
        if (lines.reduce((sum, line) => sum + Number(line.split(" ")[1]), 0) >= count) return;
        assert.ok(tries < 400, lines.join("\n"));
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    };

    let copy: Readonly<Record<string, RunRow>>;

    test("what runs keep is sealed under the key of the person of whom they tell, without anybody having said so", async () => {
      await running(async (post) => {
        assert.equal((await post("/patients", { id: "ada", name: "Ada Secretname" })).status, 204);
        assert.equal((await post("/patients", { id: "bob", name: "Bob Secretname" })).status, 204);
        assert.equal((await post("/restless", { person: "ada" })).status, 204);
        await ended(5); // two visits, their letters, and what was told
      });
      await stopped(async ({ desk, rows, runs }) => {
        copy = await rows();
        assert.ok(!JSON.stringify(copy).includes("Secretname"));
        assert.deepEqual(Object.values(copy).map(({ id, subjects }) => [id, subjects]).toSorted((a, b) => String(a).localeCompare(String(b))), [
          ["letter:visit:ada/letter", ["ada"]],
          ["letter:visit:bob/letter", ["bob"]],
          ["stay:ada", ["ada"]],
          ["stay:bob", ["bob"]],
          ["told:ada", ["ada"]],
          ["visit:ada", ["ada"]],
          ["visit:bob", ["bob"]],
        ]);
        const exported = await desk.export("ada", "olga");
        const texts = (exported.services["care"]?.kept ?? []).filter(({ table: each }) => each === "tenon_runs").map(({ data, id }) => [id, /Secretname/.test(JSON.stringify(data))]);
        assert.deepEqual(texts.toSorted((a, b) => String(a).localeCompare(String(b))), [["letter:visit:ada/letter", true], ["stay:ada", true], ["told:ada", true], ["visit:ada", true]]);
        await desk.restrict("bob", "restricted", "olga");
        assert.deepEqual((await runs.list({ max: 20 })).filter(({ id }) => id === "visit:bob").map(({ input }) => input), ["[restricted]"], "the list is there for the others");
        await desk.restrict("bob", "free", "olga");
      });
    });

    test("an erasure empties the ones that have ended, lets the one under way go on, and says so; others are as they were", async () => {
      await stopped(async ({ desk, raw, rows, runs }) => {
        const { report } = await desk.erase("ada", "olga");
        assert.deepEqual(report.services.find(({ service: each }) => each === "care")?.runs, { found: 4, emptied: 3, underWay: ["stay:ada"] });
        const after_ = await rows();
        for (const id of ["visit:ada", "letter:visit:ada/letter", "told:ada"]) assert.deepEqual({ ...after_[id], state: "" }, { id, state: "", input: null, output: null, subjects: [], results: null });
        assert.equal(after_["visit:ada"]?.state, "completed");
        assert.deepEqual(after_["visit:bob"], copy["visit:bob"]);
        assert.deepEqual([after_["stay:ada"]?.subjects, after_["stay:ada"]?.state], [[], "running"]);
        assert.notDeepEqual(after_["stay:ada"]?.input, copy["stay:ada"]?.input);
        assert.match(JSON.stringify((await runs.show("stay:ada")).run.input), /Secretname/);

        // A backup of the runs from before, beside the keys of today.
        await raw("update tenon_runs set input = to_json($2::text) where id = $1", ["visit:ada", copy["visit:ada"]?.input]);
        const listed = await runs.list({ max: 20 });
        assert.deepEqual(listed.filter(({ workflow: each }) => each === "visit").map(({ id, input, state }) => [id, state, JSON.stringify(input)]).toSorted((a, b) => String(a).localeCompare(String(b))), [
          ["visit:ada", "completed", '"[erased]"'],
          ["visit:bob", "completed", '{"id":"bob","note":"Bob Secretname is here"}'],
        ]);
        await assert.rejects(runs.retry("visit:ada"), { code: "conflict" });
      });
    });

    test("the one under way comes to its end, and holds nothing then", async () => {
      await running(async (post) => {
        assert.equal((await post("/patients/ada/leave", {})).status, 204);
        assert.equal((await post("/patients/bob/leave", {})).status, 204);
        await until("/stays/ada", (seen) => seen?.state === "completed");
        await until("/stays/bob", (seen) => seen?.state === "completed");
      });
      await stopped(async ({ rows, runs }) => {
        const found = await rows();
        assert.deepEqual(found["stay:ada"], { id: "stay:ada", state: "completed", input: null, output: null, subjects: [], results: null });
        assert.match(JSON.stringify((await runs.show("stay:bob")).run.output), /Goodbye Bob Secretname/);
      });
    });

    test("a run that tells of many is unreadable in a copy, too, once one of them is erased", async () => {
      const sizes = [4, 17, 64, 65];
      await running(async (post) => {
        for (const size of sizes) {
          const patients = Array.from({ length: size }, (_, i) => ({ id: `r${size}-${i}`, name: `Secretname ${i}` }));
          assert.equal((await post("/rounds", { id: `r${size}`, patients })).status, 204);
        }
        await ended(sizes.length);
      });
      const noteOf = (size: number): string => Array.from({ length: size }, (_, i) => `Secretname ${i}`).toSorted().join();
      let copied: Readonly<Record<string, RunRow>> = {};
      await stopped(async ({ desk, rows, runs }) => {
        copied = await rows();
        assert.ok(!JSON.stringify(copied).includes("Secretname"));
        for (const size of sizes) {
          const id = `round:r${size}`;
          assert.equal(copied[id]?.subjects.length, size);
          assert.ok(String(copied[id]?.output).length < 1_600 + 2 * noteOf(size).length);
          assert.deepEqual((await runs.show(id)).run.output, { note: noteOf(size) });
          await desk.erase(`r${size}-2`, "olga");
          assert.equal((await rows())[id]?.output, null);
        }
      });
      await stopped(async ({ raw, runs }) => {
        for (const size of sizes) await raw("update tenon_runs set output = to_json($2::text) where id = $1", [`round:r${size}`, copied[`round:r${size}`]?.output]);
        const outputs = new Map((await runs.list({ max: 50 })).map(({ id, output }) => [id, output]));
        // A value names sixty-four keys at most; what is kept of more persons is of the service.
        for (const size of sizes) assert.deepEqual(outputs.get(`round:r${size}`), size <= 64 ? "[erased]" : { note: noteOf(size) });
        await raw("update tenon_runs set output = null where workflow = 'round'");
      });
    });

    test("a step that is under way while its person is erased keeps nothing, is done anew, and the run is emptied at its end", { skip: engine.name === "pglite" }, async () => {
      gate = { reached: Promise.withResolvers<void>(), open: Promise.withResolvers<void>() };
      attempts = 0;
      await running(async (post) => {
        assert.equal((await post("/lingerers", { id: "eve", name: "Eve Secretname" })).status, 204);
        await gate?.reached.promise;
        await stopped(async ({ desk }) => {
          const { report } = await desk.erase("eve", "olga");
          assert.deepEqual(report.services[0]?.runs, { found: 1, emptied: 0, underWay: ["slow:eve"] });
        });
        gate?.open.resolve();
        await ended(1);
      });
      assert.equal(attempts, 2);
      await stopped(async ({ rows }) => assert.deepEqual((await rows())["slow:eve"], { id: "slow:eve", state: "completed", input: null, output: null, subjects: [], results: null }));
    });

    test("a run whose start is under way while its person is erased is started anew, and comes to its end", { skip: engine.name === "pglite" }, async () => {
      gate = undefined;
      starting = { reached: Promise.withResolvers<void>(), open: Promise.withResolvers<void>() };
      startings = 0;
      await running(async (post) => {
        // One whose key is there already, so that the command seals under it and makes none.
        assert.equal((await post("/restless", { person: "fay" })).status, 204);
        await ended(1);
        const lingering = post("/lingerers", { id: "fay", name: "Fay Secretname" });
        await starting?.reached.promise;
        await stopped(async ({ desk }) => {
          const { report } = await desk.erase("fay", "olga");
          assert.deepEqual([report.keysDestroyed, report.services[0]?.runs?.emptied], [1, 1]);
        });
        starting?.open.resolve();
        assert.equal((await lingering).status, 204);
        await ended(2);
      });
      starting = undefined;
      assert.equal(startings, 2);
      await stopped(async ({ rows, runs }) => {
        assert.deepEqual([(await rows())["slow:fay"]?.state, (await runs.show("slow:fay")).run.output], ["completed", { note: "Fay Secretname lingers" }]);
      });
    });

    test("a run under way that was restored from a copy without its key is parked, and does nothing with what is left", async () => {
      await stopped(async ({ raw, runs }) => {
        await raw("update tenon_runs set state = 'running', ended_at = null, input = to_json($2::text) where id = $1", ["stay:ada", copy["stay:ada"]?.input]);
        await runs.cancel("stay:ada", "to see what becomes of it"); // which gives it a turn
      });
      await running(() => until("/stays/ada", (seen) => seen?.state === "parked"));
      await stopped(async ({ runs }) => assert.match((await runs.show("stay:ada")).run.parkedReason ?? "", /key of a person/));
    });
  });
}

test("the subject of a workflow is a field of its input", () => {
  const wrong = workflow("wrong", { input: Stay, subject: "nobody" as "id" }, async () => undefined);
  assert.throws(() => service(contract("x", {}), { tables, migrations: new URL("runs-migrations/", import.meta.url), handlers: {}, workflows: [wrong] }), (thrown) => thrown instanceof ContractMistakes && /its subject "nobody" is no field/.test(thrown.message));
});
