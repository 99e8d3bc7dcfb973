/** Who may use the one session: one after the other, in the order in which they asked. */
import { Fault } from "../kernel/index.ts";

interface Waiter {
  readonly start: () => void;
  readonly reject: (fault: Fault) => void;
  readonly timer: NodeJS.Timeout;
}

export class Turns {
  #isTaken = false;
  #isClosed = false;
  #waiters: Waiter[] = [];
  #free: PromiseWithResolvers<void> | undefined = undefined;

  get isTaken(): boolean {
    return this.#isTaken;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Resolves when it is the asker's turn. @throws {Fault} `unavailable` */
  take(timeoutMs: number): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedFault());
    if (!this.#isTaken) {
      this.#isTaken = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter);
        reject(
          new Fault("unavailable", `no session of the database was free within ${Math.round(timeoutMs)} ms`, {
            facts: { why: "the embedded database runs one transaction at a time" },
          }),
        );
      }, timeoutMs);
      const waiter: Waiter = { start: resolve, reject, timer };
      this.#waiters.push(waiter);
    });
  }

  give(): void {
    const next = this.#waiters.shift();
    if (next === undefined) {
      this.#isTaken = false;
      this.#free?.resolve();
      return;
    }
    clearTimeout(next.timer);
    next.start();
  }

  /** Lets nobody in any more; resolves when the one who is in has left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(closedFault());
    }
    if (!this.#isTaken) return;
    this.#free ??= Promise.withResolvers();
    await this.#free.promise;
  }
}

function closedFault(): Fault {
  return new Fault("unavailable", "the database is closed");
}
