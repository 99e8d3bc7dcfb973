/** What is wrong with a trail, in words that name the record and its neighbors. */
import { parseRecord } from "./entry.ts";
import type { StoredRecord } from "./ports.ts";

export interface RecordName {
  /** The place in the table. */
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly writer: string;
  readonly number: number;
}

export type FindingKind =
  /** The record is not what was sealed. */
  | "changed"
  /** The record was sealed, and is gone; or the numbers of its writer show that it was there. */
  | "dropped"
  /** The record is there, and no seal names it; or it was sealed as written by somebody else. */
  | "inserted"
  /** The record stands at another place than the one at which it was sealed. */
  | "reordered"
  /** A seal is not what was signed, does not follow from the one before it, or is missing. */
  | "seal"
  /** A checkpoint that was told outside of the database is not in it. */
  | "anchor";

export interface Finding {
  readonly kind: FindingKind;
  readonly message: string;
  /** The record's place, where it is about one. */
  readonly seq?: number | undefined;
  /** The number of the seal. */
  readonly seal?: number | undefined;
  /** As it is now. */
  readonly record?: RecordName | undefined;
  readonly before?: RecordName | undefined;
  readonly after?: RecordName | undefined;
}

export function nameOf({ seq, text }: StoredRecord): RecordName {
  const record = parseRecord(text);
  if (record === undefined) return { seq, at: "", actor: "", action: "not readable", writer: "", number: 0 };
  const { action, actor, at, number, writer } = record;
  return { seq, at, actor: actor.subject === "" ? actor.kind : actor.subject, action, writer, number };
}

/** Findings, of which so many are told and the rest is counted. */
export class Findings {
  readonly listed: Finding[] = [];
  count = 0;
  /** Those that wait for the record behind them. */
  #open: Finding[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  add(finding: Finding): void {
    this.count++;
    if (this.listed.length >= this.#max) return;
    this.listed.push(finding);
    if (finding.after === undefined) this.#open.push(finding);
  }

  /** The next record that is as it should be. */
  passed(record: () => RecordName): void {
    if (this.#open.length === 0) return;
    const after = record();
    for (const finding of this.#open) if (finding.seq !== after.seq) Object.assign(finding, { after });
    this.#open = [];
  }
}
