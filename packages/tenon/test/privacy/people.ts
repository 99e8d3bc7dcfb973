/** A service with encrypted columns, for tests: its tables, its keys, and calls to it without the rest of the platform. */
import { randomBytes } from "node:crypto";
import * as z from "zod";
import { Call, type Handler } from "../../src/calls/index.ts";
import { command, contract, type Operation, personal, query, sensitive, table } from "../../src/contract/index.ts";
import { type Database, type Db, migrate, openServiceData, toMigration, withSession } from "../../src/data/index.ts";
import type { Clock } from "../../src/kernel/index.ts";
import { localKeyWrapper, MasterKeys, openVault, type Vault } from "../../src/privacy/index.ts";

const input = z.object({});
export const people = contract("people", {
  get: query({ access: "public", input }),
  put: command({ access: "public", input, output: z.unknown() }),
  settle: command({ access: "public", input, isolation: "serializable" }),
});

export const tables = {
  people: table(
    {
      id: z.string(),
      name: personal(z.string()),
      email: personal(z.email()),
      born: personal(z.iso.date()).nullable(),
      height: personal(z.int()).nullable(),
      details: z.object({ shoe: personal(z.int()), likes: z.array(z.string()) }).nullable(),
      visits: z.int(),
    },
    { key: "id", subject: "id", defaults: ["visits", "born", "height", "details"], blindIndex: { email: "ignore-case" } },
  ),
  checkups: table({ id: z.uuid(), personId: z.string(), line: z.int(), finding: sensitive(z.string()), room: z.string() }, { key: ["id", "line"], subject: "personId" }),
  rooms: table({ room: z.string(), name: z.string() }, { key: "room" }),
};

export const peopleMigrations = [
  toMigration(
    "0001_people.sql",
    `create table people (
      id text primary key,
      name text not null,
      email text not null,
      email_index text unique,
      born text,
      height text,
      details jsonb,
      visits int not null default 0
    );
    create table checkups (
      id uuid not null,
      person_id text not null,
      line int not null,
      finding text not null,
      room text not null,
      primary key (id, line)
    );
    create table rooms (room text primary key, name text not null);`,
  ),
];

export const clock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

export interface Context {
  readonly db: Db<typeof tables>;
}

export interface PeopleService {
  readonly vault: Vault;
  run<T>(operation: Operation, handler: (context: Context) => Promise<T>): Promise<T>;
  /** A statement as the owner of the database would give it. */
  raw(text: string, parameters?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export function newMaster(): MasterKeys {
  return new MasterKeys(localKeyWrapper(randomBytes(32), randomBytes));
}

export async function openPeople(database: Database, options: { readonly masters?: MasterKeys; readonly plainValues?: "accepted" | "refused" } = {}): Promise<PeopleService> {
  const { masters = newMaster(), plainValues = "refused" } = options;
  await migrate(database, [{ service: "people", migrations: peopleMigrations }]);
  const { vault } = await openVault({ database, masters, clock, randomBytes, plainValues });
  const data = await openServiceData({ database, service: "people", tables, vault, clock, random: Math.random, sessionWaitMaxMs: 3_000 });
  return {
    vault,
    async run(operation, handler) {
      const call = new Call({ operation, id: "test", startedAtMs: performance.now(), input: {} });
      const end: Handler = (current) => handler({ db: operation.kind === "command" ? data.workOf(current).db : data.reader(current) });
      return (await data.transaction.compile(operation, end)(call)) as never;
    },
    async raw(text, parameters = []) {
      return withSession(database, { service: "people", mode: "admin" }, async (session) => {
        await session.query("select set_config('search_path', 'people, public', false)", []);
        const { rows } = await session.query(text, parameters);
        await session.query("select set_config('search_path', 'public', false)", []);
        return rows;
      });
    },
  };
}

export const ada = { id: "ada", name: "Ada Lovelace", email: "Ada@example.com", born: "1815-12-10", height: 165, details: { shoe: 38, likes: ["engines", "it's"] } };
export const bob = { id: "bob", name: "Bob Übel", email: "bob@example.com" };
