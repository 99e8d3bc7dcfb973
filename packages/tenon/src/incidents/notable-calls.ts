/**
 * What is kept of calls that failed or took long, so that an incident can say how many callers met it and show some traces:
 * bounded, for the last hour, and without anybody's name.
 *
 * Callers are counted by a sketch of 256 bytes for each operation and minute (HyperLogLog, with linear counting while they are
 * few): right to a few percent, and who they were cannot be read from it. Their names go in hashed, with a salt of this process.
 *
 * @see https://algo.inria.fr/flajolet/Publications/FlFuGaMe07.pdf
 */
import type { GraphedCall, NotableCalls } from "../calls/index.ts";
import type { Clock, Random } from "../kernel/index.ts";

/** Operations that are remembered at once. One that was not notable for an hour gives its place to one that is now. */
const operationsMax = 64;
const tracesMax = 8;
const minutesMax = 60;
const minuteMs = 60_000;
const registers = 256;

export interface SampleTrace {
  readonly traceId: string;
  readonly operation: string;
  /** In ms since 1970. */
  readonly atMs: number;
  /** `ok`, or the code of what failed. */
  readonly code: string;
  /** How long the call took. */
  readonly ms: number;
}

export interface Samples {
  readonly failed: readonly SampleTrace[];
  readonly slow: readonly SampleTrace[];
}

interface Remembered {
  readonly failed: SampleTrace[];
  readonly slow: SampleTrace[];
  /** By minute. */
  readonly callers: Map<number, Uint8Array>;
}

export class NotableMemory implements NotableCalls {
  readonly #clock: Clock;
  readonly #salt: number;
  readonly #byOperation = new Map<string, Remembered>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#salt = Math.floor(random() * 0x1_0000_0000);
  }

  notable(call: GraphedCall, code: string, ms: number): void {
    const operation = call.graphNode;
    const remembered = this.#byOperation.get(operation) ?? this.#add(operation);
    if (remembered === undefined) return;
    const atMs = this.#clock.nowMs();
    const { traceId } = call.traceIds;
    if (traceId !== "") push(code === "ok" ? remembered.slow : remembered.failed, { traceId, operation, atMs, code, ms: Math.round(ms) });
    this.#note(remembered.callers, Math.floor(atMs / minuteMs), hashOf(callerOf(call), this.#salt));
  }

  /** About how many callers calls of these operations failed for or were slow for, since an instant. */
  callers(operations: readonly string[], sinceMs: number): number {
    const merged = new Uint8Array(registers);
    for (const operation of operations) {
      for (const [minute, sketch] of this.#byOperation.get(operation)?.callers ?? []) {
        if ((minute + 1) * minuteMs <= sinceMs) continue;
        for (let i = 0; i < registers; i++) merged[i] = Math.max(merged[i] as number, sketch[i] as number);
      }
    }
    return estimate(merged);
  }

  /** The latest traces of these operations since an instant. */
  samples(operations: readonly string[], sinceMs: number): Samples {
    const latest = (kind: "failed" | "slow"): readonly SampleTrace[] =>
      operations
        .flatMap((operation) => this.#byOperation.get(operation)?.[kind] ?? [])
        .filter(({ atMs }) => atMs >= sinceMs)
        .toSorted((a, b) => b.atMs - a.atMs)
        .slice(0, tracesMax);
    return { failed: latest("failed"), slow: latest("slow") };
  }

  #add(operation: string): Remembered | undefined {
    if (this.#byOperation.size >= operationsMax) this.#forgetOld();
    if (this.#byOperation.size >= operationsMax) return undefined;
    const made: Remembered = { failed: [], slow: [], callers: new Map() };
    this.#byOperation.set(operation, made);
    return made;
  }

  #forgetOld(): void {
    const nowMinute = Math.floor(this.#clock.nowMs() / minuteMs);
    for (const [operation, { callers }] of this.#byOperation) {
      if (Math.max(...callers.keys()) <= nowMinute - minutesMax) this.#byOperation.delete(operation);
    }
  }

  #note(callers: Map<number, Uint8Array>, minute: number, hash: number): void {
    let sketch = callers.get(minute);
    if (sketch === undefined) {
      for (const old of callers.keys()) if (old <= minute - minutesMax) callers.delete(old);
      callers.set(minute, (sketch = new Uint8Array(registers)));
    }
    const place = hash >>> 24;
    const rank = Math.clz32(((hash << 8) >>> 0) | 0xff) + 1;
    if (rank > (sketch[place] as number)) sketch[place] = rank;
  }
}

function push(traces: SampleTrace[], trace: SampleTrace): void {
  if (traces.length >= tracesMax) traces.shift();
  traces.push(trace);
}

function callerOf({ address, caller }: GraphedCall): string {
  return caller === undefined || caller.subject === "" ? `address ${address ?? ""}` : `${caller.issuer} ${caller.subject}`;
}

/** FNV-1a with the last mix of MurmurHash3: its high bits are as good as its low ones. */
function hashOf(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function estimate(sketch: Uint8Array): number {
  const zeros = sketch.reduce((count, rank) => count + (rank === 0 ? 1 : 0), 0);
  const sum = sketch.reduce((total, rank) => total + 2 ** -rank, 0);
  const raw = ((0.7213 / (1 + 1.079 / registers)) * registers * registers) / sum;
  return Math.round(raw <= 2.5 * registers && zeros > 0 ? registers * Math.log(registers / zeros) : raw);
}
