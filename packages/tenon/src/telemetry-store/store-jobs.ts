/** What goes to the thread that writes, and what comes back. */
import type { Encoding, Signal } from "./otlp/read-export.ts";
import type { StoreLimits } from "./store-limits.ts";

/** A body of OTLP to be kept. Its bytes are handed over, not copied. */
export interface Job {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type Outcome =
  /** On disk, in a transaction that has ended. */
  | { readonly kind: "kept"; readonly kept: number; readonly rejected: number; readonly reason: string }
  /** What came is not what it says it is; sending it again is no use. */
  | { readonly kind: "malformed"; readonly reason: string }
  /** Too much waits already. Nothing was kept; it may be sent again. */
  | { readonly kind: "busy" }
  /** The disk or the thread failed. Nothing was kept; it may be sent again. */
  | { readonly kind: "failed"; readonly reason: string };

export interface WorkerSettings {
  readonly directory: string;
  readonly limits: StoreLimits;
}

export type ToWorker = { readonly id: number; readonly job: Job } | { readonly close: true };

export type FromWorker =
  | { readonly ready: true }
  | { readonly refused: string }
  | { readonly outcomes: readonly { readonly id: number; readonly outcome: Outcome }[] }
  | { readonly closed: true };
