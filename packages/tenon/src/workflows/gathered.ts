/**
 * What a turn has come by and not written yet. Marks (undo steps that were registered, versions, sleeps that are over)
 * travel with the next step that is kept; waits are written when the turn ends.
 */
import type { Statement } from "../data/index.ts";
import type { Clock } from "../kernel/index.ts";
import { mailLockStatement } from "./mail-lock.ts";
import type { RunStore } from "./run-store.ts";
import type { NewRun, StepWrite, TurnOf } from "./statements.ts";

export interface GatheredWait {
  readonly step: StepWrite;
  readonly waitMs: number | undefined;
  readonly child?: NewRun;
}

export class Gathered {
  readonly #of: TurnOf;
  readonly #store: RunStore;
  readonly #clock: Clock;
  readonly #waits: (GatheredWait & { readonly askedAtMs: number })[] = [];
  #marks: Statement[] = [];

  constructor(of: TurnOf, { clock, store }: { readonly store: RunStore; readonly clock: Clock }) {
    this.#of = of;
    this.#store = store;
    this.#clock = clock;
  }

  /** Those that are to travel with a step now. They may travel with one of another branch as well, until the first of them is kept. */
  get marks(): readonly Statement[] {
    return [...this.#marks];
  }

  mark(statement: Statement): void {
    this.#marks.push(statement);
  }

  /** They were written. Others may have come meanwhile, or been written with another step. */
  markKept(marks: readonly Statement[]): void {
    const kept = new Set(marks);
    this.#marks = this.#marks.filter((mark) => !kept.has(mark));
  }

  wait(wait: GatheredWait): void {
    this.#waits.push({ ...wait, askedAtMs: this.#clock.elapsedMs() });
  }

  /** The shortest of the waits, in ms. */
  get shortestWaitMs(): number {
    return this.#waits.reduce((shortest, { waitMs }) => Math.min(shortest, waitMs ?? Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
  }

  /** Everything: marks, and waits with their timers. */
  statements(): readonly Statement[] {
    return [...this.#marks, ...this.#waits.flatMap((wait) => this.#statementsOf(wait))];
  }

  #statementsOf({ askedAtMs, child, step, waitMs }: GatheredWait & { readonly askedAtMs: number }): readonly Statement[] {
    const { sessions, statements } = this.#store;
    const { eventKey, eventType } = step;
    // Time has passed since the code asked, where other branches were at work.
    const dueInMs = waitMs === undefined ? undefined : Math.max(0, waitMs - (this.#clock.elapsedMs() - askedAtMs));
    return [
      ...(eventType === undefined || sessions === "one" ? [] : [mailLockStatement(this.#of.workflow, eventType, eventKey)]),
      ...(child === undefined ? [] : statements.start(child)),
      statements.record(this.#of.run, { ...step, dueInMs }),
      ...(dueInMs === undefined ? [] : [statements.timer(this.#of, dueInMs)]),
      ...(eventType === undefined ? [] : [statements.turnIfMail(this.#of, eventType, eventKey)]),
    ];
  }
}
