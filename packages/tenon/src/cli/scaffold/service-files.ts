/**
 * The files of a new service: a contract of three operations, its rows, its handlers and its test. Small enough to be
 * read in two minutes, and each line is one that a real service has too.
 */
import type { ServiceNames } from "./service-names.ts";
import type { NewFile } from "./write-files.ts";

export interface ServicePlace {
  /** The service's directory, from the project's. */
  readonly directory: string;
  /** The file of its test, from the project's directory. */
  readonly test: string;
  /** How the test imports the service. */
  readonly fromTest: string;
}

export function serviceFiles(names: ServiceNames, place: ServicePlace): readonly NewFile[] {
  return [
    { path: `${place.directory}/contract.ts`, text: contractText(names) },
    { path: `${place.directory}/tables.ts`, text: tablesText(names) },
    { path: `${place.directory}/migrations/0001_${names.sqlTable}.sql`, text: migrationText(names) },
    { path: `${place.directory}/service.ts`, text: serviceText(names) },
    { path: place.test, text: testText(names, place.fromTest) },
  ];
}

function contractText({ service, type, variable, words }: ServiceNames): string {
  return `/** What the ${service} service promises. Imports nothing that a browser could not run. */
import { command, contract, query, scope } from "tenon";
import * as z from "zod";

export const ${type} = z.object({
  id: z.uuid(),
  title: z.string(),
  createdAt: z.iso.datetime(),
});

export const ${variable} = contract(
  "${service}",
  {
    list: query({
      http: "GET /${service}",
      summary: "The newest ${words}",
      access: scope("${service}:read"),
      input: z.object({ limit: z.int().min(1).max(100).default(20) }),
      output: z.object({ items: z.array(${type}) }),
    }),
    get: query({
      http: "GET /${service}/{id}",
      summary: "One of the ${words}",
      access: scope("${service}:read"),
      input: z.object({ id: z.uuid() }),
      output: ${type},
      errors: { NotFound: { status: 404 } },
    }),
    create: command({
      http: { route: "POST /${service}", status: 201 },
      summary: "Add to the ${words}",
      access: scope("${service}:write"),
      input: z.object({ title: z.string().trim().min(1).max(200) }),
      output: ${type},
    }),
  },
  { version: "0.1.0" },
);
`;
}

function tablesText({ service, table, type }: ServiceNames): string {
  return `/** Rows of the ${service} service. The SQL that builds them is in migrations/. */
import { table } from "tenon";
import { ${type} } from "./contract.ts";

export const tables = {
  ${table}: table(${type}.shape, { key: "id", defaults: ["createdAt"] }),
};
`;
}

function migrationText({ sqlTable }: ServiceNames): string {
  return `create table ${sqlTable} (
  id uuid primary key,
  title text not null,
  created_at timestamptz not null default now()
);

-- The list reads in this order.
create index ${sqlTable}_newest on ${sqlTable} (created_at desc, id);
`;
}

function serviceText({ one, service, table, variable }: ServiceNames): string {
  return `/** How the ${service} service keeps its promise. */
import { randomUUID } from "node:crypto";
import { service } from "tenon";
import { ${variable} } from "./contract.ts";
import { tables } from "./tables.ts";

export default service(${variable}, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async list({ input, db }) {
      return { items: await db.selectFrom("${table}").selectAll().orderBy("createdAt", "desc").orderBy("id").limit(input.limit).execute() };
    },

    async get({ input, db, fail }) {
      const ${one} = await db.selectFrom("${table}").selectAll().where("id", "=", input.id).executeTakeFirst();
      if (${one} === undefined) throw fail.NotFound();
      return ${one};
    },

    async create({ input, db }) {
      return db.insertInto("${table}").values({ id: randomUUID(), title: input.title }).returningAll().executeTakeFirstOrThrow();
    },
  },
});
`;
}

function testText({ service, variable }: ServiceNames, fromTest: string): string {
  return `/** What the ${service} service promises, tried on a real embedded database, without a server. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { outcome } from "tenon";
import { test } from "tenon/test";
import ${variable} from "${fromTest}";

const writer = { subject: "user-1", scopes: ["${service}:read", "${service}:write"] };

it("finds again what was created", async () => {
  await using tested = test(${variable}, { as: writer });

  const created = await tested.create({ title: "The first" });
  assert.deepEqual(await tested.get({ id: created.id }), created);
  assert.deepEqual(await tested.list({}), { items: [created] });
});

it("says that there is no such thing", async () => {
  await using tested = test(${variable}, { as: writer });

  const missing = await outcome(tested.get({ id: randomUUID() }));
  assert.equal(missing.ok ? "found" : missing.fault.reason, "NotFound");
});

it("lets only those write who may", async () => {
  await using tested = test(${variable}, { as: { subject: "user-2", scopes: ["${service}:read"] } });

  await assert.rejects(tested.create({ title: "The first" }), { code: "permission_denied" });
  await assert.rejects(tested.create({ title: "The first" }, { as: "anonymous" }), { code: "unauthenticated" });
});
`;
}
