/**
 * The thread that writes to the store, so that the disk never holds up the event loop of whoever hosts it. Loaded by
 * `telemetry-store.ts` as the program of a worker, and by nothing else.
 *
 * Jobs that arrive while a transaction is being written share the next one: under load a commit carries many of them,
 * and at rest each has its own at once.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Intake, Kept } from "./intake.ts";
import { MalformedBody } from "./otlp/protobuf-reader.ts";
import { readExport } from "./otlp/read-export.ts";
import { TelemetryStoreError } from "./segment-files.ts";
import type { FromWorker, Job, Outcome, ToWorker, WorkerSettings } from "./store-jobs.ts";
import { transactionMaxBytes } from "./store-limits.ts";
import { StoreWriter } from "./store-writer.ts";

/** How often limits are looked at besides: for age alone, since size is looked at with each new file. */
const enforceEveryMs = 30_000;

const clock = { nowMs: () => Date.now() };
const settings = workerData as WorkerSettings;
const waiting: { readonly id: number; readonly job: Job }[] = [];
let isClosing = false;
let isScheduled = false;

function tell(message: FromWorker): void {
  parentPort?.postMessage(message, []);
}

function run(writer: StoreWriter): void {
  isScheduled = false;
  const jobs = takeJobs();
  if (jobs.length > 0) tell({ outcomes: perform(writer, jobs) });
  if (waiting.length > 0) schedule(writer);
  else if (isClosing) close(writer);
}

/** As many as fit into one transaction, and one at least. */
function takeJobs(): readonly { readonly id: number; readonly job: Job }[] {
  let bytes = 0;
  let count = 0;
  for (const { job } of waiting) {
    bytes += job.bytes.byteLength;
    if (count > 0 && bytes > transactionMaxBytes(settings.limits)) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

/** Messages that have arrived by now are taken first: they travel in the same transaction. */
function schedule(writer: StoreWriter): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(() => run(writer));
}

function perform(writer: StoreWriter, jobs: readonly { readonly id: number; readonly job: Job }[]): { id: number; outcome: Outcome }[] {
  const read = jobs.map(({ id, job }) => ({ id, ...readJob(job) }));
  let kept: readonly Kept[];
  try {
    kept = writer.write(read.flatMap(({ batches }) => batches));
  } catch (error) {
    // One that cannot be written must not take the others with it.
    if (jobs.length > 1) return jobs.flatMap((job) => perform(writer, [job]));
    const failed = { kind: "failed", reason: (error as Error).message } as const;
    return read.map(({ id, malformed }) => ({ id, outcome: malformed ?? failed }));
  }
  let at = 0;
  return read.map(({ batches, id, malformed, reason, rejected }) => {
    const own = kept.slice(at, at + batches.length);
    at += batches.length;
    const sum = { kind: "kept", kept: total(own, "kept"), rejected: rejected + total(own, "rejected"), reason: [reason, ...own.map((each) => each.reason)].find((text) => text !== "") ?? "" } as const;
    return { id, outcome: malformed ?? sum };
  });
}

interface Read {
  readonly batches: readonly Intake[];
  readonly rejected: number;
  readonly reason: string;
  readonly malformed?: Outcome;
}

function readJob(job: Job): Read {
  try {
    return readExport(job.signal, { encoding: job.encoding, bytes: job.bytes, nowMs: clock.nowMs() });
  } catch (error) {
    // Whatever a body brings about, the thread goes on: it writes for everybody.
    const reason = error instanceof MalformedBody ? error.message : `the body could not be understood: ${(error as Error).message}`;
    return { batches: [], rejected: 0, reason: "", malformed: { kind: "malformed", reason } };
  }
}

function total(kept: readonly Kept[], name: "kept" | "rejected"): number {
  return kept.reduce((sum, each) => sum + each[name], 0);
}

function close(writer: StoreWriter): void {
  writer.close();
  tell({ closed: true });
  parentPort?.close();
}

function start(): void {
  let writer: StoreWriter;
  try {
    writer = new StoreWriter(settings.directory, { limits: settings.limits, clock });
  } catch (error) {
    const reason = error instanceof TelemetryStoreError ? error.message : `telemetry cannot be kept in ${settings.directory}: ${(error as Error).message}`;
    tell({ refused: reason });
    parentPort?.close();
    return;
  }
  setInterval(() => enforce(writer), enforceEveryMs).unref();
  parentPort?.on("message", (message: ToWorker) => {
    if ("job" in message) waiting.push(message);
    else isClosing = true;
    schedule(writer);
  });
  tell({ ready: true });
}

function enforce(writer: StoreWriter): void {
  try {
    if (!isClosing) writer.enforce();
  } catch {
    // What cannot be removed now, because another program has it open, is removed the next time.
  }
}

start();
