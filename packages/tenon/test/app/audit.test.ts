/** What an app puts on record of its calls, over HTTP, with the key and the anchor file of development. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { type StartedApp, startApp, systemClock } from "../../src/app/index.ts";
import { type AuditRecord, DatabaseAudit, parseAuditKey, parseRecord, verifyTrail } from "../../src/audit/index.ts";
import { command, contract, personal, query, scope } from "../../src/contract/index.ts";
import type { Database } from "../../src/data/index.ts";
import { readCheckpoints } from "../../src/node/index.ts";
import { openDevelopmentIssuer } from "../../src/oidc/index.ts";
import { openPglite } from "../../src/pglite/index.ts";
import { openPostgres } from "../../src/postgres/index.ts";
import { app, service, type Service } from "../../src/service/index.ts";
import { table } from "../../src/contract/index.ts";
import { openServerDatabase, skip } from "../data/server.ts";

const Patient = z.object({ id: z.string(), name: personal(z.string()), ward: z.string() });

const clinic = contract("clinic", {
  get: query({ http: "GET /patients/{id}", access: scope("patients:read"), input: z.object({ id: z.string() }), output: Patient, errors: { NotFound: { status: 404 } } }),
  admit: command({
    http: "POST /patients",
    access: { anyOf: [{ predicate: "own ward", allows: ({ caller, input }) => caller.claims["ward"] === input.ward }, scope("patients:write")] },
    input: Patient,
    output: Patient,
    errors: { Full: { status: 409 } },
  }),
});

const clinicService = service(clinic, {
  tables: { patients: table(Patient.shape, { key: "id" }) },
  migrations: new URL("audit-migrations/", import.meta.url),
  handlers: {
    async get({ db, fail, input }) {
      const found = await db.selectFrom("patients").selectAll().where("id", "=", input.id).executeTakeFirst();
      if (found === undefined) throw fail.NotFound();
      return found;
    },
    async admit({ db, fail, input }) {
      if (input.ward === "full") throw fail.Full();
      return db.insertInto("patients").values(input).returningAll().executeTakeFirstOrThrow();
    },
  },
});

const parks = contract("parks", {
  open: command({ http: "POST /parks", access: "public", input: z.object({ id: z.string() }), output: z.object({ id: z.string() }) }),
});
const parksService = service(parks, { migrations: new URL("audit-migrations/", import.meta.url), handlers: { open: ({ input }) => input } });

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

for (const engine of engines) {
  describe(`calls on record in ${engine.name}`, { skip: engine.skip }, () => {
    let directory: string;
    let place: { readonly url: string; drop(): Promise<unknown> };
    let started: StartedApp;
    let token: (claims: Readonly<Record<string, unknown>>) => Promise<string>;

    async function start(values: Readonly<Record<string, string>> = {}): Promise<void> {
      const services: readonly Service[] = [clinicService, parksService];
      started = await startApp(app("hospital", { services }), {
        layers: [{ name: "test", values: { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", TENON_DIRECTORY: directory, TENON_CACHE: process.env["TENON_CACHE"], DATABASE_URL: place.url, ...values } }],
      });
    }

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), "tenon-audit-"));
      place = await engine.open(directory);
      await start();
      const issuer = await openDevelopmentIssuer({ directory, clock: systemClock });
      token = async (claims) => issuer.sign({ lifetimeMs: 60_000, ...claims } as never);
    });
    after(async () => {
      await started?.stop();
      await place?.drop();
      await rm(directory, { recursive: true, force: true });
    });

    async function send(path: string, { body, claims }: { readonly body?: unknown; readonly claims?: Readonly<Record<string, unknown>> } = {}): Promise<Response> {
      return fetch(`${started.url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { ...(claims === undefined ? {} : { authorization: `Bearer ${await token(claims)}` }), ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    }

    /** Stops the app, so that everything is written and sealed, and reads what there is. */
    async function onRecord(of = "clinic"): Promise<readonly AuditRecord[]> {
      await started.stop();
      const database: Database = place.url.startsWith("pglite:") ? await openPglite({ dataDir: join(directory, "database"), cacheDir: process.env["TENON_CACHE"] ?? join(directory, "cache") }) : await openPostgres({ url: place.url, poolMax: 2 });
      try {
        const store = new DatabaseAudit(database, of);
        const key = parseAuditKey(await readFile(join(directory, "audit-key.pem"), "utf8"));
        const checkpoints = (await readCheckpoints(join(directory, "audit-checkpoints.jsonl")).catch(() => [])).filter(({ service: each }) => each === of);
        const report = await verifyTrail({ store, service: of, trusted: [key], keys: [key], checkpoints });
        assert.deepEqual([report.findings, report.notes, report.pending], [[], [], 0]);
        if (report.seals > 0) assert.equal(checkpoints.at(-1)?.hash, report.last?.hash);
        return (await store.records(0, 1_000)).map(({ text }) => parseRecord(text)).filter((each) => each !== undefined);
      } finally {
        await database.close();
      }
    }

    // Whoever is refused has no input yet: nobody reads a body for somebody without the right.
    test("commands, reads of personal data and refusals: who, what, which, from where and why", async () => {
      const doctor = { subject: "dr-ada", scopes: ["patients:read", "patients:write"] };
      const admitted = await send("/patients", { body: { id: "p-1", name: "Bob Secretname", ward: "north" }, claims: doctor });
      assert.equal(admitted.status, 200, await admitted.clone().text());
      const [, traceId] = (admitted.headers.get("traceparent") ?? "").split("-");
      assert.equal((await send("/patients/p-1", { claims: doctor })).status, 200);
      assert.equal((await send("/patients/p-1", { claims: doctor })).status, 200);
      assert.equal((await send("/patients/p-2", { claims: doctor })).status, 404);
      assert.equal((await send("/patients", { body: { id: "p-3", name: "Eve Secretname", ward: "full" }, claims: doctor })).status, 409);
      assert.equal((await send("/patients/p-1")).status, 401);
      assert.equal((await send("/patients/p-1", { claims: { subject: "mallory" } })).status, 403);
      assert.equal((await send("/parks", { body: { id: "x" } })).status, 200);

      const records = await onRecord();
      assert.ok(!JSON.stringify(records).includes("Secretname"), "no classified value is on record");
      const lines = records.map(({ action, actor, allowedBy, code, details, outcome, times = 1 }) => [actor.subject || actor.kind, action, outcome, code ?? "", allowedBy ?? "", details?.["id"] ?? "", times]);
      assert.deepEqual(lines.toSorted((a, b) => String(a).localeCompare(String(b))), [
        ["anonymous", "clinic.get", "refused", "unauthenticated", "", "", 1],
        ["dr-ada", "clinic.admit", "done", "", "scope patients:write", "", 1],
        ["dr-ada", "clinic.admit", "failed", "Full", "", "", 1],
        ["dr-ada", "clinic.get", "done", "", "scope patients:read", "p-1", 2],
        ["dr-ada", "clinic.get", "failed", "NotFound", "", "p-2", 1],
        ["mallory", "clinic.get", "refused", "permission_denied", "needs the scope patients:read", "", 1],
      ].toSorted((a, b) => String(a).localeCompare(String(b))));
      const done = records.find(({ action }) => action === "clinic.admit");
      assert.match(done?.address ?? "", /127\.0\.0\.1/);
      assert.equal(done?.actor.kind, "person");
      if (traceId !== undefined && traceId !== "") assert.equal(done?.traceId, traceId);
      assert.match(done?.traceId ?? "", /^[0-9a-f]{32}$/);
    });

    test("a service in which nothing is classified is on record where AUDIT is all, and nobody where it is off", async () => {
      await start({ AUDIT: "all" });
      assert.equal((await send("/parks", { body: { id: "y" } })).status, 200);
      assert.deepEqual((await onRecord("parks")).map(({ action, allowedBy }) => [action, allowedBy]), [["parks.open", "public"]]);
      const before = (await onRecord()).length;
      await start({ AUDIT: "off" });
      assert.equal((await send("/patients/p-1")).status, 401);
      assert.equal((await onRecord()).length, before);
    });
  });
}
