/**
 * The connections of one service and mode: opened when wanted, at most `max`, given out to whoever has waited longest.
 *
 * When the database is out of reach and no connection is left, everybody who waits is told so at once, and for
 * `downMs` whoever asks is told without another try; then one tries for all.
 */
import { Fault } from "../kernel/index.ts";
import type { Connection } from "./connection.ts";

export interface PoolOptions {
  /** For messages: `orders, write`. */
  readonly name: string;
  readonly max: number;
  /** How long an unused connection is kept, in ms. */
  readonly idleMs: number;
  /** @throws {Fault} `unavailable` */
  readonly open: (onLost: (connection: Connection) => void) => Promise<Connection>;
}

interface Waiter {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (fault: Fault) => void;
  readonly timer: NodeJS.Timeout;
}

/** How long a database that was just out of reach is taken to be so, in ms: enough to spare a crowd of tries. */
const downMs = 200;

export class Pool {
  readonly #options: PoolOptions;
  /** Every connection that is open; the idle ones last used come last. */
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  #waiters: Waiter[] = [];
  #opening = 0;
  #closing = 0;
  #failure: { readonly fault: Fault; readonly untilMs: number } | undefined = undefined;
  #closed: PromiseWithResolvers<void> | undefined = undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** At this moment. Connections that are being opened are nobody's yet. */
  get figures(): { readonly inUse: number; readonly idle: number; readonly max: number; readonly waiting: number } {
    const idle = this.#idle.length;
    return { inUse: this.#all.size - idle, idle, max: this.#options.max, waiting: this.#waiters.length };
  }

  /** Whoever asks now has to wait until somebody gives a connection back. */
  get isDry(): boolean {
    return this.#idle.length === 0 && this.#all.size + this.#opening >= this.#options.max;
  }

  /** @throws {Fault} `unavailable` */
  acquire(timeoutMs: number): Promise<Connection> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.isUsable) return Promise.resolve(idle);
    }
    if (this.#closed !== undefined) return Promise.reject(new Fault("unavailable", "the database is closed"));
    if (this.#all.size === 0 && this.#opening === 0 && this.#failure !== undefined && performance.now() < this.#failure.untilMs) {
      return Promise.reject(this.#failure.fault);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(waiter, timeoutMs), timeoutMs);
      const waiter: Waiter = { resolve, reject, timer };
      this.#waiters.push(waiter);
      this.#grow();
    });
  }

  /** Takes a connection back. One that is in an unknown state is closed. */
  release(connection: Connection, how?: "broken"): void {
    if (how === "broken" || !connection.isClean || !connection.isUsable || this.#closed !== undefined) {
      this.#drop(connection);
    } else if (connection.isCanceling) {
      connection.settleCancel().then(
        () => this.#offer(connection),
        () => this.#drop(connection),
      );
    } else {
      this.#offer(connection);
    }
  }

  /** Closes what has not been used for long, and cuts what does not answer. Called from time to time. */
  tidy(nowMs: number, isStuck: (connection: Connection) => boolean): void {
    for (const connection of this.#all) if (isStuck(connection)) connection.destroy();
    while (this.#idle[0] !== undefined && nowMs - this.#idle[0].idleSinceMs > this.#options.idleMs) {
      this.#drop(this.#idle.shift() as Connection);
    }
    this.#grow(); // for those who wait since the last try failed
  }

  /** Resolves when all connections are given back and closed. One that is not given back in `withinMs` is cut. */
  async close(withinMs: number): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers();
      this.#rejectAll(new Fault("unavailable", "the database is closed"));
      for (const connection of this.#idle.splice(0)) this.#drop(connection);
      this.#finish();
    }
    const timer = setTimeout(() => {
      for (const connection of this.#all) connection.destroy();
    }, withinMs);
    await this.#closed.promise;
    clearTimeout(timer);
  }

  #offer(connection: Connection): void {
    if (!connection.isUsable || this.#closed !== undefined) {
      this.#drop(connection);
      return;
    }
    connection.wasUsed = true;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      connection.idleSinceMs = performance.now();
      this.#idle.push(connection);
      return;
    }
    clearTimeout(waiter.timer);
    waiter.resolve(connection);
  }

  #grow(): void {
    const wanted = this.#failure === undefined ? this.#waiters.length : Math.min(1, this.#waiters.length);
    if (this.#opening >= wanted || this.#all.size + this.#opening >= this.#options.max || this.#closed !== undefined) return;
    this.#opening++;
    this.#options.open((lost) => this.#forget(lost)).then(
      (connection) => {
        this.#opening--;
        this.#failure = undefined;
        this.#all.add(connection);
        this.#offer(connection);
        connection.wasUsed = false;
        this.#grow();
      },
      (error: unknown) => {
        this.#opening--;
        this.#fail(Fault.from(error));
      },
    );
  }

  #fail(fault: Fault): void {
    this.#failure = { fault, untilMs: performance.now() + downMs };
    // While others are open or opening, a waiter may still get one of those.
    if (this.#all.size === 0 && this.#opening === 0) this.#rejectAll(fault);
    this.#finish();
  }

  #giveUp(waiter: Waiter, timeoutMs: number): void {
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
    const { max, name } = this.#options;
    waiter.reject(
      new Fault("unavailable", `no session of the database was free within ${Math.round(timeoutMs)} ms`, {
        facts: { pool: name, max, open: this.#all.size },
      }),
    );
  }

  #rejectAll(fault: Fault): void {
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(fault);
    }
  }

  #drop(connection: Connection): void {
    if (connection.isUsable && connection.isClean) this.#sayGoodbye(connection);
    else connection.destroy(); // what it runs was given up: nobody waits for it
    this.#forget(connection);
  }

  #sayGoodbye(connection: Connection): void {
    this.#closing++;
    const done = (): void => {
      this.#closing--;
      this.#finish();
    };
    connection.close().then(done, () => {
      connection.destroy();
      done();
    });
  }

  #forget(connection: Connection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (this.#waiters.length > 0) this.#grow();
    this.#finish();
  }

  #finish(): void {
    if (this.#closed !== undefined && this.#all.size + this.#opening + this.#closing === 0) this.#closed.resolve();
  }
}
