/**
 * The audit trail of one service, for whoever has something to put on record.
 *
 *     append ─► in the transaction of a command: there if and only if what it tells of is      fails: nothing is kept
 *     write  ─► in a transaction of its own, before the promise resolves                       fails: unavailable
 *     note   ─► into a buffer that is written every 250 ms: for reads and refusals, of which
 *               there are many. A process that is killed loses what it noted last              full: unavailable
 *
 * All of them carry the name of the process and a number without gaps, so that a record that is taken away before it was
 * sealed leaves a hole. What a buffer could not write is tried again, rather twice than never.
 */
import type { Session, Work, WorkEnd } from "../data/index.ts";
import { type Clock, Fault, type Log, type Part, type Timer } from "../kernel/index.ts";
import type { AuditKey } from "./audit-key.ts";
import { type AuditEntry, recordText } from "./entry.ts";
import { leafHash } from "./merkle.ts";
import type { AuditStore, NewRecord } from "./ports.ts";

/** Where records go. The interface that rooms write to. */
export interface AuditTrail {
  /** In the transaction of a command: the record is kept if and only if the transaction is. */
  append(work: Work, entries: readonly AuditEntry[]): void;
  /** In the transaction that this session has open, in the role of the service or its owner. */
  appendIn(session: Session, entries: readonly AuditEntry[]): Promise<void>;
  /** By itself. @throws {Fault} `unavailable`: it is not on record, so what it tells of should not be done. */
  write(entries: readonly AuditEntry[]): Promise<void>;
  /** Soon, together with others. @throws {Fault} `unavailable`: the database is out of reach, and the buffer is full. */
  note(entry: AuditEntry): void;
}

export interface ServiceTrailOptions {
  readonly store: AuditStore;
  readonly service: string;
  /** This process: unique among those that write. */
  readonly writer: string;
  readonly key: AuditKey | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Called whenever there is something to seal. */
  readonly onWritten?: () => void;
  /** How long a noted record waits for others, in ms. Default 250. */
  readonly noteWaitMs?: number;
  /** Records that may wait to be written. Default 10 000: some 5 MB, half a minute of a busy service. */
  readonly notesMax?: number;
}

/** Written by one statement. */
const portionMax = 500;
/** How long to wait before what could not be written is tried again, in ms. */
const retryMs = 1_000;

interface Note {
  readonly entry: AuditEntry & { readonly atMs: number };
  times: number;
}

export class ServiceTrail implements AuditTrail, Part {
  readonly name: string;
  readonly #options: ServiceTrailOptions;
  readonly #notesMax: number;
  #number = 0;
  #single = 0;
  #lost: number[] = [];
  /** What was said to be lost by records of which it is not known yet whether they are kept. */
  readonly #said = new Map<number, readonly number[]>();
  /** By all that makes them the same. */
  #notes = new Map<string, Note>();
  #timer: Timer | undefined = undefined;
  #flushing: Promise<void> = Promise.resolve();
  #isOutOfReach = false;

  constructor(options: ServiceTrailOptions) {
    this.name = `audit trail of ${options.service}`;
    this.#options = options;
    this.#notesMax = options.notesMax ?? 10_000;
  }

  /** Records that wait to be written. */
  get pending(): number {
    return this.#notes.size;
  }

  start(): void {
    // Timers run while there is something to write.
  }

  /** Writes what waits, once: what cannot be written then is told in the log. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.flush();
    if (this.#notes.size > 0) this.#options.log.error("records of the audit trail are lost: the database was out of reach to the end", { service: this.#options.service, records: this.#notes.size });
  }

  append(work: Work, entries: readonly AuditEntry[]): void {
    const { clock, onWritten, store } = this.#options;
    const nowMs = clock.nowMs();
    work.atCommit(() => {
      const first = this.#number + 1;
      const statement = store.insertion(entries.map((entry) => this.#compose(entry, nowMs)));
      const count = this.#number - first + 1;
      work.onEnd((end) => this.#ended(end, first, count));
      return statement;
    });
    if (onWritten !== undefined) work.onCommit(onWritten);
  }

  async appendIn(session: Session, entries: readonly AuditEntry[]): Promise<void> {
    const { clock, onWritten, store, writer } = this.#options;
    const nowMs = clock.nowMs();
    // Nobody tells how this transaction ends: these have a count of their own, which a hole in says nothing.
    const own = `${writer}.${++this.#single}`;
    const { parameters, text } = store.insertion(entries.map((entry, index) => this.#record(entry, { nowMs, writer: own, number: index + 1, lost: [] })));
    await session.query(text, parameters);
    onWritten?.();
  }

  async write(entries: readonly AuditEntry[]): Promise<void> {
    const { clock, onWritten, store } = this.#options;
    const first = this.#number + 1;
    const nowMs = clock.nowMs();
    const records = entries.map((entry) => this.#compose(entry, nowMs));
    try {
      await store.insert(records);
    } catch (error) {
      this.#ended("unknown", first, records.length);
      throw error;
    }
    this.#ended("kept", first, records.length);
    onWritten?.();
  }

  note(entry: AuditEntry): void {
    const { atMs = this.#options.clock.nowMs(), traceId, ...same } = entry;
    const key = JSON.stringify(same);
    const known = this.#notes.get(key);
    if (known !== undefined) {
      known.times += entry.times ?? 1;
      return;
    }
    if (this.#notes.size >= this.#notesMax) throw new Fault("unavailable", "the audit trail cannot be written at present, so what has to be on record is not done", { retryAfterS: 5 });
    this.#notes.set(key, { entry: { ...same, traceId, atMs }, times: entry.times ?? 1 });
    this.#timer ??= this.#options.clock.after(this.#options.noteWaitMs ?? 250, () => void this.flush());
  }

  /** Writes what waits. Never rejects: what could not be written waits on. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#flushing = this.#flushing.then(() => this.#flushNotes());
    return this.#flushing;
  }

  async #flushNotes(): Promise<void> {
    const { log, service } = this.#options;
    while (this.#notes.size > 0) {
      const portion = [...this.#notes].slice(0, portionMax);
      for (const [key] of portion) this.#notes.delete(key);
      try {
        await this.write(portion.map(([, { entry, times }]) => (times === 1 ? entry : { ...entry, times })));
        if (this.#isOutOfReach) log.info("records of the audit trail are written again", { service });
        this.#isOutOfReach = false;
      } catch (error) {
        if (!this.#isOutOfReach) log.error("records of the audit trail cannot be written; they are kept and tried again", { service, error });
        this.#isOutOfReach = true;
        this.#notes = new Map([...portion, ...this.#notes]);
        this.#timer ??= this.#options.clock.after(retryMs, () => void this.flush());
        return;
      }
    }
  }

  #compose(entry: AuditEntry, nowMs: number): NewRecord {
    const lost = this.#lost;
    this.#lost = [];
    const number = ++this.#number;
    if (lost.length > 0) this.#said.set(number, lost);
    return this.#record(entry, { nowMs, writer: this.#options.writer, number, lost });
  }

  #record({ atMs, ...entry }: AuditEntry, { lost, nowMs, number, writer }: { readonly nowMs: number; readonly writer: string; readonly number: number; readonly lost: readonly number[] }): NewRecord {
    const at = new Date(atMs ?? nowMs).toISOString();
    const text = recordText({ ...entry, service: this.#options.service, at, writer, number, ...(lost.length === 0 ? {} : { lost }) });
    const hash = leafHash(text);
    return { text, hash, mac: this.#options.key?.mac(hash) };
  }

  /** The next record says which numbers were lost, and that one may be lost itself: so they are said until one is kept. */
  #ended(end: WorkEnd, first: number, count: number): void {
    for (let number = first; number < first + count; number++) {
      if (end !== "kept") this.#lost.push(number, ...(this.#said.get(number) ?? []));
      this.#said.delete(number);
    }
  }
}
