/** Reads records once, in the order of their places, and hands them out as seals ask for them. */
import type { AuditStore, StoredRecord } from "./ports.ts";

/** Records of one question. */
const portion = 5_000;

export class RecordReader {
  readonly #store: Pick<AuditStore, "records" | "recordsAt">;
  readonly #onProgress: ((records: number) => void) | undefined;
  /** Read, and asked for by no seal yet. */
  readonly #unclaimed = new Map<number, StoredRecord>();
  /** From the lowest there can be: nobody but a tamperer takes places below 1. */
  #cursor = Number.MIN_SAFE_INTEGER;
  #hasEnded = false;
  /** The next portion, on its way while the last one is looked at. */
  #ahead: Promise<readonly StoredRecord[]> | undefined = undefined;
  /** Records that were read. */
  count = 0;
  /** The last place that was asked for. */
  sealedSeq = 0;

  constructor(store: Pick<AuditStore, "records" | "recordsAt">, onProgress?: (records: number) => void) {
    this.#store = store;
    this.#onProgress = onProgress;
  }

  /** The records at these places, as far as there are any. */
  async take(seqs: readonly number[]): Promise<ReadonlyMap<number, StoredRecord>> {
    const last = seqs.reduce((max, seq) => Math.max(max, seq), 0);
    this.sealedSeq = Math.max(this.sealedSeq, last);
    while (this.#cursor < last && !this.#hasEnded) await this.#read();
    const taken = new Map<number, StoredRecord>();
    const missed: number[] = [];
    for (const seq of seqs) {
      const row = this.#unclaimed.get(seq);
      if (row === undefined) missed.push(seq);
      else taken.set(seq, row);
      this.#unclaimed.delete(seq);
    }
    // One that was committed after its place had been passed is there by now.
    for (const row of await this.#store.recordsAt(missed)) {
      taken.set(row.seq, row);
      this.count++;
    }
    return taken;
  }

  /** All that nobody has asked for. */
  async *rest(): AsyncGenerator<StoredRecord> {
    this.#hasEnded = false;
    for (;;) {
      yield* [...this.#unclaimed.values()].toSorted((a, b) => a.seq - b.seq);
      this.#unclaimed.clear();
      if (this.#hasEnded) return;
      await this.#read();
    }
  }

  async #read(): Promise<void> {
    const rows = await (this.#ahead ?? this.#store.records(this.#cursor, portion));
    for (const row of rows) this.#unclaimed.set(row.seq, row);
    this.count += rows.length;
    this.#cursor = rows.at(-1)?.seq ?? this.#cursor;
    this.#hasEnded = rows.length < portion;
    this.#ahead = this.#hasEnded ? undefined : this.#store.records(this.#cursor, portion);
    this.#ahead?.catch(() => undefined); // told to whoever reads on
    this.#onProgress?.(this.count);
  }
}
