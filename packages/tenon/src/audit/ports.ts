/**
 * What the audit trail asks of others: a store per service that can be written to and read but not changed, and anchors,
 * places outside of the database where checkpoints are told.
 */
import type { Statement } from "../data/index.ts";
import type { AuditRecord } from "./entry.ts";
import type { Seal } from "./seal.ts";

/** A record and what proves it, on the way into the table. */
export interface NewRecord {
  readonly text: string;
  readonly hash: Buffer;
  /** `undefined` where the app has no key. */
  readonly mac: Buffer | undefined;
}

/** As it stands in the table. */
export interface StoredRecord {
  /** Its place in the table: the order in which records were written, with gaps where transactions were undone. */
  readonly seq: number;
  readonly text: string;
  readonly hash: Buffer;
  readonly mac: Buffer | undefined;
}

/** What a sealer works with, under a lock that no other sealer of the service has meanwhile. */
export interface SealingTurn {
  /** The last seals, in order. */
  last(max: number): Promise<readonly Seal[]>;
  /** Records behind `afterSeq`, and those at the places that were empty when they were looked at. In order of places. */
  pending(afterSeq: number, holes: readonly number[], max: number): Promise<readonly StoredRecord[]>;
  add(seal: Seal): Promise<void>;
}

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly subject?: string | undefined;
  /** `orders.place`, or with `*` at its end all that begin so: `orders.*`. */
  readonly action?: string | undefined;
  /** `orders/orders/o-1`: service, table and key of a row. */
  readonly record?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly outcome?: AuditRecord["outcome"] | undefined;
}

/** Records that were moved out of the database, up to a seal. */
export interface ArchiveNote {
  readonly text: string;
  readonly keyId: string | undefined;
  readonly signature: Buffer | undefined;
}

/** The trail of one service. Every method may throw a {@link Fault} `unavailable`. */
export interface AuditStore {
  /** Writes records: for somebody's own transaction. */
  insertion(records: readonly NewRecord[]): Statement;
  /** Writes records in a transaction of their own. */
  insert(records: readonly NewRecord[]): Promise<void>;
  /** Runs `task` in one transaction, if no other sealer is at work in the service. @returns Whether it was run. */
  whileSealing(task: (turn: SealingTurn) => Promise<void>): Promise<boolean>;
  /** Seals with numbers above, in order. */
  seals(afterNumber: number, max: number): Promise<readonly Seal[]>;
  /** Records at places above, in order of places. */
  records(afterSeq: number, max: number): Promise<readonly StoredRecord[]>;
  /** Records at these places. */
  recordsAt(seqs: readonly number[]): Promise<readonly StoredRecord[]>;
  /** The newest first, before `beforeSeq`. */
  search(filter: AuditFilter, page: { readonly beforeSeq?: number | undefined; readonly max: number }): Promise<readonly StoredRecord[]>;
  /** How many records there are, about: for progress. */
  estimate(): Promise<number>;
  archives(): Promise<readonly ArchiveNote[]>;
  /** Removes the records up to a place, in one transaction with the note of it. By the owner of the database alone. @returns How many went. */
  removeThrough(seq: number, note: ArchiveNote): Promise<number>;
}

/** A checkpoint as it is told outside of the database. */
export interface Checkpoint {
  readonly service: string;
  readonly number: number;
  /** Hexadecimal: of the seal. */
  readonly hash: string;
  readonly at: string;
  readonly keyId?: string | undefined;
  /** Base64. */
  readonly signature?: string | undefined;
}

/** A place that who administers the database does not administer. */
export interface AuditAnchor {
  /** For logs: `file`, `log`. */
  readonly name: string;
  /** Resolves when it was taken. What it throws is told in the log; the next checkpoint says all that this one did. */
  keep(checkpoint: Checkpoint): Promise<void>;
}
