/** Takes sessions of one service for calls, and no longer than the call may take. */
import type { Call } from "../calls/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import { toFailure } from "./failures.ts";
import type { Database, Session, SessionMode } from "./ports.ts";
import { countWait } from "./watch-trip.ts";

export interface SessionSourceOptions {
  readonly database: Database;
  readonly service: string;
  readonly clock: Clock;
  /** The longest wait for a free session, in ms, also of a call that has more time. */
  readonly waitMaxMs: number;
}

export class SessionSource {
  readonly #options: SessionSourceOptions;

  constructor(options: SessionSourceOptions) {
    this.#options = options;
  }

  get database(): Database {
    return this.#options.database;
  }

  get service(): string {
    return this.#options.service;
  }

  /** @throws {Fault} `unavailable`, or why the call was canceled. */
  async take(mode: SessionMode, call: Call): Promise<Session> {
    if (call.canceled !== undefined) throw call.canceled;
    const { clock, database, service, waitMaxMs } = this.#options;
    const leftMs = call.deadlineAtMs - clock.elapsedMs();
    if (leftMs <= 0) throw new Fault("deadline_exceeded", `${call.operation.id} had no time left for its database`);
    let session: Session;
    try {
      session = await countWait(call, service, () => database.acquire({ service, mode, timeoutMs: Math.min(waitMaxMs, leftMs) }));
    } catch (error) {
      throw toFailure(error, call);
    }
    const canceled = reasonOf(call);
    if (canceled === undefined) return session;
    session.release(); // nobody waits for it any more
    throw canceled;
  }
}

/** Asked anew: it may have changed since the last time. */
function reasonOf(call: Call): Fault | undefined {
  return call.canceled;
}
