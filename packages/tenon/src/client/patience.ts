/** How long one call is waited for: its limit on time, over all attempts, and its caller's signal. */
import { Fault } from "../kernel/index.ts";

/** What a timer takes; beyond it, it would fire at once. 24 days. */
const timerMaxMs = 2 ** 31 - 1;

export interface PatienceOptions {
  /** `service.operation`, for messages. */
  readonly operation: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Ends once, by whichever comes first: the time is up, the caller aborts, or `end` because the call is over.
 * An answer that comes in parts keeps the caller's signal and not the limit on time: see {@link Patience.answered}.
 */
export class Patience {
  readonly #controller = new AbortController();
  readonly #endsAtMs: number;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #callerSignal: AbortSignal | undefined;
  #fault: Fault | undefined = undefined;

  constructor(options: PatienceOptions) {
    const { operation, signal, timeoutMs } = options;
    this.#endsAtMs = performance.now() + timeoutMs;
    this.#callerSignal = signal;
    this.#timer = setTimeout(() => this.#stop(new Fault("deadline_exceeded", `${operation} took longer than ${timeoutMs} ms`)), Math.min(timeoutMs, timerMaxMs));
    // By hand and not by AbortSignal.any: a signal that outlives many calls must not gather their listeners.
    signal?.addEventListener("abort", this.#onAbort);
    if (signal?.aborted === true) this.#onAbort();
  }

  /** For `fetch`: aborted with the fault. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why nobody waits any more; `undefined` while somebody does. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - performance.now());
  }

  /** @throws {Fault} when the wait ends before `delayMs` have passed. */
  async wait(delayMs: number): Promise<void> {
    const { promise, reject, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, delayMs);
    const onAbort = () => reject(this.#fault);
    this.signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (this.#fault !== undefined) throw this.#fault;
      await promise;
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener("abort", onAbort);
    }
  }

  /** The head of the answer is here; what follows may take as long as its reader does. */
  answered(): void {
    clearTimeout(this.#timer);
  }

  /** The call is over: lets go of timer and caller's signal, and of the connection where one is still open. */
  end(): void {
    clearTimeout(this.#timer);
    this.#callerSignal?.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => {
    this.#stop(new Fault("canceled", "the caller stopped waiting", { cause: this.#callerSignal?.reason }));
  };

  #stop(fault: Fault): void {
    this.#fault ??= fault;
    this.end();
    this.#controller.abort(this.#fault);
  }
}
