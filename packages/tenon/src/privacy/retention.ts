/**
 * How long rows are kept, as their tables say: `retention`, counted from the column in `retentionFrom`. Rows of persons whose
 * data is on hold stay.
 */
import type { Table } from "../contract/index.ts";
import { quoteName, type Sweep, type Tables, toSnakeCase } from "../data/index.ts";
import { parseDuration } from "../kernel/index.ts";

const portionMax = 500;

/** One for each table of a service that says how long. */
export function retentionSweeps(tables: Tables): readonly Sweep[] {
  return Object.entries(tables).flatMap(([name, table]) => {
    const keepMs = table.retention === undefined ? undefined : parseDuration(table.retention);
    return keepMs === undefined || table.retentionFrom === undefined ? [] : [{ text: sweepText(name, table), keepMs, portionMax }];
  });
}

function sweepText(name: string, { retentionFrom, subject }: Table): string {
  const from = quoteName(toSnakeCase(retentionFrom ?? ""));
  const held = subject === undefined ? "" : ` and not exists (select from tenon_privacy.subjects as held where held.held_at is not null and held.subject = rows.${quoteName(toSnakeCase(subject))}::text)`;
  const table = quoteName(toSnakeCase(name));
  return `delete from ${table} where ctid = any(array(select rows.ctid from ${table} as rows where rows.${from}::timestamptz <= now() - $1 * interval '1 ms'${held} order by rows.${from} limit $2))`;
}
