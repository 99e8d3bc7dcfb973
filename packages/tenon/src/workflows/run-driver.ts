/**
 * Takes a run one turn further: reads its record, runs its code, writes down how the turn ended. The states of a run and
 * the writes between them are drawn in ARCHITECTURE.md.
 *
 * Whatever is written carries the guard of the turn; a turn whose guard fails is another process's by now, and ends here
 * without a word.
 */
import type { RetryPolicy } from "../contract/index.ts";
import type { Statement } from "../data/index.ts";
import type { Delivery } from "../events/index.ts";
import { backoffMs, type Clock, type Log, type Random } from "../kernel/index.ts";
import type { Privacy } from "../telemetry/index.ts";
import { workflowLimits } from "./limits.ts";
import type { IsFinal, Program, RunAttempt } from "./program.ts";
import { RecordError, toRecordedValue } from "./recorded-value.ts";
import { isEnded, type Run, type Step } from "./run.ts";
import { type RecordedFailure, toRecordedFailure } from "./run-failure.ts";
import { type RunStore, TurnLost } from "./run-store.ts";
import type { TurnOf } from "./statements.ts";
import { Turn } from "./turn.ts";
import type { TurnEnd, TurnMode, UndoEntry } from "./turn-start.ts";

export interface RunDriverOptions {
  readonly program: Program;
  /** All workflows of the service, by name. */
  readonly programs: ReadonlyMap<string, Program>;
  readonly store: RunStore;
  readonly runAttempt: RunAttempt;
  readonly isFinal: IsFinal;
  /** Says, in so many ms, that there may be something due. A hint. */
  readonly wakeIn: (waitMs: number) => void;
  /** Told when a run has come to an end, or was parked, and that is kept. */
  readonly onEnd?: (state: "completed" | "failed" | "canceled" | "parked") => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What is kept of failures, and told of them, may not quote what is classified. */
  readonly privacy: Pick<Privacy, "clean">;
}

interface Loaded {
  readonly run: Run;
  readonly steps: readonly Step[];
}

/** How often a turn that lasts looks whether its run is to be canceled, in ms. */
const cancelPollMs = 1_000;
/** Phases of one turn: forward, to the undoing, through it. More are a mistake here. */
const phasesMax = 10;

export class RunDriver {
  readonly #options: RunDriverOptions;

  constructor(options: RunDriverOptions) {
    this.#options = options;
  }

  /**
   * Handles the delivery of a turn: see `Consumer.handle`.
   *
   * @param begin  Hears of the run that there is something to do for, once, and says what the steps of this turn go on
   *   from. Default: what the run does.
   */
  async drive(delivery: Delivery, begin?: (run: Run) => string): Promise<"removed" | "untouched" | "gone"> {
    const { program, store } = this.#options;
    const of: TurnOf = { run: delivery.event.key as string, workflow: program.name, turn: delivery.seq };
    let trace: string | undefined;
    try {
      for (let phase = 0; phase < phasesMax; phase++) {
        const loaded = await store.find(of.run);
        if (loaded === undefined || isEnded(loaded.run.state) || loaded.run.state === "parked") return "untouched";
        if (delivery.crashes >= workflowLimits.deathsMax) return await this.#park(of, loaded.run, deadlyReason(delivery.crashes, loaded));
        trace ??= begin?.(loaded.run);
        const outcome = await this.#unlessErased(loaded.run, () => this.#phase({ ...of, erasures: loaded.run.erasures }, trace === undefined ? loaded : { ...loaded, run: { ...loaded.run, trace } }));
        if (outcome !== "more") return outcome;
      }
    } catch (thrown) {
      if (thrown instanceof TurnLost) return "gone";
      throw thrown;
    }
    throw new RangeError(`a turn of ${of.run} did not come to its end in ${phasesMax} phases`);
  }

  /** A person of the run was erased while the turn was under way: nothing of it was kept, and it begins anew with what is there now. */
  async #unlessErased<T>({ erasures, id }: Run, task: () => Promise<T>): Promise<T | "more"> {
    try {
      return await task();
    } catch (thrown) {
      if (!(thrown instanceof TurnLost)) throw thrown;
      const now = await this.#options.store.erasures(id);
      if (now === undefined || now === erasures) throw thrown;
      return "more";
    }
  }

  async #phase(of: TurnOf, loaded: Loaded): Promise<"removed" | "untouched" | "more"> {
    if (!loaded.run.isWhole) return this.#park(of, loaded.run, "what it holds cannot be read any more: the key of a person of whom it tells was destroyed");
    if (loaded.run.state === "compensating") return this.#undo(of, loaded);
    if (loaded.run.cancelReason !== null) return this.#cancel(of, loaded, loaded.run.cancelReason);
    return this.#forward(of, loaded);
  }

  async #forward(of: TurnOf, loaded: Loaded): Promise<"removed" | "untouched" | "more"> {
    const { store } = this.#options;
    const turn = this.#turn(of, loaded, "forward");
    const end = await this.#watched(turn, of);
    switch (end.kind) {
      case "broken":
        throw this.#options.privacy.clean(end.thrown, turn);
      case "unfit":
        return this.#park(of, loaded.run, end.message);
      case "paused":
        return this.#leave(of, turn, [...turn.gathered.statements(), ...store.statements.turn(of, "more")], 0);
      case "blocked": {
        if ((await this.#isCanceled(turn, of)) !== undefined) return "more";
        const pending = turn.gathered.statements();
        return pending.length === 0 ? "untouched" : this.#leave(of, turn, pending, turn.gathered.shortestWaitMs);
      }
      case "returned":
        return this.#complete(of, turn, end.value);
      case "threw":
        return this.#failed(of, turn, this.#recorded(turn, end.thrown));
    }
  }

  /** Leaves off until something comes. */
  async #leave(of: TurnOf, turn: Turn, statements: readonly Statement[], waitMs: number): Promise<"removed"> {
    const { store, wakeIn } = this.#options;
    await store.commit([store.statements.guard(of, "running"), ...turn.persons.grown(), ...statements, store.statements.endTurn(of)], turn.persons.all);
    wakeIn(waitMs);
    return "removed";
  }

  async #complete(of: TurnOf, turn: Turn, value: unknown): Promise<"removed" | "more"> {
    const { clock, program, store } = this.#options;
    let output: string | null;
    try {
      output = toRecordedValue("the output of the workflow", await program.checkOutput(value)).json;
    } catch (thrown) {
      return this.#failed(of, turn, this.#recorded(turn, thrown));
    }
    const end = store.statements.end(of, { state: "completed", output, endedAtMs: clock.nowMs() });
    await store.commit([store.statements.guard(of, "running"), ...turn.persons.grown(), ...turn.gathered.statements(), ...end, store.statements.endTurn(of)], turn.persons.all);
    this.#options.onEnd?.("completed");
    this.#options.wakeIn(0);
    return "removed";
  }

  #recorded(turn: Turn, thrown: unknown): RecordedFailure {
    return toRecordedFailure(this.#options.privacy.clean(thrown, turn));
  }

  /** The code has failed: what it registered is undone, then the run is. */
  async #failed(of: TurnOf, turn: Turn, failure: RecordedFailure): Promise<"removed" | "more"> {
    this.#options.log.warn("a run failed", { run: of.run, reason: failure.reason ?? failure.code ?? failure.name, ...(failure.step === undefined ? {} : { step: failure.step }), message: failure.message });
    return this.#wind(of, turn, { state: "failed", failure });
  }

  /** Somebody wants the run to end: what it registered is undone. */
  async #cancel(of: TurnOf, loaded: Loaded, reason: string): Promise<"removed" | "more"> {
    const turn = this.#turn(of, loaded, "undo");
    const end = await turn.go();
    if (end.kind === "unfit") return this.#park(of, loaded.run, end.message);
    if (end.kind === "broken") throw this.#options.privacy.clean(end.thrown, turn);
    const failure: RecordedFailure = { name: "Canceled", message: reason, code: "canceled" };
    return this.#wind(of, turn, { state: "canceled", failure });
  }

  /** Undo steps on record, the last one first. Children end before anything that came before them is undone. */
  async #undo(of: TurnOf, loaded: Loaded): Promise<"removed" | "untouched"> {
    const { store } = this.#options;
    const children = await store.openChildren(of.run);
    if (children.length > 0) return this.#awaitChildren(of, loaded.run, children);

    const turn = this.#turn(of, loaded, "undo");
    const end = await turn.go();
    if (end.kind === "unfit") return this.#park(of, loaded.run, end.message);
    if (end.kind === "broken") throw this.#options.privacy.clean(end.thrown, turn);
    const open = loaded.steps.filter(({ kind, state }) => kind === "undo" && state !== "done").toSorted((a, b) => b.seq - a.seq);
    for (const step of open) {
      const entry = turn.undos.get(step.place);
      if (entry === undefined) return this.#park(of, loaded.run, `the run has on record the undo step "${step.name}", and the code does not come to it any more`);
      if (step.state === "retrying" && !step.isDue) return "untouched"; // its timer is set
      const outcome = await this.#undoOne(of, turn, { entry, step });
      if (outcome !== "done") return outcome;
    }
    const state = loaded.run.cancelReason === null ? "failed" : "canceled";
    return this.#end(of, "compensating", { turn, pending: [], state, failure: null });
  }

  async #awaitChildren(of: TurnOf, run: Run, children: readonly { readonly isAsked: boolean }[]): Promise<"removed" | "untouched"> {
    const { store, wakeIn } = this.#options;
    if (children.every(({ isAsked }) => isAsked)) return "untouched"; // the last one to end gives this run a turn
    const reason = run.cancelReason ?? `its parent ${run.id} failed`;
    await store.commit([store.statements.guard(of, "compensating"), ...store.statements.cancelChildren(run.id, reason), store.statements.endTurn(of)], run.persons);
    wakeIn(0);
    return "removed";
  }

  async #undoOne(of: TurnOf, turn: Turn, { entry, step }: { readonly entry: UndoEntry; readonly step: Step }): Promise<"done" | "removed"> {
    const { clock, isFinal, log, random, runAttempt, store, wakeIn } = this.#options;
    const { deadlineMs, name, place, policy, work } = entry;
    const { run } = turn;
    const attempts = step.attempts + 1;
    const own = { name, place, kind: "undo", attempts, attemptsBefore: step.attempts, startedAtMs: clock.nowMs() } as const;
    const guard = store.statements.guard(of, "compensating");
    try {
      const keep = async (): Promise<readonly Statement[]> => [guard, store.statements.record(run.id, { ...own, state: "done", endedAtMs: clock.nowMs() })];
      await runAttempt({ run, name, place, kind: "undo", attempt: attempts, deadlineMs, work, keep, known: () => turn.known, signal: new AbortController().signal });
      return "done";
    } catch (thrown) {
      if (thrown instanceof TurnLost) throw thrown;
      const failure = toRecordedFailure(thrown, name);
      if (isLast(thrown, attempts, policy, isFinal)) {
        const reason = `the undo step "${name}" failed for good after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${failure.message}`;
        log.error("a run is parked: an undo step failed for good", { run: run.id, step: name, error: thrown });
        await store.commit([guard, store.statements.record(run.id, { ...own, state: "retrying", failure }), store.statements.park(run.id, reason), store.statements.endTurn(of)], run.persons);
        this.#options.onEnd?.("parked");
        return "removed";
      }
      const waitMs = backoffMs(attempts, policy, random);
      await store.commit([guard, store.statements.record(run.id, { ...own, state: "retrying", failure, dueInMs: waitMs }), store.statements.timer(of, waitMs), store.statements.endTurn(of)], run.persons);
      wakeIn(waitMs);
      return "removed";
    }
  }

  /** Ends a run at once, or after its children and its undo steps. */
  async #wind(of: TurnOf, turn: Turn, { failure, state }: { readonly state: "failed" | "canceled"; readonly failure: RecordedFailure }): Promise<"removed" | "more"> {
    const { store } = this.#options;
    const isAlone = turn.undos.size === 0 && (await store.openChildren(of.run)).length === 0;
    const pending = [...turn.persons.grown(), ...turn.gathered.statements()];
    if (isAlone) return this.#end(of, "running", { turn, pending, state, failure });
    await store.commit([store.statements.guard(of, "running"), ...pending, store.statements.compensate(of.run, failure)], turn.persons.all);
    return "more";
  }

  async #end(of: TurnOf, from: "running" | "compensating", { failure, pending, state, turn }: { readonly turn: Turn; readonly pending: readonly Statement[]; readonly state: "failed" | "canceled"; readonly failure: RecordedFailure | null }): Promise<"removed"> {
    const { clock, store, wakeIn } = this.#options;
    const end = store.statements.end(of, { state, failure, endedAtMs: clock.nowMs() });
    await store.commit([store.statements.guard(of, from), ...pending, ...end, store.statements.endTurn(of)], turn.persons.all);
    this.#options.onEnd?.(state);
    wakeIn(0);
    return "removed";
  }

  async #park(of: TurnOf, run: Run, reason: string): Promise<"removed"> {
    const { log, store } = this.#options;
    log.error("a run is parked", { run: run.id, reason });
    await store.commit([store.statements.guard(of, run.state), store.statements.park(run.id, reason), store.statements.endTurn(of)], run.persons);
    this.#options.onEnd?.("parked");
    return "removed";
  }

  #turn(of: TurnOf, { run, steps }: Loaded, mode: TurnMode): Turn {
    const { clock, isFinal, program, programs, random, runAttempt, store } = this.#options;
    return new Turn({ mode, of, run, steps, program, programs, store, runAttempt, isFinal, clock, random });
  }

  /** Runs a turn, and looks now and then whether its run is to be canceled meanwhile. */
  async #watched(turn: Turn, of: TurnOf): Promise<TurnEnd> {
    const { clock, store } = this.#options;
    let isOver = false;
    const look = (): { cancel(): void } => clock.after(cancelPollMs, () => {
      void store.cancelReason(of.run).catch(() => undefined).then((reason) => {
        if (isOver) return;
        if (reason === undefined) timer = look();
        else turn.stop();
      });
    });
    let timer = look();
    try {
      return await turn.go();
    } finally {
      isOver = true;
      timer.cancel();
    }
  }

  async #isCanceled(turn: Turn, of: TurnOf): Promise<string | undefined> {
    return turn.isStopped ? this.#options.store.cancelReason(of.run) : undefined;
  }
}

function isLast(thrown: unknown, attempts: number, policy: RetryPolicy, isFinal: IsFinal): boolean {
  return attempts >= policy.attempts || thrown instanceof RecordError || isFinal(thrown);
}

/** Said from the record alone: to run the code, so as to see what comes next, may be what ends processes. */
function deadlyReason(deaths: number, { steps }: Loaded): string {
  const last = steps.filter(({ endedAt }) => endedAt !== null).at(-1);
  return `${deaths} processes ended, or stood still, while they were at work on it, ${last === undefined ? "before its first step was done" : `after ${last.kind === "step" ? "the step" : `the ${last.kind}`} "${last.name}"`}: mend what ends them, then resume it`;
}
