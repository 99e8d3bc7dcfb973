/** What the compiler knows of a service's rows: Kysely's types, made from the tables that the service declares. */
import type { Generated, Kysely } from "kysely";
import type { OutputOf, Schema, Table } from "../contract/index.ts";

/** Tables by name; `orderLines` here is `order_lines` in SQL. */
export type Tables = Readonly<Record<string, Table>>;

type Columns = Readonly<Record<string, Schema>>;

/** A row as Kysely sees it: columns that the database fills in may be left out of an insert. */
type RowType<C extends Columns, D extends string> = {
  [K in keyof C & string]: K extends D ? Generated<OutputOf<C[K]>> : OutputOf<C[K]>;
};

/** The rows of a service by table, for Kysely. */
export type DatabaseOf<T> = {
  [K in keyof T & string]: T[K] extends Table<infer C, infer D> ? RowType<C, D> : never;
};

/** Kysely over the tables of a service: https://kysely.dev */
export type Db<T> = Kysely<DatabaseOf<T>>;

/** Kysely over tables that the compiler does not know. */
export type AnyDb = Kysely<Record<string, Record<string, unknown>>>;
