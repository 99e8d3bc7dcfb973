/** What a service has of its own, as types: its tables and its settings. Handlers and reactions are typed by them. */
import type { Schema, Table } from "../contract/index.ts";

/** The tables of a service by name; `orderLines` here is `order_lines` in SQL. */
export type Tables = Readonly<Record<string, Table>>;
export type NoTables = {};
/** The settings of a service that has none. */
export type NoConfig = Schema<undefined, undefined>;
