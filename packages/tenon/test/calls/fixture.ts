/** Operations and a clock that a test moves by hand. */
import * as z from "zod";
import { command, contract, type Operation, query } from "../../src/contract/index.ts";
import type { Clock } from "../../src/kernel/index.ts";

export const things = contract("things", {
  get: query({ http: "GET /things/{id}", access: "public", input: z.object({ id: z.string() }), output: z.object({ id: z.string() }), deadline: "1s" }),
  make: command({ http: "POST /things", access: "public", input: z.object({ name: z.string() }), output: z.object({ name: z.string() }), deadline: "1s" }),
});

export const get: Operation = things.get;
export const make: Operation = things.make;

/** A clock that stands still until it is told to go on; what is due runs in order. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #due: { readonly atMs: number; readonly task: () => void }[] = [];

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  elapsedMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): { cancel(): void } {
    const entry = { atMs: this.#nowMs + delayMs, task };
    this.#due.push(entry);
    return {
      cancel: () => {
        this.#due = this.#due.filter((each) => each !== entry);
      },
    };
  }

  get timers(): number {
    return this.#due.length;
  }

  advance(ms: number): void {
    const until = this.#nowMs + ms;
    for (;;) {
      const next = this.#due.filter((each) => each.atMs <= until).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((each) => each !== next);
      this.#nowMs = next.atMs;
      next.task();
    }
    this.#nowMs = until;
  }
}
