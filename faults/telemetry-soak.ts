/**
 * Two days of telemetry in minutes: fills a store far beyond its limit of size, and looks on the way at the memory of
 * the process and at how long each question takes. Both have to stay flat.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StoreReader, TelemetryStore } from "../packages/tenon/src/telemetry-store/index.ts";
import { OtlpLoad } from "./otlp-load.ts";

export interface SoakOptions {
  readonly spans: number;
  readonly sizeMaxBytes: number;
  /** How many times it looks; the first look is at a store that is one part full. */
  readonly looks: number;
  readonly random: () => number;
  readonly onLook?: (look: Look) => void;
}

/** How long the slowest of several was, in ms. */
export type QuestionTimes = Readonly<Record<string, number>>;

/** By the clock on the wall, and by the processor: the second one is not moved by what else the machine has to do. */
interface AskedTimes {
  readonly questionsMs: QuestionTimes;
  readonly questionsCpuMs: QuestionTimes;
}

export interface Look {
  /** Sent, and answered to be on disk. */
  readonly spans: number;
  readonly spansPerS: number;
  /** Of all threads, with making the bodies: what a busy machine does not change. */
  readonly cpuUsPerSpan: number;
  readonly rssMib: number;
  readonly storeMib: number;
  readonly files: number;
  readonly questionsMs: QuestionTimes;
  /** Of the thread that asks. */
  readonly questionsCpuMs: QuestionTimes;
}

export interface SoakResult {
  readonly looks: readonly Look[];
  readonly failed: number;
  /** Traces that were just answered to be on disk, and could not be read. */
  readonly missing: number;
}

const bodySpans = 1_000;
/** Bodies that are sent before the first is answered. */
const underWay = 8;
const simulatedMs = 48 * 3_600_000;
const repeats = 5;

export async function runSoak({ looks, onLook, random, sizeMaxBytes, spans }: SoakOptions): Promise<SoakResult> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-soak-"));
  try {
    await using store = await TelemetryStore.open(directory, { sizeMaxBytes });
    using reader = StoreReader.open(directory);
    const load = new OtlpLoad({ spans: bodySpans, random });
    const startMs = Date.now() - simulatedMs;
    const done: Look[] = [];
    let sent = 0;
    let failed = 0;
    let missing = 0;
    for (let look = 1; look <= looks; look += 1) {
      const before = sent;
      const startedMs = performance.now();
      const startedCpu = process.cpuUsage();
      let lastId = "";
      const send = async (): Promise<void> => {
        while (sent < (spans * look) / looks) {
          const { bytes, traceId } = load.body(startMs + (simulatedMs * sent) / spans);
          sent += load.spans;
          const outcome = await store.submit({ signal: "traces", encoding: "protobuf", bytes });
          if (outcome.kind === "kept" && outcome.kept === load.spans) lastId = traceId;
          else failed += 1;
        }
      };
      await Promise.all(Array.from({ length: underWay }, send));
      const seconds = (performance.now() - startedMs) / 1_000;
      const cpu = process.cpuUsage(startedCpu);
      if (reader.trace(lastId).length === 0) missing += 1;
      const nowMs = startMs + (simulatedMs * sent) / spans;
      const times = ask(reader, { traceId: lastId, nowMs });
      const { bytes, files } = reader.size();
      const seen: Look = { spans: sent, spansPerS: Math.round((sent - before) / seconds), cpuUsPerSpan: Math.round(((cpu.user + cpu.system) / (sent - before)) * 10) / 10, rssMib: mib(process.memoryUsage.rss()), storeMib: mib(bytes), files, ...times };
      done.push(seen);
      onLook?.(seen);
    }
    return { looks: done, failed, missing };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function ask(reader: StoreReader, { nowMs, traceId }: { readonly traceId: string; readonly nowMs: number }): AskedTimes {
  const fromMs = nowMs - 600_000;
  const questions: Readonly<Record<string, () => unknown>> = {
    trace: () => reader.trace(traceId),
    newest: () => reader.traces(),
    operation: () => reader.traces({ service: "orders", operation: "POST /things/3" }),
    failed: () => reader.traces({ status: "error" }),
    slow: () => reader.traces({ minMs: 200 }),
    // Nobody has it: looks at as much as any question may.
    attribute: () => reader.traces({ attributes: { "tenon.caller": "nobody" } }),
    page: () => reader.traces({ cursor: reader.traces({ limit: 100 }).next ?? "" }),
    top: () => reader.busyOperations({ fromMs, toMs: nowMs }),
  };
  const asked = Object.entries(questions).map(([name, question]) => [name, slowest(question)] as const);
  return {
    questionsMs: Object.fromEntries(asked.map(([name, { ms }]) => [name, ms])),
    questionsCpuMs: Object.fromEntries(asked.map(([name, { cpuMs }]) => [name, cpuMs])),
  };
}

function slowest(question: () => unknown): { readonly ms: number; readonly cpuMs: number } {
  const times = Array.from({ length: repeats }, () => {
    const startedMs = performance.now();
    const startedCpu = process.threadCpuUsage();
    question();
    const { system, user } = process.threadCpuUsage(startedCpu);
    return { ms: performance.now() - startedMs, cpuMs: (user + system) / 1_000 };
  }).slice(1); // the first one opens files
  return { ms: tenths(Math.max(...times.map(({ ms }) => ms))), cpuMs: tenths(Math.max(...times.map(({ cpuMs }) => cpuMs))) };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}

/**
 * Whether memory and questions stayed flat from the time on when the store was full: the second half of the looks. Questions by
 * what they cost the processor.
 */
export function isFlat({ looks }: SoakResult): boolean {
  const later = looks.slice(Math.floor(looks.length / 2));
  const [first] = later;
  if (first === undefined) return false;
  const grows = (from: number, to: number, slack: number): boolean => to > from * 1.5 + slack;
  return later.every((look) => !grows(first.rssMib, look.rssMib, 32) && Object.entries(look.questionsCpuMs).every(([name, ms]) => !grows(first.questionsCpuMs[name] ?? 0, ms, 20)));
}
