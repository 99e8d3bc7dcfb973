/**
 * The SQL that tells of changes of rows: a function and a trigger for each subscription, written for the columns of its
 * table. The trigger puts deliveries straight into the inbox of the service, in the transaction that makes the change,
 * whoever makes it.
 *
 * Straight into the inbox and not by the outbox, because nobody but the service itself may watch its tables, and because
 * the rows of one key are in order then without a lock: who changes a row waits for whoever changed it before, so where
 * a change is seen in the inbox, the one before it has been seen too.
 *
 * Values travel as PostgreSQL prints them, with the types of their columns, so that they are read by the same code as the
 * values of a query, and to the same result.
 */
import { quoteName, quoteText, schemaOf, toSnakeCase } from "../data/index.ts";
import { laneExpression } from "./lanes.ts";
import { eventMaxBytes } from "./outbox.ts";
import { wakeChannel } from "./wakes.ts";

/** A subscription to the changes of a table. */
export interface Watch {
  readonly name: string;
  /** As it is declared: `orderLines`. */
  readonly table: string;
  /** Declared columns. */
  readonly columns: readonly string[];
  /** Those of the primary key. */
  readonly key: readonly string[];
  /** An update of others is not told. */
  readonly only: readonly string[] | undefined;
}

/** A column that the database has. */
export interface WatchedColumn {
  /** As it is declared. */
  readonly name: string;
  /** `pg_type.oid`, of a domain that of what is under it. */
  readonly oid: number;
}

export interface ChangeFunctionOptions {
  readonly service: string;
  /** As in SQL. */
  readonly name: string;
  readonly columns: readonly WatchedColumn[];
}

/** The name under which the changes stand in the inbox. */
export function changeSubscription(name: string): string {
  return `change ${name}`;
}

/** A longer key does not fit an index; its digest keeps the order as well. */
const keyMaxBytes = 255;

/** Values print the same whatever the session of the writer has set; names mean what they mean to the platform. */
const settings = ["search_path = pg_catalog, pg_temp", `"TimeZone" = 'UTC'`, `"DateStyle" = 'ISO'`, `"IntervalStyle" = 'iso_8601'`, "bytea_output = 'hex'", "extra_float_digits = 1"];

/** `create or replace function …`: with the rights of its owner, so that whoever may change the table need not see the inbox. */
export function changeFunction({ key, name: watch, only, table }: Watch, { columns, name, service }: ChangeFunctionOptions): string {
  const schema = quoteName(schemaOf(service));
  const known = new Set(columns.map((column) => column.name));
  const filtered = only?.filter((column) => known.has(column));
  const keyText = key.length === 1 ? `key_values->>${quoteText(key[0] as string)}` : `json_build_array(${key.map((column) => `key_values->>${quoteText(column)}`).join(", ")})::text`;
  const types = JSON.stringify(Object.fromEntries(columns.map((column) => [column.name, column.oid])));
  return `
    create or replace function ${schema}.${quoteName(name)}() returns trigger language plpgsql security definer
    ${settings.map((setting) => `set ${setting}`).join(" ")} as $tenon$
    declare
      row_before json; row_after json; key_before json; key_after json; is_moved boolean := false;
    begin
      if tg_op <> 'INSERT' then
        row_before := ${valuesOf("old", columns.map((column) => column.name))};
        key_before := ${valuesOf("old", key)};
      end if;
      if tg_op <> 'DELETE' then
        row_after := ${valuesOf("new", columns.map((column) => column.name))};
        key_after := ${valuesOf("new", key)};
      end if;
      if tg_op = 'UPDATE' then
        if row_before::text = row_after::text then return null; end if;
        is_moved := key_before::text <> key_after::text;
        ${filtered === undefined ? "" : `if not is_moved and ${valuesOf("old", filtered)}::text = ${valuesOf("new", filtered)}::text then return null; end if;`}
      end if;
      insert into ${schema}.tenon_inbox (subscription, lane, id, source, type, version, key, time, data)
      select ${quoteText(changeSubscription(watch))}, ${laneExpression("sized.key", "sized.id")}, sized.id, ${quoteText(service)}, ${quoteText(`${service}.${table}.changed`)}, 1, sized.key, now(),
        case when octet_length(sized.whole::text) <= ${eventMaxBytes} then sized.whole
          else json_build_object('operation', sized.operation, 'types', ${quoteText(types)}::json, 'key', sized.key_values, 'isCut', true) end
      from (
        select gen_random_uuid() as id, told.operation, told.key_values,
          case when octet_length(${keyText}) > ${keyMaxBytes} then md5(${keyText}) else ${keyText} end as key,
          json_build_object('operation', told.operation, 'types', ${quoteText(types)}::json, 'key', told.key_values, 'before', told.before, 'after', told.after, 'isCut', false) as whole
        from (
          select lower(tg_op) as operation, coalesce(key_after, key_before) as key_values, row_before as before, row_after as after where not is_moved
          union all select 'delete', key_before, row_before, null::json where is_moved
          union all select 'insert', key_after, null::json, row_after where is_moved
        ) as told
      ) as sized;
      perform pg_notify('${wakeChannel}', ${quoteText(`inbox ${service}`)});
      return null;
    end $tenon$`;
}

/** What values of some columns are printed as, by their declared names. */
function valuesOf(row: "old" | "new", columns: readonly string[]): string {
  const pairs = columns.map((column) => {
    const value = `${row}.${quoteName(toSnakeCase(column))}`;
    return `${quoteText(column)}, case when ${value} is null then null else format('%s', ${value}) end`;
  });
  return `json_object(array[${pairs.join(", ")}]::text[])`;
}
