/**
 * What the platform's own tables hold of a person: events on their way and in history, deliveries, dead letters, first
 * answers. They are found by the identifier of the person's key, which stands at the front of each sealed text.
 */
import type { RunStatement } from "../data/index.ts";
import { fromUuid, sealedPrefix } from "./envelope.ts";

export interface KeptTrace {
  readonly table: string;
  readonly id: string;
  /** Of an event: its type. */
  readonly type: string;
  readonly time: string | undefined;
  readonly data: unknown;
}

interface TraceTable {
  readonly table: string;
  /** Its columns, as `id`, `type`, `time` and `data`. */
  readonly columns: string;
  readonly data: string;
}

const traceTables: readonly TraceTable[] = [
  { table: "tenon_outbox", columns: "id::text as id, type, time, data", data: "data" },
  { table: "tenon_events", columns: "id::text as id, type, time, data", data: "data" },
  { table: "tenon_inbox", columns: "id::text as id, type, time, data", data: "data" },
  { table: "tenon_dead_letters", columns: "id::text as id, type, time, data", data: "data" },
  { table: "tenon_mail", columns: "id::text as id, type, received_at as time, data", data: "data" },
  { table: "tenon_answers", columns: "key as id, operation as type, null as time, value as data", data: "value" },
];

/** The beginning of every text that was sealed with a key: of its 16 bytes, 21 characters of base64 say 126 bits. */
export function sealedBeginning(keyId: string): string {
  return `${sealedPrefix}${Buffer.from(fromUuid(keyId)).toString("base64url").slice(0, 21)}`;
}

/** Reads each of the tables whole: an operator's work, not a call's. */
export async function findTraces(keyIds: readonly string[], run: RunStatement): Promise<readonly KeptTrace[]> {
  if (keyIds.length === 0) return [];
  const found: KeptTrace[] = [];
  for (const { columns, data, table } of traceTables) {
    const text = `select ${columns} from ${table} where exists (select from unnest($1::text[]) as beginning where position(beginning in ${data}::text) > 0)`;
    const { rows } = await run({ text, parameters: [keyIds.map(sealedBeginning)] });
    for (const row of rows) found.push({ table, id: row["id"] as string, type: row["type"] as string, time: (row["time"] as string | null) ?? undefined, data: row["data"] });
  }
  return found;
}
