import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { table } from "../../src/contract/index.ts";
import { compareTables, migrate, type Tables, toMigration } from "../../src/data/index.ts";
import { engines, type Opened } from "./engines.ts";

const everything = `
  create type size as enum ('small', 'large');
  create domain email as text check (value like '%@%');
  create table every_type (
    id uuid primary key, big bigint not null, medium int not null, small smallint not null, ratio double precision not null, exact numeric(10, 2) not null,
    title text not null, short varchar(20) not null, yes boolean not null, day date not null, instant timestamptz not null, length interval not null,
    options jsonb not null, list jsonb not null, words text[] not null, counts int[] not null, size size not null, sizes size[] not null, address email not null,
    maybe text, number int generated always as identity, made timestamptz not null default now(), bytes bytea not null, anything json
  );
  create view every_title as select id, title from every_type;
`;
const everyType = table(
  {
    id: z.uuid(),
    big: z.int(),
    medium: z.int32(),
    small: z.int().min(0).max(10),
    ratio: z.number(),
    exact: z.string(),
    title: z.string(),
    short: z.string().max(20),
    yes: z.boolean(),
    day: z.iso.date(),
    instant: z.iso.datetime(),
    length: z.iso.duration(),
    options: z.object({ a: z.number() }),
    list: z.array(z.object({ a: z.number() })),
    words: z.array(z.string()),
    counts: z.array(z.int()),
    size: z.enum(["small", "large"]),
    sizes: z.array(z.enum(["small", "large"])),
    address: z.email(),
    maybe: z.string().nullable(),
    number: z.int(),
    made: z.iso.datetime(),
    bytes: z.unknown(),
    anything: z.unknown(),
  },
  { key: "id", defaults: ["number", "made"] },
);
const everyTitle = table({ id: z.uuid(), title: z.string() }, { key: "id" });

for (const engine of engines) {
  describe(`declared tables against those of ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    before(async () => {
      opened = await engine.open();
      await migrate(opened.database, [{ service: "shop", migrations: [toMigration("0001_shop.sql", everything)] }]);
    });
    after(() => opened.drop());

    async function differences(tables: Tables): Promise<readonly string[]> {
      return (await compareTables(opened.database, "shop", tables)).map(({ at, problem, remedy }) => `${at} ${problem} → ${remedy}`);
    }

    test("agree on every type that reads back as it is declared", async () => {
      assert.deepEqual(await differences({ everyType, everyTitle }), []);
    });

    test("tables that only one side has are told", async () => {
      assert.deepEqual(await differences({ everyTitle, orderLines: everyTitle }), [
        "shop.orderLines is declared and no migration builds it → add a migration that creates the table order_lines",
        "shop.every_type is built by the migrations and not declared → declare it in tables as everyType, or drop it in a new migration",
      ]);
    });

    test("columns that only one side has are told", async () => {
      const { exact: _exact, maybe: _maybe, ...rest } = everyType.columns;
      const changed = table({ ...rest, addedLater: z.int32().nullable() }, { key: "id", defaults: ["number", "made"] });
      assert.deepEqual(await differences({ everyType: changed }), [
        "shop.everyType.addedLater is declared and no migration builds it → add a migration: alter table every_type add column added_later integer",
        "shop.everyType.exact is built by the migrations and not declared; as NOT NULL without a default it makes every insert fail → declare it as exact, or drop it in a new migration",
        "shop.everyType.maybe is built by the migrations and not declared → declare it as maybe, or drop it in a new migration",
      ]);
    });

    test("each column that does not fit is a sentence with its remedy", async () => {
      const changed = table(
        {
          ...everyType.columns,
          exact: z.number(),
          title: z.boolean(),
          yes: z.boolean().nullable(),
          maybe: z.string(),
          short: z.string().optional(),
          words: z.array(z.int()),
        },
        { key: ["id", "big"], defaults: ["made", "title"] },
      );
      assert.deepEqual(await differences({ everyType: changed }), [
        "shop.everyType.exact is numeric(10,2) in the database, which does not read back as what is declared → change the type of the column to double precision in a new migration, or declare it as text: numeric is too exact for a number",
        "shop.everyType.title is text in the database, which does not read back as what is declared → change the type of the column to boolean in a new migration, or change the declaration",
        "shop.everyType.title is declared under `defaults` and has no default in the database → add a default in a new migration, or take it out of `defaults`",
        "shop.everyType.short is declared optional, and a row always has every column → use .nullable(), which is what a column without a value is",
        "shop.everyType.yes is declared nullable and is NOT NULL in the database → take .nullable() away, or drop NOT NULL in a new migration",
        "shop.everyType.words is text[] in the database, which does not read back as what is declared → change the type of the column to jsonb in a new migration, or change the declaration",
        "shop.everyType.maybe can be null in the database and not as declared → add NOT NULL in a new migration, or declare it .nullable()",
        "shop.everyType.number is computed by the database, which refuses an insert that names it → name it under `defaults`",
        "shop.everyType the primary key of the table is (id), and (id, big) is declared → change `key`, or the primary key in a new migration",
      ]);
    });

    test("a service without a schema yet is one whose tables are all missing", async () => {
      const found = await compareTables(opened.database, "nobody", { orders: everyTitle });
      assert.deepEqual(found.map(({ at }) => at), ["nobody.orders"]);
    });
  });
}
