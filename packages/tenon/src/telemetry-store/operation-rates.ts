/**
 * How often operations ran, in slots of ten seconds: what `top` reads, so that it need not read spans. Written with the
 * spans in one transaction, so both say the same after a crash.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { addTo, bucketOf, type DurationCounts, fromText, toText } from "./duration-histogram.ts";

/** Length of a slot, in s. */
export const slotS = 10;

/** Slots that stay in memory between transactions: the ones that spans still come to. */
const slotsInMemory = 2_000;

interface Rate {
  readonly operation: number;
  readonly slotS: number;
  count: number;
  errors: number;
  readonly durations: DurationCounts;
  isChanged: boolean;
}

export class OperationRates {
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #rates = new Map<string, Rate>();

  constructor(database: DatabaseSync) {
    this.#read = database.prepare("SELECT count, errors, durations FROM rates WHERE slot_s = ? AND operation = ?");
    this.#write = database.prepare("INSERT OR REPLACE INTO rates (operation, slot_s, count, errors, durations) VALUES (?, ?, ?, ?, ?)");
  }

  /** A span counts where it ended: that is when the others learn of it. */
  observe(operation: number, span: { readonly endUs: number; readonly durationUs: number; readonly isError: boolean }): void {
    const rate = this.#rate(operation, Math.floor(span.endUs / 1_000_000 / slotS) * slotS);
    rate.count += 1;
    if (span.isError) rate.errors += 1;
    addTo(rate.durations, bucketOf(span.durationUs));
    rate.isChanged = true;
  }

  /** Writes what has changed, inside of the transaction that is open. */
  save(): void {
    for (const rate of this.#rates.values()) {
      if (!rate.isChanged) continue;
      this.#write.run(rate.operation, rate.slotS, rate.count, rate.errors, toText(rate.durations));
      rate.isChanged = false;
    }
    // The oldest first: a map keeps the order in which slots came to be.
    for (const key of this.#rates.keys()) {
      if (this.#rates.size <= slotsInMemory) break;
      this.#rates.delete(key);
    }
  }

  /** After a transaction that was undone, memory knows more than the file. */
  forget(): void {
    this.#rates.clear();
  }

  #rate(operation: number, slot: number): Rate {
    const key = `${slot}/${operation}`;
    const known = this.#rates.get(key);
    if (known !== undefined) return known;
    const row = this.#read.get(slot, operation) as { readonly count: number; readonly errors: number; readonly durations: string } | undefined;
    const rate = { operation, slotS: slot, count: row?.count ?? 0, errors: row?.errors ?? 0, durations: fromText(row?.durations ?? ""), isChanged: false };
    this.#rates.set(key, rate);
    return rate;
  }
}
