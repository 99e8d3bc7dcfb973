/**
 * The rights of a person as operations of an app, over HTTP, with real tokens and PostgreSQL: two services in two
 * processes' worth of parts, one of which is down when it is asked, and takes part when it comes back.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openSubjectDesk, type StartedApp, startApp, systemClock } from "../../src/app/index.ts";
import { contract, ContractMistakes, type Operation, role, type Schema } from "../../src/contract/index.ts";
import { compareTables } from "../../src/data/index.ts";
import { call, settled, test as testService } from "../../src/app/testing.ts";
import { openDevelopmentIssuer } from "../../src/oidc/index.ts";
import { openPostgres } from "../../src/postgres/index.ts";
import type { SubjectReport, SubjectRequestView } from "../../src/privacy/index.ts";
import { app, service } from "../../src/service/index.ts";
import { openServerDatabase, type ServerDatabase, skip } from "../data/server.ts";
import { billsService, peopleService, shop } from "./rights-services.ts";

describe("rights of a person as operations", { skip }, () => {
  const masterKey = randomBytes(32).toString("base64");
  let directory: string;
  let place: ServerDatabase;
  let main: StartedApp;
  let bills: StartedApp;
  let tokenOf: (roles: readonly string[]) => Promise<string>;

  async function start(only: string): Promise<StartedApp> {
    return startApp(shop, { layers: [{ name: "test", values: { PORT: "0", SERVICES_PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", TENON_DIRECTORY: directory, DATABASE_URL: place.url, DATABASE_POOL_MAX: "3", PRIVACY_MASTER_KEY: masterKey, SERVICES_ONLY: only } }], migrate: "always" });
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-rights-"));
    place = await openServerDatabase();
    const both = await startApp(shop, { layers: [{ name: "test", values: { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", TENON_DIRECTORY: directory, DATABASE_URL: place.url, PRIVACY_MASTER_KEY: masterKey } }] });
    await both.stop(); // every schema is there
    main = await start("people,subjects");
    bills = await start("bills");
    const issuer = await openDevelopmentIssuer({ directory, clock: systemClock });
    tokenOf = async (roles) => issuer.sign({ subject: roles.includes("privacy") ? "olga" : "ada", roles });
  });
  after(async () => {
    await bills?.stop();
    await main?.stop();
    await place?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  async function send(path: string, body?: object, roles: readonly string[] = ["privacy"]): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const response = await fetch(`${main.url}${path}`, { method: body === undefined ? "GET" : "POST", headers: { authorization: `Bearer ${await tokenOf(roles)}`, "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
  }

  async function view(id: unknown): Promise<SubjectRequestView> {
    const { body, status } = await send(`/subjects/requests/${String(id)}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body as unknown as SubjectRequestView;
  }

  async function until(id: unknown, isThere: (seen: SubjectRequestView) => boolean): Promise<SubjectRequestView> {
    for (let tries = 0; ; tries++) {
      const seen = await view(id);
      if (isThere(seen)) return seen;
      assert.ok(tries < 200, JSON.stringify(seen));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function joinAndBill(id: string, name: string): Promise<void> {
    assert.equal((await send("/people", { id, name })).status, 204);
    for (let tries = 0; (await raw("select 1 from bills.bills where person_id = $1", [id])).length === 0; tries++) {
      assert.ok(tries < 200, "there is no bill");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function raw(text: string, parameters: readonly unknown[] = []): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const session = await place.database.acquire({ service: "", mode: "admin", timeoutMs: 5_000 });
    try {
      return (await session.query(text, parameters)).rows;
    } finally {
      session.release();
    }
  }

  async function reportIn(jws: string | undefined): Promise<SubjectReport> {
    const database = await openPostgres({ url: place.url, poolMax: 2 });
    const { close, desk } = await openSubjectDesk(shop, { config: main.config, database, clock: systemClock, log: main.log });
    try {
      return (await desk.verify(jws ?? "")) as SubjectReport;
    } finally {
      await close();
      await database.close();
    }
  }

  const stateOf = (seen: SubjectRequestView, name: string) => seen.services.find(({ service: each }) => each === name)?.state;

  test("who has not the right is refused, and nobody is found where nobody is", async () => {
    await joinAndBill("ada", "Ada Lovelace");
    for (const path of ["export", "erase", "restrict", "unrestrict", "hold", "release"]) assert.equal((await send(`/subjects/ada/${path}`, { reason: "x" }, ["staff"])).status, 403, path);
    assert.equal((await send("/subjects/requests/3f0d5b9e-0f6e-4e0c-8f0e-3f3b1f4a2a10", undefined, ["staff"])).status, 403);
    assert.equal((await send("/subjects/requests/3f0d5b9e-0f6e-4e0c-8f0e-3f3b1f4a2a10")).status, 404);
    assert.equal((await send("/subjects/requests/nonsense")).status, 404);
    assert.equal((await send("/subjects/ada/hold", {})).status, 400);
    assert.equal((await raw("select 1 from subjects.requests")).length, 0);
  });

  test("an export waits for a service that is down, and has what was entered when it has come back", async () => {
    await bills.stop();
    const asked = await send("/subjects/ada/export", {});
    assert.equal(asked.status, 202);
    const waiting = await until(asked.body["id"], (seen) => stateOf(seen, "people") === "done");
    assert.deepEqual([waiting.state, stateOf(waiting, "bills"), waiting.report, waiting.data], ["working", "waiting", undefined, undefined]);
    assert.deepEqual((await send("/subjects/ada/export", {})).body, asked.body, "who asks again is told of the one under way");

    bills = await start("bills");
    const done = await until(asked.body["id"], ({ state }) => state === "done");
    const data = done.data as Readonly<Record<string, { readonly tables: object; readonly kept: readonly { readonly table: string; readonly data: unknown }[] }>>;
    assert.deepEqual(data["people"]?.tables, { people: [{ id: "ada", name: "Ada Lovelace" }] });
    assert.deepEqual(data["bills"]?.tables, { bills: [{ id: "bill-ada", personId: "ada", address: "Lane of Ada Lovelace", cents: 990 }] });
    assert.deepEqual(data["people"]?.kept.find(({ table: each }) => each === "tenon_events")?.data, { id: "ada", name: "Ada Lovelace" });
    const report = await reportIn(done.report);
    assert.deepEqual([report.kind, report.by, report.id, report.services.map(({ service: each }) => each)], ["export", "olga", asked.body["id"], ["bills", "people"]]);
    const kept = await raw("select data from subjects.parts");
    assert.ok(kept.length === 2 && kept.every((row) => String(row["data"]).startsWith("tenon:1:")), "what was exported is sealed");
  });

  test("restricted data is exported, and otherwise not used", async () => {
    const { body, status } = await send("/subjects/ada/restrict", {});
    assert.equal(status, 200);
    assert.match(String(body["restrictedAt"]), /^\d{4}-/);
    const asked = await send("/subjects/ada/export", {});
    const done = await until(asked.body["id"], ({ state }) => state === "done");
    assert.match(JSON.stringify(done.data), /Ada Lovelace/);
    assert.equal((await send("/subjects/ada/unrestrict", {})).body["restrictedAt"], undefined);
  });

  test("a hold refuses an erasure, also one that is under way", async () => {
    const held = await send("/subjects/ada/hold", { reason: "file 12 O 34/26" });
    assert.deepEqual([held.status, held.body["holdReason"]], [200, "file 12 O 34/26"]);
    assert.equal((await send("/subjects/ada/erase", {})).status, 409);
    assert.equal((await send("/subjects/ada/release", {})).body["heldAt"], undefined);

    await bills.stop();
    assert.equal((await send("/people", { id: "cy", name: "Cy Young" })).status, 204); // of whom the other service has not heard yet
    const asked = await send("/subjects/cy/erase", {});
    await until(asked.body["id"], (seen) => stateOf(seen, "people") === "done");
    await send("/subjects/cy/hold", { reason: "a lawsuit" });
    bills = await start("bills");
    const ended = await until(asked.body["id"], ({ state }) => state === "held");
    assert.deepEqual([ended.report, stateOf(ended, "bills")], [undefined, "waiting"]);
    assert.equal((await raw("select 1 from tenon_privacy.keys where subject = 'cy' and wrapped is not null")).length, 1);
  });

  test("the key is destroyed when the last service has done its part, and the report says what each did", async () => {
    await bills.stop();
    const asked = await send("/subjects/ada/erase", {});
    assert.equal(asked.status, 202);
    await until(asked.body["id"], (seen) => stateOf(seen, "people") === "done");
    assert.deepEqual(await raw("select id from people.people where id = 'ada'"), []);
    const keys = (): Promise<readonly unknown[]> => raw("select 1 from tenon_privacy.keys where purpose = 'subject' and subject = 'ada' and wrapped is not null");
    assert.equal((await keys()).length, 1, "what the other service holds can still be read");

    bills = await start("bills");
    const done = await until(asked.body["id"], ({ state }) => state === "done");
    assert.equal((await keys()).length, 0);
    assert.deepEqual(await raw("select address, cents from bills.bills where id = 'bill-ada'"), [{ address: null, cents: 990 }]);
    const report = await reportIn(done.report);
    assert.deepEqual([report.kind, report.keysDestroyed, report.by], ["erasure", 1, "olga"]);
    const tableOf = (name: string) => report.services.find(({ service: each }) => each === name);
    assert.deepEqual(tableOf("people")?.tables, [{ table: "people", found: 1, done: "deleted" }]);
    assert.deepEqual(tableOf("bills")?.tables, [{ table: "bills", found: 1, done: "kept without encrypted values", ground: "HGB § 257" }]);
    assert.ok((tableOf("people")?.unreadable["tenon_events"] ?? 0) >= 1);
    assert.deepEqual(await raw("select data from subjects.parts where data is not null and request in (select id from subjects.requests where subject = 'ada')"), [], "earlier exports went along");
    assert.equal((await raw("select 1 from subjects.tenon_audit where entry::text like '%subjects.erase%'")).length > 0, true);
  });

  test("a part that fails, and one that was given up, is named with since when and why, by the operation and in a signed report", async () => {
    await joinAndBill("dora", "Dora Marsh");
    await raw("create table people.badges (person text references people.people (id))");
    await raw("insert into people.badges values ('dora')");
    const asked = await send("/subjects/dora/erase", {});
    const partOf = (seen: SubjectRequestView) => seen.services.find(({ service: each }) => each === "people");
    const trying = await until(asked.body["id"], (seen) => stateOf(seen, "people") === "trying" && stateOf(seen, "bills") === "done");
    const part = partOf(trying);
    assert.ok(part?.state === "trying" && (part.attempts ?? 0) >= 1);
    assert.match(part.since, /^\d{4}-/);
    assert.match(part.why ?? "", /people\.people cannot be deleted/);
    assert.equal(trying.report, undefined);
    const interim = await reportIn(trying.interimReport);
    assert.deepEqual([interim.services.map(({ service: each }) => each), interim.keysDestroyed], [["bills"], 0]);
    assert.deepEqual(interim.outstanding?.map(({ service: each, state }) => [each, state]), [["people", "trying"]]);

    // Given up: what its last attempt would do with it.
    await main.stop();
    await raw("insert into people.tenon_dead_letters (subscription, id, source, type, version, key, time, data, trace, received_at, attempts, error) select subscription, id, source, type, version, key, time, data, trace, received_at, 10, error from people.tenon_inbox where subscription = 'tenon-subject-rights'");
    await raw("delete from people.tenon_inbox where subscription = 'tenon-subject-rights'");
    main = await start("people,subjects");
    const dead = partOf(await view(asked.body["id"]));
    assert.ok(dead?.state === "dead" && dead.attempts === 10 && dead.since > part.since);
    assert.equal((await raw("select 1 from tenon_privacy.keys where subject = 'dora' and wrapped is not null")).length, 1);

    await raw("drop table people.badges");
    await main.stop();
    await raw("insert into people.tenon_inbox (subscription, lane, id, source, type, version, key, time, data) select subscription, 0, id, source, type, version, key, time, data from people.tenon_dead_letters where subscription = 'tenon-subject-rights'");
    await raw("delete from people.tenon_dead_letters");
    main = await start("people,subjects");
    const done = await until(asked.body["id"], ({ state }) => state === "done");
    const report = await reportIn(done.report);
    assert.deepEqual([report.outstanding, report.keysDestroyed, done.interimReport], [undefined, 1, undefined]);
    const onRecord = await raw("select entry -> 'actor' ->> 'subject' as actor, entry ->> 'subject' as subject from people.tenon_audit where entry ->> 'action' = 'subject.erasure' and entry ->> 'subject' = 'dora'");
    assert.deepEqual(onRecord, [{ actor: "system:people.tenon-subject-rights", subject: "dora" }]);
  });

  test("the tables of the service that serves them are as its migrations build them", async () => {
    assert.deepEqual(await compareTables(place.database, "subjects", shop.services.find(({ name }) => name === "subjects")?.tables ?? {}), []);
  });

  test("an erasure of somebody who is not there ends with a report too", async () => {
    const asked = await send("/subjects/nobody/erase", {});
    const done = await until(asked.body["id"], ({ state }) => state === "done");
    const report = await reportIn(done.report);
    assert.equal(report.keysDestroyed, 0);
  });
});

test("in the embedded database, which holds one session at a time, it is the same", async () => {
  const rights = shop.services.find(({ name }) => name === "subjects")?.contract as unknown as Readonly<Record<"erase" | "export" | "request", Operation<"command", Schema, Schema>>>;
  await using tested = testService(peopleService, { with: [billsService], subjectRights: { access: "signed-in" }, as: { subject: "olga" } });
  await tested.join({ id: "ada", name: "Ada Lovelace" });
  await settled(tested);
  const views: SubjectRequestView[] = [];
  for (const operation of [rights.export, rights.erase]) {
    const { id } = (await call(tested, operation, { subject: "ada" })) as { readonly id: string };
    await settled(tested);
    views.push((await call(tested, rights.request, { id })) as SubjectRequestView);
  }
  assert.deepEqual(views.map(({ state }) => state), ["done", "done"]);
  assert.match(JSON.stringify(views[0]?.data), /Lane of Ada Lovelace/);
  assert.deepEqual(views[1]?.services.flatMap((part) => (part.state === "done" ? part.tables : []).map(({ done, found }) => [found, done])), [[1, "deleted"], [1, "kept without encrypted values"]]);
});

test("the name of the service that serves them is taken", () => {
  const own = service(contract("subjects", {}), { handlers: {} });
  assert.throws(() => app("x", { services: [own], subjectRights: { access: role("privacy") } }), (thrown) => thrown instanceof ContractMistakes && /subjects: is in the app twice[^]*subjectRights adds/.test(thrown.message));
});
