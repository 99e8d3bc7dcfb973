/**
 * The graph of calls in the database of the app, beside its incidents: one row for each process and bucket, some KB of JSON.
 * A statement whose answer was lost after its commit is sent again, and its minute of one process counts twice.
 */
import type { WithSession } from "../objectives/index.ts";
import type { EdgeCounts, GraphPortion } from "./graph-history.ts";
import type { GraphStore, KeptPortion } from "./ports.ts";

const addText = "insert into tenon_call_counts (instance, at, edges) select $1, * from unnest($2::timestamptz[], $3::json[])";
const othersText = "select seq, at, edges from tenon_call_counts where at >= $1 and instance <> $2 order by at, seq";

/** An edge in few characters: from, to, total, bad, sumMs, slots. */
type Packed = readonly [from: string, to: string, total: number, bad: number, sumMs: number, slots: EdgeCounts["slots"]];

export class DatabaseGraph implements GraphStore {
  readonly #withSession: WithSession;

  constructor(withSession: WithSession) {
    this.#withSession = withSession;
  }

  async add(instance: string, portions: readonly GraphPortion[]): Promise<void> {
    const parameters = [instance, portions.map(({ atMs }) => new Date(atMs)), portions.map(({ edges }) => JSON.stringify(edges.map(pack)))];
    await this.#withSession("write", (session) => session.query(addText, parameters));
  }

  async ofOthers(instance: string, sinceMs: number): Promise<readonly KeptPortion[]> {
    const { rows } = await this.#withSession("read", (session) => session.query(othersText, [new Date(sinceMs), instance]));
    return rows.map((row) => ({ seq: Number(row["seq"]), atMs: Date.parse(row["at"] as string), edges: (row["edges"] as readonly Packed[]).map(unpack) }));
  }

  async sweep(beforeMs: number): Promise<void> {
    await this.#withSession("write", (session) => session.query("delete from tenon_call_counts where at < $1", [new Date(beforeMs)]));
  }
}

function pack({ bad, from, slots, sumMs, to, total }: EdgeCounts): Packed {
  return [from, to, total, bad, Number(sumMs.toFixed(3)), slots];
}

function unpack([from, to, total, bad, sumMs, slots]: Packed): EdgeCounts {
  return { from, to, total, bad, sumMs, slots };
}
