/** What the life of a call needs from other rooms. */
import type { Operation } from "../contract/index.ts";
import type { Call } from "./call.ts";

/** The first answer to a command, kept under its idempotency key. */
export interface StoredAnswer {
  /** Digest of the input that was answered: another input under the same key is a conflict. */
  readonly fingerprint: string;
  /** The answer as JSON has it; `undefined` for an operation without an output. */
  readonly value: unknown;
}

/**
 * First answers by operation, caller and idempotency key. Two methods. An adapter says how long it keeps them.
 */
export interface AnswerStore {
  find(call: Call): Promise<StoredAnswer | undefined>;
  /** Within the call's own transaction, where it has one: the answer is stored if and only if the effects are. */
  save(call: Call, answer: StoredAnswer): Promise<void>;
}

/** Brings calls to services that run elsewhere. One method. */
export interface Carrier {
  /**
   * Answers as the operation itself would in this process: with its value, its items, its bytes, or its Fault.
   *
   * Gives up when the call is canceled, and tells the other side. Repeats what may be repeated while the call's
   * deadline allows, and no more than a small share of all calls.
   *
   * @throws {Fault} that of the operation; `unavailable` when it is out of reach; `unimplemented` when nobody knows where it is.
   */
  carry(call: Call): Promise<unknown>;
}

/** Who is why a call ended as it did: nobody where it was answered; else the caller (a declared error is one too) or the service. */
export type CallOutcome = "answered" | "caller" | "service";

/** Counts the calls of one operation by what was promised for it. Must not throw, wait or take memory. */
export interface CallMeter {
  /** @param ms  How long it took. */
  observe(outcome: CallOutcome, ms: number): void;
}

/** Which calls are counted, and where. A probe is counted by itself. */
export interface CallMeters {
  /** `undefined` where nothing is promised. */
  meterOf(operation: Operation, source: "calls" | "probes"): CallMeter | undefined;
}
