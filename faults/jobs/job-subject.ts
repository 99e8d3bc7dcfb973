/**
 * What a tool has to do to take part in the drill that kills workers: take jobs in, hand each to a handler whose effect is
 * one row, and tell which jobs it has not finished.
 */

export interface JobSubject {
  readonly name: string;
  /** What its own documentation promises of a handler's effect when workers die. */
  readonly promise: "at least once" | "exactly once";
  /**
   * A process that handles jobs from its start, in the database of `DATABASE_URL`, until it is killed. Each job takes up to
   * `JOB_WORK_MS` before its effect. Once it handles it says over IPC `{ port }`, 0 where it listens on none.
   */
  readonly worker: URL;
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** After so long a job whose worker died is given to another, in ms: as configured, with the interval of the check. */
  readonly leaseMs: number;
  /** Makes the tables in an empty database, and connects. */
  open(databaseUrl: string): Promise<JobQueue>;
}

export interface JobQueue extends AsyncDisposable {
  /** Resolves when they are committed. */
  enqueue(jobs: readonly string[]): Promise<void>;
  /** How many effects there are: asked every few milliseconds. */
  countEffects(): Promise<number>;
  /** The job of each effect; a job that was applied twice is in it twice. */
  readEffects(): Promise<readonly string[]>;
  /** Jobs that the tool means to finish: waiting, locked or to be repeated. Not those that it has given up. */
  readUnfinished(): Promise<readonly string[]>;
}
