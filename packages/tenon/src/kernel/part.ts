/** Something with a life inside an app: a pool, a server, a sweeper. */
export interface Part {
  readonly name: string;
  start(): Promise<void> | void;
  /** Idempotent. Resolves when nothing of the part is running any more. */
  stop(): Promise<void> | void;
}
