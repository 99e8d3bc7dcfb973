/** What is in the river's database when everything is over. */
import type { Query } from "../drill-database.ts";

export interface RiverRows {
  /** In the order in which they were written. */
  readonly arrivals: readonly { readonly key: string; readonly n: number }[];
  /** Committed drops, acknowledged or not. */
  readonly drops: readonly { readonly key: string; readonly n: number }[];
  /** Events still in the outbox, deliveries still in the inbox. */
  readonly unfinished: number;
  readonly deadLetters: number;
}

export async function readRiver(query: Query): Promise<RiverRows> {
  const arrivals = await query("select key, n from sink.arrivals order by position");
  const drops = await query("select key, n from source.drops");
  const [counts] = await query(`select
    (select count(*) from source.tenon_outbox) + (select count(*) from sink.tenon_inbox) as unfinished,
    (select count(*) from sink.tenon_dead_letters) as dead`);
  return { arrivals: arrivals.map(toDrop), drops: drops.map(toDrop), unfinished: Number(counts?.["unfinished"]), deadLetters: Number(counts?.["dead"]) };
}

function toDrop(row: Readonly<Record<string, unknown>>): { readonly key: string; readonly n: number } {
  return { key: String(row["key"]), n: Number(row["n"]) };
}
