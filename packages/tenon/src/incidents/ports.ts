/** What incidents ask of others: a place where they outlive a process and are shared with the other instances of the app. */
import type { Change, SettingsMark } from "./change.ts";
import type { GraphPortion } from "./graph-history.ts";
import type { Entry, Incident, IncidentEdit } from "./incident.ts";

/** Every method may throw a `Fault` `unavailable`. */
export interface IncidentStore {
  /**
   * Decides and writes, one at a time over all instances: what is decided on is what is on record until it is written.
   *
   * @param decide  Gets all incidents that are not closed, the oldest first. Must not wait.
   */
  edit(decide: (incidents: readonly Incident[]) => readonly IncidentEdit[]): Promise<readonly IncidentEdit[]>;
  /** Those that are not closed, the oldest first. */
  unclosed(): Promise<readonly Incident[]>;
  /** The latest first. */
  list(max: number): Promise<readonly Incident[]>;
  /** Whose id begins so. */
  find(idPrefix: string): Promise<readonly Incident[]>;
  /** In the order of their instants. */
  timeLine(id: string): Promise<readonly Entry[]>;
  /** Notes the release that runs, where it is another than the last one. */
  noteRelease(release: string, atMs: number): Promise<void>;
  /** Notes the settings, and which of them are not as they were. The first ones are no change. */
  noteSettings(mark: (salt: string | undefined) => SettingsMark, atMs: number): Promise<void>;
  /** Of a time, in order. */
  changes(fromMs: number, untilMs: number): Promise<readonly Change[]>;
  /** Forgets what closed before an instant, and changes of before. */
  sweep(beforeMs: number): Promise<void>;
}

/** A portion as it is on record. */
export interface KeptPortion extends GraphPortion {
  /** The same at every reading, and no other's. */
  readonly seq: number;
}

/**
 * What the processes of an app have counted of its calls, so that what is usual outlives each of them and is known to the
 * others. Every method may throw a `Fault` `unavailable`.
 */
export interface GraphStore {
  /** @param instance  The process, by a name that no other ever has. */
  add(instance: string, portions: readonly GraphPortion[]): Promise<void>;
  /** Of all processes but one, from an instant on, in ms since 1970. */
  ofOthers(instance: string, sinceMs: number): Promise<readonly KeptPortion[]>;
  sweep(beforeMs: number): Promise<void>;
}
