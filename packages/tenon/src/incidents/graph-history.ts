/**
 * The graph of calls over the last two hours, in buckets of 10 s: what an incident compares the time of trouble with. Fixed memory,
 * 55 KB for each edge that is used; what is older is forgotten.
 *
 * What this process has counted is handed out in {@link GraphPortion}s, and those of others are taken in: so the time before a
 * restart is known after it, and what other instances saw is known here.
 */
import { type CallEdge, type CallGraph, durationSlots } from "../calls/index.ts";

export const bucketMs = 10_000;
/** Two hours: a page may take the better part of an hour to fire, and there is to be a time before. */
const bucketCount = 720;
export const historyMs: number = bucketMs * bucketCount;
/** `total`, `bad`, `sumMs`, then the slots of durations. */
const width = 3 + durationSlots;

/** Uses of one edge, or of several, in some time. */
export interface Uses {
  readonly total: number;
  readonly bad: number;
  readonly sumMs: number;
  /** By length, as {@link durationSlots} has them. */
  readonly slots: readonly number[];
}

export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** Uses of one edge in one bucket. Slots of durations without uses are left out. */
export interface EdgeCounts extends Edge {
  readonly total: number;
  readonly bad: number;
  readonly sumMs: number;
  /** Pairs of a slot of {@link durationSlots} and its uses. */
  readonly slots: readonly (readonly [slot: number, uses: number])[];
}

/** What one process has counted in one bucket. */
export interface GraphPortion {
  /** At which the bucket begins, in ms since 1970. */
  readonly atMs: number;
  readonly edges: readonly EdgeCounts[];
}

/** What is asked of a graph's past. Instants are in ms since 1970; a bucket belongs to the instant at which it begins. */
export interface GraphPast {
  readonly edges: readonly Edge[];
  /** From when on anything is known, in ms since 1970; infinite where nothing is. */
  readonly beganMs: number;
  /** Of several edges together, from one instant up to and without another. */
  uses(edges: readonly Edge[], fromMs: number, untilMs: number): Uses;
}

class EdgePast implements Edge {
  readonly from: string;
  readonly to: string;
  readonly #edge: CallEdge;
  readonly #buckets = new Float32Array(bucketCount * width);
  readonly #last = new Float64Array(width);

  constructor(edge: CallEdge) {
    this.from = edge.from;
    this.to = edge.to;
    this.#edge = edge;
  }

  clear(place: number): void {
    this.#buckets.fill(0, place * width, (place + 1) * width);
  }

  /** Puts what was counted since the last time into a bucket. @returns That; `undefined` where it was nothing. */
  take(place: number): EdgeCounts | undefined {
    const { bad, from, slots, sumMs, to, total } = this.#edge;
    if (total === this.#last[0]) return undefined;
    const grown = [total, bad, sumMs, ...slots].map((now, field) => now - (this.#last[field] as number));
    this.#last.set([total, bad, sumMs, ...slots]);
    const [newTotal = 0, newBad = 0, newMs = 0, ...newSlots] = grown;
    const counts = { from, to, total: newTotal, bad: newBad, sumMs: newMs, slots: newSlots.flatMap((uses, slot): readonly (readonly [number, number])[] => (uses === 0 ? [] : [[slot, uses]])) };
    this.add(place, counts);
    return counts;
  }

  add(place: number, { bad, slots, sumMs, total }: EdgeCounts): void {
    const first = place * width;
    for (const [field, grown] of [[0, total], [1, bad], [2, sumMs], ...slots.map(([slot, uses]) => [3 + slot, uses] as const)] as const) this.#buckets[first + field] = (this.#buckets[first + field] as number) + grown;
  }

  addTo(sums: Float64Array, place: number): void {
    for (let field = 0; field < width; field++) sums[field] = (sums[field] as number) + (this.#buckets[place * width + field] as number);
  }
}

export class GraphHistory implements GraphPast {
  readonly #graph: CallGraph;
  readonly #edges = new Map<CallEdge, EdgePast>();
  /** Number of the newest bucket, counted from 1970; -1 before the first. */
  #newest = -1;
  #oldest = Number.POSITIVE_INFINITY;

  constructor(graph: CallGraph) {
    this.#graph = graph;
  }

  get edges(): readonly Edge[] {
    return [...this.#edges.values()];
  }

  get beganMs(): number {
    return Math.max(this.#oldest, this.#newest - bucketCount + 1) * bucketMs;
  }

  /** Takes over what was counted since the last time. To be called every {@link bucketMs}. @returns What that was. */
  take(nowMs: number): GraphPortion {
    // What was counted up to now belongs to the time that has passed.
    const bucket = Math.max(Math.floor((nowMs - 1) / bucketMs), this.#newest);
    this.#advance(bucket);
    return { atMs: bucket * bucketMs, edges: this.#graph.edges.flatMap((edge) => this.#pastOf(edge).take(bucket % bucketCount) ?? []) };
  }

  /** Adds what another process has counted, or this one before it was started anew. Each portion once. */
  learn({ atMs, edges }: GraphPortion): void {
    // A clock that is ahead of ours must not clear what we know.
    const bucket = this.#newest === -1 ? Math.floor(atMs / bucketMs) : Math.min(Math.floor(atMs / bucketMs), this.#newest);
    if (this.#newest === -1) this.#advance(bucket);
    if (bucket <= this.#newest - bucketCount) return;
    this.#oldest = Math.min(this.#oldest, bucket);
    for (const counts of edges) {
      const edge = this.#graph.edge(counts.from, counts.to);
      if (edge.from === counts.from && edge.to === counts.to) this.#pastOf(edge).add(bucket % bucketCount, counts); // else there was no room
    }
  }

  #pastOf(edge: CallEdge): EdgePast {
    let past = this.#edges.get(edge);
    if (past === undefined) this.#edges.set(edge, (past = new EdgePast(edge)));
    return past;
  }

  #advance(bucket: number): void {
    const passed = this.#newest === -1 ? 0 : Math.min(bucket - this.#newest, bucketCount);
    for (let back = 0; back < passed; back++) for (const past of this.#edges.values()) past.clear((bucket - back) % bucketCount);
    this.#newest = bucket;
    this.#oldest = Math.min(this.#oldest, bucket);
  }

  uses(edges: readonly Edge[], fromMs: number, untilMs: number): Uses {
    const sums = new Float64Array(width);
    const first = Math.max(Math.floor(fromMs / bucketMs), this.#newest - bucketCount + 1, 0);
    const last = Math.min(Math.ceil(untilMs / bucketMs) - 1, this.#newest);
    for (const edge of edges) {
      if (!(edge instanceof EdgePast)) continue;
      for (let bucket = first; bucket <= last; bucket++) edge.addTo(sums, bucket % bucketCount);
    }
    return { total: sums[0] as number, bad: sums[1] as number, sumMs: sums[2] as number, slots: [...sums.subarray(3)] };
  }
}
