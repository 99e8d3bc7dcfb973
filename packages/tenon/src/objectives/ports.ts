/**
 * What objectives ask of others: somebody to tell, and a place where counts and alerts outlive a process and are shared
 * with the other instances of the app.
 */
import type { Alert } from "./alert.ts";
import type { Counts } from "./bucket-ring.ts";
import type { Silence } from "./silence.ts";

/** What somebody is told about one service: all its alerts that fire or have just ended, in one message. */
export interface AlertNotification {
  /** The same for every attempt at telling the same thing, from whichever instance: receivers may drop a second one. */
  readonly id: string;
  readonly app: string;
  readonly service: string;
  /** `refresh`: nothing is new; for receivers that forget what they do not hear of again. */
  readonly reason: "change" | "repeat" | "refresh";
  /** `resolved` when none of the alerts fires any more. */
  readonly status: "firing" | "resolved";
  /** Those that fire first, pages before tickets. At least one. */
  readonly alerts: readonly Alert[];
  /** In ms since 1970. */
  readonly atMs: number;
}

export interface AlertReceiver {
  /** For logs and counts: `webhook`, `slack`, `alertmanager`. */
  readonly name: string;
  /** How often it wants to hear of what still fires, in ms, where it forgets otherwise. */
  readonly refreshMs?: number;
  /** Resolves when it was taken. Bounded in time and attempts. @throws {Fault} `unavailable` */
  send(notification: AlertNotification): Promise<void>;
}

/** Counts of one objective in one bucket of the finest tier. */
export interface CountDelta extends Counts {
  readonly target: string;
  /** Within the bucket, in ms since 1970. */
  readonly atMs: number;
}

/** What one bucket of a tier holds, over all instances. */
export interface StoredCount extends Counts {
  readonly target: string;
  readonly bucketS: number;
  readonly atMs: number;
}

/** Whose turn it is to look and to tell. */
export interface Turn {
  readonly isMine: boolean;
  /** What the instance that looks has found: low-priority calls are to give way. */
  readonly isPressed: boolean;
}

/** Of one service. Every method may throw a {@link Fault} `unavailable`. */
export interface ObjectiveStore {
  /** Adds counts, in one transaction: all or nothing. */
  add(deltas: readonly CountDelta[]): Promise<void>;
  /** Buckets that end after `sinceMs`. */
  counts(sinceMs: number): Promise<readonly StoredCount[]>;
  /**
   * Takes or keeps the turn for `leaseMs`, by one clock for all instances.
   *
   * @param isPressed  What this instance has found, if it has the turn; kept for the others.
   */
  turn(holder: string, leaseMs: number, isPressed: boolean): Promise<Turn>;
  /** Lets another instance have the turn at once. */
  giveUp(holder: string): Promise<void>;
  alerts(): Promise<readonly Alert[]>;
  /** Keeps these, and forgets those by id. */
  keep(alerts: readonly Alert[], forgotten: readonly string[]): Promise<void>;
  /** Those that are not over. */
  silences(nowMs: number): Promise<readonly Silence[]>;
  addSilence(silence: Silence): Promise<void>;
  /** @returns Whether there was one that was not over. */
  endSilence(id: string, nowMs: number): Promise<boolean>;
  /** Deletes counts that no tier keeps any more, and silences that are over for a week. */
  sweep(nowMs: number): Promise<void>;
}
