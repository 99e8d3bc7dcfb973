/**
 * The store as its host sees it: hands telemetry to the thread that writes, and says what became of it.
 *
 * What waits is bounded in bytes; beyond that a job is refused at once (`busy`), and whoever has it decides whether to
 * send it again or to drop it. Nothing here blocks, and nothing throws but `open`.
 */
import { Worker } from "node:worker_threads";
import { TelemetryStoreError } from "./segment-files.ts";
import type { FromWorker, Job, Outcome, ToWorker, WorkerSettings } from "./store-jobs.ts";
import { type StoreLimits, toStoreLimits } from "./store-limits.ts";

/** Since it was opened. All but `waitingBytes` only grow. */
export interface StoreCounts {
  /** Spans, records and points on disk. */
  readonly kept: number;
  /** Spans, records and points refused one by one. */
  readonly rejected: number;
  /** Jobs that were not what they said. */
  readonly malformed: number;
  /** Jobs that found the queue full. */
  readonly busy: number;
  /** Jobs that the disk or the thread failed. */
  readonly failed: number;
  readonly waitingBytes: number;
}

interface Waiting {
  readonly bytes: number;
  readonly settle: (outcome: Outcome) => void;
}

/** In the repository the sources run as they stand; built, there is JavaScript beside this file. */
const workerFile = new URL(import.meta.url.endsWith(".ts") ? "./store-worker.ts" : "./store-worker.js", import.meta.url);

/** What a job costs besides its bytes: many small ones must not get around the limit. */
const jobBytes = 512;

export class TelemetryStore implements AsyncDisposable {
  readonly directory: string;
  readonly limits: StoreLimits;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #counts = { kept: 0, rejected: 0, malformed: 0, busy: 0, failed: 0, waitingBytes: 0 };
  readonly #ended = Promise.withResolvers<void>();
  #nextId = 1;
  /** Why nothing is taken any more; empty while it is. */
  #over = "";

  private constructor(worker: Worker, { directory, limits }: WorkerSettings) {
    this.directory = directory;
    this.limits = limits;
    this.#worker = worker;
    worker.on("message", (message: FromWorker) => {
      if ("outcomes" in message) for (const { id, outcome } of message.outcomes) this.#settle(id, outcome);
    });
    worker.on("error", (error) => this.#end(`the thread that writes telemetry failed: ${(error as Error).message}`));
    worker.on("exit", () => this.#end("the telemetry store is closed"));
    worker.unref();
  }

  /**
   * Opens the store of a directory for writing, and makes the directory where it is not there.
   *
   * @throws {TelemetryStoreError} it cannot be written, or another process keeps its telemetry there.
   * @throws {RangeError} a limit that nothing could be kept under.
   */
  static async open(directory: string, limits: Partial<StoreLimits> = {}): Promise<TelemetryStore> {
    const settings: WorkerSettings = { directory, limits: toStoreLimits(limits) };
    // Without the options of the host: what is preloaded there is not meant for this thread.
    const worker = new Worker(workerFile, { workerData: settings, execArgv: [], name: "telemetry-store" });
    const first = Promise.withResolvers<FromWorker>();
    worker.once("message", first.resolve);
    worker.once("error", first.reject);
    const message = await first.promise;
    if ("refused" in message) throw new TelemetryStoreError(message.refused);
    return new TelemetryStore(worker, settings);
  }

  get counts(): StoreCounts {
    return { ...this.#counts };
  }

  /** Keeps it. The answer comes after the transaction: what is `kept` survives a kill. Never rejects. */
  submit(job: Job): Promise<Outcome> {
    const bytes = jobBytes + job.bytes.byteLength;
    if (this.#over !== "") return Promise.resolve(this.#count({ kind: "failed", reason: this.#over }));
    // One that is too large for the whole queue still gets its turn, alone.
    if (this.#counts.waitingBytes > 0 && this.#counts.waitingBytes + bytes > this.limits.queueMaxBytes) return Promise.resolve(this.#count({ kind: "busy" }));
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const id = this.#nextId;
    this.#nextId += 1;
    if (this.#waiting.size === 0) this.#worker.ref(); // somebody waits for an answer; an idle store keeps no process alive
    this.#waiting.set(id, { bytes, settle: resolve });
    this.#counts.waitingBytes += bytes;
    this.#send({ id, job }, [job.bytes.buffer]);
    return promise;
  }

  /** Writes what waits, and gives the directory back. */
  async close(): Promise<void> {
    if (this.#over === "") {
      this.#over = "the telemetry store is closed";
      this.#worker.ref(); // until it has written
      this.#send({ close: true }, []);
    }
    await this.#ended.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(message: ToWorker, transfer: readonly ArrayBuffer[]): void {
    this.#worker.postMessage(message, [...transfer]);
  }

  #settle(id: number, outcome: Outcome): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0 && this.#over === "") this.#worker.unref();
    this.#counts.waitingBytes -= waiting.bytes;
    waiting.settle(this.#count(outcome));
  }

  #count(outcome: Outcome): Outcome {
    if (outcome.kind === "kept") {
      this.#counts.kept += outcome.kept;
      this.#counts.rejected += outcome.rejected;
    } else this.#counts[outcome.kind] += 1;
    return outcome;
  }

  #end(reason: string): void {
    if (this.#over === "") this.#over = reason;
    for (const id of this.#waiting.keys()) this.#settle(id, { kind: "failed", reason });
    this.#ended.resolve();
  }
}
