/**
 * The numbers that each process gives its records, from 1 without gaps: a record that was taken away before any seal knew
 * of it leaves a hole here.
 *
 * What it cannot tell: the last records of a process, behind which there is none; and a hole within the last seconds of a
 * process that was killed, where a transaction may have been under way. The former shows nowhere, the latter is a note.
 */
import type { AuditRecord } from "./entry.ts";

interface Writer {
  /** Numbers up to here are not looked at. */
  readonly base: number;
  max: number;
  lastMs: number;
  /** Holes, and when the record was written that showed them. */
  readonly missing: Map<number, number>;
}

export interface NumberGap {
  readonly writer: string;
  readonly number: number;
  /** In ms since 1970: when the next record of the writer was written. */
  readonly shownMs: number;
  /** A crash leaves the same. */
  readonly isDoubtful: boolean;
}

/** So long before its last record a process may have had transactions that end with it, in ms. */
const lastWordsMs = 10_000;
/** Holes of one writer that are told. */
const missingMax = 10_000;

export class NumberGaps {
  readonly #writers = new Map<string, Writer>();
  readonly #excused = new Map<string, Set<number>>();
  readonly #isWhole: boolean;

  /** @param isWhole  Whether the trail is read from its beginning: else a writer's first number may be any. */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole;
  }

  /** @returns `known`: the writer has given this number to another record already. */
  add({ at, lost, number, writer }: AuditRecord): "new" | "known" {
    const atMs = Date.parse(at);
    let known = this.#writers.get(writer);
    if (known === undefined) {
      const base = this.#isWhole ? 0 : number - 1;
      known = { base, max: base, lastMs: atMs, missing: new Map() };
      this.#writers.set(writer, known);
    }
    known.lastMs = Math.max(known.lastMs, atMs);
    const isKnown = number > known.base && number <= known.max && !known.missing.has(number) && known.missing.size < missingMax;
    if (number > known.max) {
      // A number far ahead is made up: every hole would be as good as the first.
      for (let hole = known.max + 1; hole < number && known.missing.size < missingMax; hole++) known.missing.set(hole, atMs);
      known.max = number;
    } else {
      known.missing.delete(number);
    }
    if (Array.isArray(lost)) {
      const excused = this.#excused.get(writer) ?? new Set<number>();
      for (const each of lost) excused.add(Number(each));
      this.#excused.set(writer, excused);
    }
    return isKnown ? "known" : "new";
  }

  gaps(): readonly NumberGap[] {
    return [...this.#writers].flatMap(([writer, { lastMs, missing }]) =>
      [...missing]
        .filter(([number]) => this.#excused.get(writer)?.has(number) !== true)
        .map(([number, shownMs]) => ({ writer, number, shownMs, isDoubtful: lastMs - shownMs < lastWordsMs })),
    );
  }
}
