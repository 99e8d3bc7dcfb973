/**
 * What a thief gets: marked values stand in every classified field of the shop, its customers do what they do, and then the
 * database is dumped, and the dump, the log and all telemetry are searched for the marks. Then one customer is erased, and
 * the copies from before are opened with the keys that are left.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { openSubjectDesk, type StartedApp, startApp, systemClock } from "../../src/app/index.ts";
import { Call, type CallStart, type Handler } from "../../src/calls/index.ts";
import type { Operation } from "../../src/contract/index.ts";
import { runStatement } from "../../src/data/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { createTestDatabase, openPostgres, type TestDatabase } from "../../src/postgres/index.ts";
import { localKeyWrapper, MasterKeys, openVault, rotateMaster, type SubjectReport } from "../../src/privacy/index.ts";
import { app, type Service } from "../../src/service/index.ts";
import type { TelemetrySink } from "../../src/telemetry/index.ts";
import { accounts } from "../../../../examples/shop/accounts/contract.ts";
import accountsService from "../../../../examples/shop/accounts/service.ts";
import catalogService from "../../../../examples/shop/catalog/service.ts";
import inventoryService from "../../../../examples/shop/inventory/service.ts";
import { orders } from "../../../../examples/shop/orders/contract.ts";
import ordersService from "../../../../examples/shop/orders/service.ts";
import paymentsService from "../../../../examples/shop/payments/service.ts";
import { Provider } from "../../../../examples/shop/provider/server.ts";
import { serverUrl, skip } from "../data/server.ts";
import lettersService, { heard, letters } from "./letters-service.ts";

const run = promisify(execFile);
const shop = app("shop", { services: [accountsService, catalogService, inventoryService, ordersService, paymentsService, lettersService] as readonly Service[] });

/** Everything that Rosa enters. Each value stands nowhere else. */
const rosa = {
  subject: "rosa-1",
  name: "Rosa Markzettel",
  email: "rosa.markzettel@example.org",
  address: { recipient: "Rosa M. Zettelmark", street: "Markierte Gasse 77", postalCode: "Z-77077", city: "Markstadt", country: "DE" },
  second: { recipient: "Rosa Office-Mark", street: "Zweitmark Allee 9", postalCode: "Z-99099", city: "Zweitmarkstadt", country: "DE" },
  letters: { email: "rosa.letters.mark@example.org", wishes: ["wish-mark-one", "wish-mark-two"] },
};
const marks = [rosa.name, rosa.email, rosa.letters.email, ...rosa.letters.wishes, ...[rosa.address, rosa.second].flatMap(({ city, postalCode, recipient, street }) => [recipient, street, postalCode, city]), "tok_visa"];

function marksIn(text: string): readonly string[] {
  const lower = text.toLowerCase();
  return marks.filter((mark) => lower.includes(mark.toLowerCase()) || lower.includes(Buffer.from(mark).toString("hex")) || lower.includes(Buffer.from(mark).toString("base64").replaceAll("=", "").toLowerCase()));
}

describe("stolen copies of the shop", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "tenon-stolen-"));
  const logFile = join(directory, "log");
  const masterKey = randomBytes(32).toString("base64");
  const said: string[] = [];
  const provider = new Provider({ key: "sk_test" });
  let made: TestDatabase;
  let started: StartedApp;
  let wholeDump = "";
  let dataDump = "";
  let report: SubjectReport | undefined;
  let orderId = "";

  async function start(url: string): Promise<StartedApp> {
    const say = (what: string) => (values: readonly unknown[]) => void said.push(`${what} ${JSON.stringify(values)}`);
    const sink: TelemetrySink = { logs: say("records"), spans: say("spans"), metrics: say("metrics") };
    const env = { TENON_MODE: "development", TENON_DIRECTORY: directory, DATABASE_URL: url, DATABASE_POOL_MAX: "2", PRIVACY_MASTER_KEY: masterKey, PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "debug", PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${providerPort}`, PAYMENTS_PROVIDER_KEY: "sk_test", PAYMENTS_PROVIDER_TIMEOUT_MS: "20000", PAYMENTS_WEBHOOK_SECRET: "whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdHMtYWxvbmU=" };
    return startApp(shop, { layers: [{ name: "test", values: env }], output: { isTerminal: false, hasColors: false, fd: openSync(logFile, "a") }, telemetry: [sink], seed: "yes" });
  }
  let providerPort = 0;

  before(async () => {
    providerPort = await provider.listen(0);
    made = await createTestDatabase(serverUrl);
    started = await start(made.url);
  });
  after(async () => {
    await started.stop();
    await provider.close();
    await made.drop();
  });

  async function call<T>(operation: Operation, input: unknown, { subject = rosa.subject, ...more }: Partial<CallStart> & { readonly subject?: string } = {}, at = started): Promise<T> {
    const caller = { kind: "person", subject, issuer: "urn:test", scopes: new Set<string>(), roles: new Set(subject === "olga" ? ["admin"] : []), claims: {} } as const;
    const made = new Call({ operation, id: randomUUID(), startedAtMs: systemClock.elapsedMs(), input, caller, ...more });
    return (await (at.open.directory.find(operation.id) as Handler)(made)) as T;
  }

  async function desk<T>(work: (desk: Awaited<ReturnType<typeof openSubjectDesk>>["desk"]) => Promise<T>, url = made.url): Promise<T> {
    const database = await openPostgres({ url, poolMax: 2 });
    const opened = await openSubjectDesk(shop, { config: { ...started.config, databaseUrl: url }, database, clock: systemClock, log: started.log });
    try {
      return await work(opened.desk);
    } finally {
      await opened.close();
      await database.close();
    }
  }

  const dump = async (...options: readonly string[]): Promise<string> => (await run("pg_dump", ["--no-owner", "--no-privileges", ...options, made.url], { maxBuffer: 1 << 28 })).stdout;

  test("customers live in the shop, and get back what they entered", async () => {
    const key = randomUUID();
    await call(accounts.signUp, { name: rosa.name, email: rosa.email }, { idempotencyKey: key });
    const again = await call<{ name: string }>(accounts.signUp, { name: rosa.name, email: rosa.email }, { idempotencyKey: key });
    assert.equal(again.name, rosa.name); // the first answer, opened
    const address = await call<{ id: string }>(accounts.addAddress, rosa.address, { idempotencyKey: randomUUID() });
    const second = await call<{ id: string }>(accounts.addAddress, rosa.address);
    await call(accounts.updateAddress, { ...rosa.second, id: second.id });
    await call(orders.addToCart, { sku: "SKU-0001", quantity: 1 });
    ({ id: orderId } = await call<{ id: string }>(orders.checkout, { card: "tok_visa", addressId: address.id }, { idempotencyKey: randomUUID() }));
    await call(letters.subscribe, { readerId: rosa.subject, ...rosa.letters }, { idempotencyKey: randomUUID() });
    await started.open.settled();
    const order = await call<{ status: string; shipTo: object }>(orders.get, { id: orderId });
    assert.deepEqual([order.status, order.shipTo], ["paid", rosa.address]);
    assert.deepEqual((heard[0] as { email: string; wishes: readonly string[] }).wishes, rosa.letters.wishes);
    const found = await call<{ items: readonly { id: string }[] }>(accounts.list, { search: "markzettel" }, { subject: "olga" });
    assert.deepEqual(found.items.map(({ id }) => id), [rosa.subject]);
  });

  test("a dump of the whole database holds none of it, nor do the log and telemetry", async () => {
    started.open.spans.flush();
    wholeDump = await dump();
    dataDump = await dump("--exclude-schema=tenon_privacy");
    
    for (const table of ["tenon_events", "tenon_dead_letters", "tenon_answers", "tenon_runs"]) assert.ok(new RegExp(`COPY letters\\.${table} [^\\n]+\\n[^\\\\\\n]*tenon:1:`).test(wholeDump), table);
    assert.deepEqual(marksIn(wholeDump), []);
    started.log.info("the last line");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const telemetry = `${readFileSync(logFile, "utf8")}\n${said.join("\n")}`;
    assert.ok(telemetry.includes("accounts.signUp"));
    assert.deepEqual(marksIn(telemetry), []);
  });

  test("an export has what the person entered, from every service, and is signed", async () => {
    await desk(async (at) => {
      const exported = await at.export(rosa.subject, "olga");
      const { accounts: own, letters: mail, orders: bought } = exported.services;
      const [account] = (own?.tables["accounts"] ?? []) as readonly { name: string; email: string }[];
      assert.deepEqual([account?.name, account?.email], [rosa.name, rosa.email]);
      const addresses = ((own?.tables["addresses"] ?? []) as readonly Record<string, unknown>[]).map(({ city, country, postalCode, recipient, street }) => ({ recipient, street, postalCode, city, country }));
      assert.deepEqual(new Set(addresses.map((each) => JSON.stringify(each))), new Set([rosa.address, rosa.second].map((each) => JSON.stringify(each))));
      assert.deepEqual(((bought?.tables["orders"] ?? []) as readonly { shipTo: object }[])[0]?.shipTo, rosa.address);
      assert.deepEqual(mail?.tables["readers"], [{ readerId: rosa.subject, ...rosa.letters }]);
      const kept = mail?.kept.map(({ table }) => table) ?? [];
      for (const table of ["tenon_events", "tenon_dead_letters", "tenon_answers"]) assert.ok(kept.includes(table), table);
      const event = mail?.kept.find(({ table }) => table === "tenon_events")?.data as { email: string; wishes: unknown };
      assert.deepEqual([event.email, event.wishes], [rosa.letters.email, rosa.letters.wishes]);
      assert.deepEqual(await at.verify(exported.jws), JSON.parse(JSON.stringify(exported.report)));
      assert.equal(await at.verify(`${exported.jws.slice(0, -6)}AAAAAA`), undefined);
    });
  });

  test("a hold keeps it from being erased, and a restriction from being used", async () => {
    await desk(async (at) => {
      await at.hold(rosa.subject, "file 12 O 34/26", "olga");
      await assert.rejects(at.erase(rosa.subject, "olga"), (thrown) => thrown instanceof Fault && thrown.code === "conflict" && thrown.message.includes("file 12 O 34/26"));
      await at.hold(rosa.subject, undefined, "olga");
      await at.restrict(rosa.subject, "restricted", "olga");
      const isRefused = (thrown: unknown): boolean => thrown instanceof Fault && thrown.code === "permission_denied";
      await untilRejected(() => call(accounts.me, undefined), isRefused);
      assert.equal((((await at.export(rosa.subject, "olga")).services["accounts"]?.tables["accounts"] ?? []) as readonly { name: string }[])[0]?.name, rosa.name);
      await at.restrict(rosa.subject, "free", "olga");
    });
    await untilDone(() => call(accounts.me, undefined));
  });

  test("an erasure leaves what the law asks for, says so, and nothing else", async () => {
    await desk(async (at) => {
      const erased = await at.erase(rosa.subject, "olga");
      ({ report } = erased);
      const outcome = (service: string, table: string) => report?.services.find((each) => each.service === service)?.tables.find((each) => each.table === table);
      assert.deepEqual(outcome("accounts", "accounts"), { table: "accounts", found: 1, done: "deleted" });
      assert.deepEqual(outcome("accounts", "addresses"), { table: "addresses", found: 2, done: "deleted" });
      assert.equal(outcome("orders", "orders")?.done, "kept without encrypted values");
      assert.match(outcome("orders", "orders")?.ground ?? "", /HGB/);
      assert.equal(report?.services.find(({ service }) => service === "letters")?.unreadable["tenon_events"], 1);
      assert.equal(report?.keysDestroyed, 1);
      assert.deepEqual(await at.verify(erased.jws), JSON.parse(JSON.stringify(report)));
      assert.deepEqual((await at.export(rosa.subject, "olga")).services["accounts"]?.tables["addresses"], undefined);
    });
    await assert.rejects(call(accounts.me, undefined), (thrown) => (thrown as { reason?: string }).reason === "NoProfile");
    const kept = await call<{ shipTo: unknown; totalCents: number }>(orders.adminGet, { id: orderId }, { subject: "olga" });
    assert.equal(kept.shipTo, null);
    assert.ok(kept.totalCents > 0);
  });

  test("a backup from before, with the keys that are left, shows others and not the erased one", async () => {
    const keys = await dump("--schema=tenon_privacy");
    const restored = await createTestDatabase(serverUrl);
    try {
      for (const [name, text] of [["data", dataDump], ["keys", keys]] as const) {
        const file = join(directory, `${name}.sql`);
        writeFileSync(file, text);
        await run("psql", ["--quiet", "--set=ON_ERROR_STOP=1", `--dbname=${restored.url}`, `--file=${file}`], { maxBuffer: 1 << 26 });
      }
      const old = await start(restored.url);
      try {
        assert.equal((await call<{ name: string }>(accounts.get, { id: "alice" }, { subject: "olga" }, old)).name, "Alice Archer");
        const [row] = (await runStatement(await openPostgresOf(restored.url), { service: "", mode: "admin", text: "select name from accounts.accounts where id = $1", parameters: [rosa.subject] })).rows;
        assert.match(String(row?.["name"]), /^tenon:1:/); // it is there
        const answer = await call(accounts.get, { id: rosa.subject }, { subject: "olga" }, old).catch((thrown: unknown) => JSON.stringify([String(thrown), String((thrown as Error).cause)]));
        assert.deepEqual(marksIn(JSON.stringify(answer)), []);
        const exported = await desk((at) => at.export(rosa.subject, "olga"), restored.url);
        assert.ok((exported.services["accounts"]?.tables["addresses"]?.length ?? 0) === 2);
        assert.deepEqual(marksIn(JSON.stringify(exported)), []);
      } finally {
        await old.stop();
        for (const close of openDatabases.splice(0)) await close();
      }
    } finally {
      await restored.drop();
    }
  });

  test("once the master key was rotated and the old one destroyed, not even a backup of the keys opens anything", async () => {
    const restored = await createTestDatabase(serverUrl);
    try {
      const file = join(directory, "whole.sql");
      writeFileSync(file, wholeDump);
      await run("psql", ["--quiet", "--set=ON_ERROR_STOP=1", `--dbname=${restored.url}`, `--file=${file}`], { maxBuffer: 1 << 26 });
      const next = localKeyWrapper(randomBytes(32), randomBytes);
      const former = localKeyWrapper(Buffer.from(masterKey, "base64"), randomBytes);
      const live = await openPostgresOf(made.url);
      const rotated = await rotateMaster(live, new MasterKeys(next, [former]));
      assert.ok(rotated > 60, String(rotated));
      assert.equal(await rotateMaster(live, new MasterKeys(next, [former])), 0);
      await openVault({ database: live, masters: new MasterKeys(next), clock: systemClock, randomBytes }); // the live one goes on without the old master
      const isRefused = (thrown: unknown): boolean => thrown instanceof Fault && /master key/.test(thrown.message);
      await assert.rejects(openVault({ database: await openPostgresOf(restored.url), masters: new MasterKeys(next), clock: systemClock, randomBytes }), isRefused);
    } finally {
      for (const close of openDatabases.splice(0)) await close();
      await restored.drop();
    }
  });
});

const openDatabases: (() => Promise<void>)[] = [];

async function openPostgresOf(url: string) {
  const database = await openPostgres({ url, poolMax: 2 });
  openDatabases.push(() => database.close());
  return database;
}

/** Other processes hear of it a moment later. */
async function untilRejected(attempt: () => Promise<unknown>, how: (thrown: unknown) => boolean): Promise<void> {
  for (let tries = 0; ; tries++) {
    const thrown = await attempt().then(() => undefined, (error: unknown) => error);
    if (thrown !== undefined && how(thrown)) return;
    assert.ok(tries < 100, `it was not refused: ${String(thrown)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function untilDone(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await attempt().then(() => true, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await attempt();
}
