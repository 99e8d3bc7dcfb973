/**
 * The rows that a transaction has changed, before and after, found without triggers and without locking anything: by the
 * numbers of transactions that PostgreSQL writes on each version of a row.
 *
 * - From within the transaction, a version that is its own is the row *after* (`xmin` is a number of this transaction).
 * - From outside, a version on which it has written that it ends there is the row *before* (`xmax`). Another session sees
 *   it while the transaction is open; the same session sees it once the transaction was rolled back.
 *
 * The tables that were touched are read whole, once from within and once from outside: a million rows take a second. Not
 * seen: what TRUNCATE removed, and a row that was deleted while another transaction held a shared lock on it.
 *
 * @see https://www.postgresql.org/docs/current/ddl-system-columns.html
 */
import { quoteName, schemaOf } from "./names.ts";
import type { Rows, Statement } from "./ports.ts";

export type Row = Readonly<Record<string, unknown>>;

export interface RowChange {
  /** As SQL has it. */
  readonly table: string;
  readonly change: "inserted" | "updated" | "deleted";
  /** Columns of the primary key and their values; empty for a table without one. */
  readonly key: Row;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

export interface RowChanges {
  readonly rows: readonly RowChange[];
  /** Tables with more changed rows than are shown. */
  readonly cut: readonly string[];
}

type Run = (statement: Statement) => Promise<Rows>;

/** What a transaction has left, as far as it is seen from within. */
export interface Footprint {
  readonly service: string;
  /** Numbers of the transaction and of its savepoints. */
  readonly xids: readonly string[];
  readonly tables: readonly TouchedTable[];
}

interface TouchedTable {
  readonly name: string;
  readonly keyColumns: readonly string[];
  /** By the text of the key. */
  readonly after: ReadonlyMap<string, Row>;
  /** Keys of rows that were only locked. */
  readonly locked: ReadonlySet<string>;
}

/** Rows of one table, at most: whoever looks wants to see what happens, and memory is bounded. */
const rowsMax = 1_000;

/** Names of columns that no table has, for the text of the key and for who wrote the row. */
const keyName = "tenon key";
const xminName = "tenon xmin";

const touchedText = `
  select touched.relname as name, coalesce((
    select json_agg(attribute.attname order by part.n)
    from pg_index cross join lateral unnest(pg_index.indkey::int2[]) with ordinality as part (attnum, n)
    join pg_attribute as attribute on attribute.attrelid = pg_index.indrelid and attribute.attnum = part.attnum
    where pg_index.indrelid = touched.relid and pg_index.indisprimary
  ), '[]'::json) as key_columns
  from pg_stat_xact_user_tables as touched
  where touched.schemaname = $1 and touched.relname not like 'tenon\\_%' and touched.n_tup_ins + touched.n_tup_upd + touched.n_tup_del > 0
  order by touched.relname`;

/** Of savepoints too, as long as they are open. */
const ownXidsText = `
  select coalesce(array_agg(transactionid::text), '{}') as xids from pg_locks
  where locktype = 'transactionid' and pid = pg_backend_pid() and mode = 'ExclusiveLock' and granted`;

/**
 * Whether a version that this transaction sees is its own: begun no earlier than the transaction, and not committed. The
 * number in the row has 32 bits; its distance from that of the transaction gives the other half.
 */
const isOwn = `case when age(rows.xmin) <= 0
  then pg_xact_status((pg_current_xact_id()::text::numeric - age(rows.xmin))::text::xid8) = 'in progress' else false end`;

/** From within, as the last thing that the transaction does. */
export async function readFootprint(run: Run, service: string): Promise<Footprint> {
  const xids = new Set((await run({ text: ownXidsText, parameters: [] })).rows[0]?.["xids"] as readonly string[]);
  if (xids.size === 0) return { service, xids: [], tables: [] };
  const { rows } = await run({ text: touchedText, parameters: [schemaOf(service)] });
  const tables: TouchedTable[] = [];
  for (const row of rows) {
    const place = { service, name: row["name"] as string, keyColumns: row["key_columns"] as readonly string[] };
    const after = await run({ text: `select rows.xmin::text as "${xminName}", ${keyOf(place)} as "${keyName}", rows.* from ${placeOf(place)} as rows where ${isOwn} limit ${rowsMax + 1}`, parameters: [] });
    for (const each of after.rows) xids.add(each[xminName] as string);
    const locked = await run({ text: `select ${keyOf(place)} as "${keyName}" from ${placeOf(place)} as rows where rows.xmax = any($1::xid[]) and not (${isOwn})`, parameters: [[...xids]] });
    tables.push({ ...place, after: byKey(after.rows), locked: new Set(locked.rows.map((each) => each[keyName] as string)) });
  }
  return { service, xids: [...xids], tables };
}

/** From outside: what the footprint says, with the rows as they were. */
export async function readRowChanges(run: Run, { service, tables, xids }: Footprint): Promise<RowChanges> {
  const rows: RowChange[] = [];
  const cut: string[] = [];
  for (const table of tables) {
    const text = `select ${keyOf(table)} as "${keyName}", rows.* from ${placeOf({ ...table, service })} as rows
      where rows.xmax = any($1::xid[]) or ${keyOf(table)} = any($2::text[]) limit ${rowsMax + 1 + table.locked.size}`;
    const before = byKey((await run({ text, parameters: [xids, [...table.after.keys()]] })).rows);
    const changes = changesOf(table, before);
    if (changes.length > rowsMax) cut.push(table.name);
    rows.push(...changes.slice(0, rowsMax));
  }
  return { rows, cut };
}

function changesOf({ after, keyColumns, locked, name }: TouchedTable, before: ReadonlyMap<string, Row>): readonly RowChange[] {
  const keyIn = (row: Row): Row => Object.fromEntries(keyColumns.map((column) => [column, row[column]]));
  const changes: RowChange[] = [];
  for (const [key, row] of before) {
    const now = after.get(key);
    if (now === undefined && locked.has(key)) continue;
    changes.push({ table: name, change: now === undefined ? "deleted" : "updated", key: keyIn(row), before: row, after: now });
  }
  for (const [key, row] of after) {
    if (!before.has(key)) changes.push({ table: name, change: "inserted", key: keyIn(row), before: undefined, after: row });
  }
  return changes;
}

function byKey(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row[keyName] as string, Object.fromEntries(Object.entries(row).filter(([name]) => name !== keyName && name !== xminName))]));
}

function placeOf({ name, service }: { readonly service: string; readonly name: string }): string {
  return `${quoteName(schemaOf(service))}.${quoteName(name)}`;
}

/** One text for the whole key; of a table without one, for the whole row. */
function keyOf({ keyColumns }: { readonly keyColumns: readonly string[] }): string {
  if (keyColumns.length === 0) return "rows::text";
  return `array[${keyColumns.map((column) => `rows.${quoteName(column)}::text`).join(", ")}]::text`;
}
