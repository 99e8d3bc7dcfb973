/** Where sessions are kept. `testing.ts` beside this file is the suite that adapters pass. */

export interface StoredSession {
  /** A digest of the cookie: see `session-cookie.ts`. */
  readonly id: string;
  /** Sealed under the cookie. */
  readonly content: string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly usedAtMs: number;
  /** From here on it is over, used or not. */
  readonly endsAtMs: number;
}

export interface SessionStore {
  /** @throws {Fault} `unavailable` */
  add(session: StoredSession): Promise<void>;
  /** One that is over may be missing. @throws {Fault} `unavailable` */
  find(id: string): Promise<StoredSession | undefined>;
  /** Notes that a session is in use. @throws {Fault} `unavailable` */
  use(id: string, atMs: number): Promise<void>;
  /**
   * Takes the right to renew a session's content for `holdMs`; `false` where somebody else has it, or the session is
   * gone. Two that renew at once would show one refresh token twice, which issuers take for a theft.
   */
  hold(id: string, nowMs: number, holdMs: number): Promise<boolean>;
  /** Replaces what it holds, and gives the right to renew it back. @throws {Fault} `unavailable` */
  renew(id: string, content: string): Promise<void>;
  /** Does nothing where there is none. @throws {Fault} `unavailable` */
  end(id: string): Promise<void>;
  /** Removes sessions that are over, or unused since `unusedSinceMs`. */
  sweep(nowMs: number, unusedSinceMs: number): Promise<void>;
}
