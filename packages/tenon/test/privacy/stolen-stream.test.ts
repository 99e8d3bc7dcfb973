/**
 * What a thief gets who copies the streams of a broker: events over NATS, read from the server itself. And what is delivered
 * from such a stream once the person was erased.
 */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { openSubjectDesk, type StartedApp, startApp, systemClock } from "../../src/app/index.ts";
import { Call, type Handler } from "../../src/calls/index.ts";
import { runStatement } from "../../src/data/index.ts";
import type { SubjectDesk } from "../../src/privacy/index.ts";
import { openServerDatabase, type ServerDatabase, skip as skipDatabase } from "../data/server.ts";
import { serverUrl, skip as skipNats, TestSpace } from "../nats/server.ts";
import { shop } from "./rights-services.ts";

describe("stolen streams", { skip: skipDatabase === false ? skipNats : skipDatabase }, () => {
  const space = new TestSpace();
  const masterKey = randomBytes(32).toString("base64");
  let directory: string;
  let place: ServerDatabase;
  const running: StartedApp[] = [];

  async function start(values: Readonly<Record<string, string>>): Promise<StartedApp> {
    const common = { PORT: "0", SERVICES_PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", TENON_DIRECTORY: directory, DATABASE_URL: place.url, DATABASE_POOL_MAX: "3", PRIVACY_MASTER_KEY: masterKey, NATS_URL: serverUrl, EVENTS_PREFIX: space.prefix };
    const started = await startApp(shop, { layers: [{ name: "test", values: { ...common, ...values } }], migrate: "always" });
    running.push(started);
    return started;
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-stream-"));
    place = await openServerDatabase();
    await (await start({})).stop(); // every schema and every cursor is there
  });
  after(async () => {
    for (const each of running) await each.stop();
    await place?.drop();
    await space.drop();
    await rm(directory, { recursive: true, force: true });
  });

  async function signUp(main: StartedApp, input: { readonly id: string; readonly name: string }): Promise<void> {
    const caller = { kind: "person", subject: input.id, issuer: "urn:test", scopes: new Set<string>(), roles: new Set<string>(), claims: {} } as const;
    const operation = shop.services[0]?.contract as unknown as Readonly<Record<"join", Call["operation"]>>;
    await (main.open.directory.find("people.join") as Handler)(new Call({ operation: operation.join, id: randomUUID(), startedAtMs: systemClock.elapsedMs(), input, caller }));
  }

  /** Every message of every stream of the app. */
  async function messages(): Promise<readonly string[]> {
    const connection = await connect({ servers: serverUrl });
    try {
      const manager = await jetstreamManager(connection);
      const found: string[] = [];
      for await (const name of manager.streams.names()) {
        if (!name.startsWith(`${space.prefix}-`)) continue;
        const { state } = await manager.streams.info(name);
        for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
          const message = await manager.streams.getMessage(name, { seq });
          if (message !== null) found.push(`${message.subject} ${JSON.stringify([...message.header])} ${new TextDecoder().decode(message.data)}`);
        }
      }
      return found;
    } finally {
      await connection.close();
    }
  }

  async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; tries < 200; tries++) {
      const found = await look();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return assert.fail("it did not come");
  }

  async function atDesk<T>(main: StartedApp, work: (desk: SubjectDesk) => Promise<T>): Promise<T> {
    const { close, desk } = await openSubjectDesk(shop, { config: main.config, database: place.database, clock: systemClock, log: main.log });
    try {
      return await work(desk);
    } finally {
      await close();
    }
  }

  const billOf = async (id: string) => (await runStatement(place.database, { service: "", mode: "admin", text: "select address from bills.bills where person_id = $1", parameters: [id] })).rows[0];

  test("hold nothing plain, and what comes from them after an erasure says that it was erased", async () => {
    const main = await start({ SERVICES_ONLY: "people,subjects" });
    for (const input of [{ id: "ada", name: "Ada Markovna" }, { id: "bob", name: "Bob Markovich" }]) await signUp(main, input);
    const stolen = await until(async () => {
      const found = (await messages()).filter((each) => each.includes("people.joined"));
      return found.length >= 2 ? found : undefined;
    });
    assert.equal(stolen.length, 2);
    for (const each of stolen) {
      assert.match(each, /tenon:1:/);
      assert.doesNotMatch(each, /Markov/);
      for (const name of ["Ada Markovna", "Bob Markovich"]) assert.ok(!each.includes(Buffer.from(name).toString("base64").replaceAll("=", "")));
    }

    // Ada is erased while the other service, which has heard of nobody, is down.
    const { report } = await atDesk(main, (desk) => desk.erase("ada", "olga"));
    assert.equal(report.keysDestroyed, 1);
    assert.equal((await messages()).length >= 2, true); // the stream still has it
    await start({ SERVICES_ONLY: "bills" });
    await until(() => billOf("bob"));
    await until(() => billOf("ada"));
    const exported = await atDesk(main, (desk) => Promise.all(["ada", "bob"].map((subject) => desk.export(subject, "olga"))));
    const addresses = exported.map(({ services }) => (services["bills"]?.tables["bills"] ?? []).map((bill) => (bill as { readonly address: string }).address));
    assert.deepEqual(addresses, [["Lane of [erased]"], ["Lane of Bob Markovich"]]);
  });
});
