/**
 * One turn of a run: its code from the start, with what is on record given back, and work at the first step that is not.
 * The turn is over when the code has ended, or when every branch of it waits.
 *
 * Waits are not written here: they are gathered, with the undo steps that were registered and the marks of versions, and
 * written by whoever ends the turn, in one transaction. A step that succeeds takes along what was gathered before it,
 * waits apart, so that the record never has a step without what came before.
 *
 *     code ──asks for a step──► work ──kept──► code          code ──asks for something that has not come──► blocked
 */
import type { RetryPolicy } from "../contract/index.ts";
import type { Statement } from "../data/index.ts";
import { backoffMs, Fault, faultTable, formatDuration, type Timer } from "../kernel/index.ts";
import { Branch, type BranchStart, type Place, settleCode, UnfitError } from "./branch.ts";
import { BranchFlow } from "./branch-flow.ts";
import { History } from "./history.ts";
import { workflowLimits } from "./limits.ts";
import type { AskSpec, BranchCode, FlowTurn, StepSpec, UntilSpec } from "./flow-turn.ts";
import { Gathered } from "./gathered.ts";
import type { Effects, Program } from "./program.ts";
import { RecordError, toRecordedValue } from "./recorded-value.ts";
import type { Run, Step, StepKind } from "./run.ts";
import { fromRecordedFailure, isOfRun, type RecordedFailure, StepFailure, toRecordedFailure } from "./run-failure.ts";
import { RunPersons } from "./run-persons.ts";
import { TurnLost } from "./run-store.ts";
import type { NewRun, StepWrite } from "./statements.ts";
import type { Question, TurnEnd, TurnMode, TurnStart, UndoEntry } from "./turn-start.ts";

export class Turn implements FlowTurn {
  readonly undos = new Map<string, UndoEntry>();
  readonly questions = new Map<string, Question>();
  readonly gathered: Gathered;
  readonly persons: RunPersons;
  readonly #start: TurnStart;
  readonly #history: History;
  readonly #branches = new Set<Branch>();
  readonly #ended = Promise.withResolvers<TurnEnd>();
  readonly #abort = new AbortController();
  readonly #mailTaken = new Set<number>();
  #mode: TurnMode;
  #end: TurnEnd | undefined = undefined;
  #isOver = false;
  #done = 0;
  #lastMs = 0;
  #watch: Timer | undefined = undefined;

  constructor(start: TurnStart) {
    this.#start = start;
    this.#mode = start.mode;
    this.persons = new RunPersons(start.run, start.store.statements);
    this.gathered = new Gathered(start.of, start);
    this.#history = new History(start.steps);
  }

  get run(): Run {
    return this.#start.run;
  }

  get defaults(): Program {
    return this.#start.program;
  }

  get isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** What the code may have seen: the input of the run, and what its steps gave. */
  get known(): readonly unknown[] {
    return [this.run.input, ...this.#history.results];
  }

  /** Goes no further than the steps under way, and aborts those. */
  stop(): void {
    this.#mode = "undo";
    this.#abort.abort(new Fault("canceled", "the run was canceled"));
  }

  /** Runs the code. Must be called exactly once. */
  async go(): Promise<TurnEnd> {
    const { clock, program, run } = this.#start;
    const branch = this.#open({ path: "", names: "", nowMs: Date.parse(run.startedAt), versions: new Map() });
    this.#lastMs = clock.elapsedMs();
    this.#watchCode();
    void this.#runBranch(branch, () => program.run(new BranchFlow(this, branch))).then(
      (value) => this.#finish({ kind: "returned", value }),
      (thrown: unknown) => this.#finish({ kind: "threw", thrown }),
    );
    const end = await this.#ended.promise;
    this.#isOver = true;
    this.#watch?.cancel();
    return end;
  }

  /** A step of a team: its effects, its result and its record in one transaction. */
  async perform(branch: Branch, spec: StepSpec): Promise<unknown> {
    const at = this.#ask(branch, spec.kind, spec.name);
    if (at === undefined) return this.#never();
    const { step } = at;
    if (step?.state === "done" || step?.state === "failed") return this.#recorded(branch, step);
    if (this.#mode !== "forward" || (step?.state === "retrying" && !step.isDue)) return this.#block(branch, at.name);
    if (this.#isPaused()) return this.#block(branch, at.name);
    return this.#attempt(branch, at, spec);
  }

  async sleep(branch: Branch, name: string, waitMs: number): Promise<void> {
    const at = this.#ask(branch, "sleep", name);
    if (at === undefined) return this.#never();
    const { step } = at;
    if (step?.state === "done") return void this.#recorded(branch, step);
    if (step?.isDue === true) {
      const nowMs = this.#start.clock.nowMs();
      this.gathered.mark(this.#start.store.statements.woken(this.run.id, at.place, nowMs));
      branch.nowMs = Math.max(branch.nowMs, nowMs);
      this.#back(branch);
      return;
    }
    if (step === undefined) this.gathered.wait({ step: { ...this.#stepOf(at, "sleep"), state: "waiting", detail: { for: formatDuration(waitMs) } }, waitMs: waitMs });
    return this.#block(branch, at.name);
  }

  async until(branch: Branch, name: string, { key, timeoutMs, type }: UntilSpec): Promise<unknown> {
    const at = this.#ask(branch, "until", name);
    if (at === undefined) return this.#never();
    const { step } = at;
    if (step?.state === "done" || step?.state === "failed") return this.#recorded(branch, step);
    if (this.#mode !== "forward" || this.#isPaused()) return this.#block(branch, at.name);
    if (!this.#start.program.events.has(type)) return this.#refuse(branch, new UnfitError(`the workflow "${this.#start.program.name}" waits for ${type} and does not say so: add it to its \`events\``));
    const { store } = this.#start;
    return this.#working(branch, at.name, async () => {
      const mail = await store.findMail({ run: this.run.id, workflow: this.#start.program.name, type, key, taken: this.#mailTaken });
      if (mail !== undefined) {
        this.#mailTaken.add(mail.seq);
        const value = await this.#start.program.readEvent(type, mail, { meetSubject: (person) => this.persons.meet([person]) });
        return this.#keep(branch, { ...this.#stepOf(at, "until"), state: "done", mail: mail.seq }, value);
      }
      if (step?.isDue === true) return this.#keep(branch, { ...this.#stepOf(at, "until"), state: "done" }, undefined);
      if (step === undefined) this.gathered.wait({ step: { ...this.#stepOf(at, "until"), state: "waiting", eventType: type, eventKey: key, detail: { event: type, ...(key === undefined ? {} : { key }) } }, waitMs: timeoutMs });
      return this.#block(branch, at.name);
    });
  }

  async ask(branch: Branch, name: string, { check, detail, timeoutMs }: AskSpec): Promise<unknown> {
    const at = this.#ask(branch, "ask", name);
    if (at === undefined) return this.#never();
    const { step } = at;
    if (step?.state === "done" || step?.state === "failed") return this.#recorded(branch, step);
    if (step !== undefined) this.questions.set(at.name, { place: at.place, name: at.name, check });
    if (this.#mode !== "forward") return this.#block(branch, at.name);
    if (step?.isDue === true) {
      return this.#working(branch, at.name, () => this.#keep(branch, { ...this.#stepOf(at, "ask"), state: "done" }, undefined));
    }
    if (step === undefined) this.gathered.wait({ step: { ...this.#stepOf(at, "ask"), state: "waiting", detail }, waitMs: timeoutMs });
    return this.#block(branch, at.name);
  }

  async child(branch: Branch, name: string, { input, workflow }: { readonly workflow: string; readonly input: unknown }): Promise<unknown> {
    const at = this.#ask(branch, "child", name);
    if (at === undefined) return this.#never();
    const { step } = at;
    if (step?.state === "done" || step?.state === "failed") return this.#recorded(branch, step);
    if (this.#mode !== "forward" || step !== undefined) return this.#block(branch, at.name);
    const program = this.#start.programs.get(workflow);
    if (program === undefined) return this.#refuse(branch, new UnfitError(`the service has no workflow "${workflow}": add it to its \`workflows\``));
    return this.#working(branch, at.name, async () => {
      const { depth, id, trace } = this.run;
      if (depth >= workflowLimits.depthMax) throw new StepFailure(at.name, { name: "LimitError", message: `a run has ${workflowLimits.depthMax} generations of children at most` });
      const json = await this.#inputOf(at.name, program, input);
      this.persons.meet([program.subjectOf(input)]);
      const child: NewRun = { id: `${workflow}:${id}/${at.name}`, workflow, input: json, parent: id, parentPlace: at.place, depth: depth + 1, trace: trace ?? undefined, persons: this.persons.all };
      this.gathered.wait({ step: { ...this.#stepOf(at, "child"), state: "waiting", detail: { run: child.id } }, waitMs: undefined, child });
      return this.#block(branch, at.name);
    });
  }

  /** @throws {StepFailure} it does not fit. */
  async #inputOf(name: string, program: Program, input: unknown): Promise<string | null> {
    try {
      return toRecordedValue(`the input of the child "${name}"`, await program.checkInput(input)).json;
    } catch (thrown) {
      throw new StepFailure(name, toRecordedFailure(thrown, name));
    }
  }

  /** @returns The version that the run met here first. */
  async version(branch: Branch, name: string, current: number): Promise<number> {
    if (this.#isUnusable(branch, name)) return this.#never();
    const known = branch.versions.get(name);
    if (known !== undefined) return known;
    try {
      const at = branch.nextMark("version", name);
      const version = at === "passed" ? 1 : ((at.step?.result ?? current) as number);
      branch.versions.set(name, version);
      if (at === "passed" || at.step !== undefined) return version;
      this.gathered.mark(this.#start.store.statements.mark(this.run.id, { place: at.place, name: at.name, kind: "version", result: String(current), atMs: this.#start.clock.nowMs() }));
      return current;
    } catch (error) {
      return this.#unfit(branch, error);
    }
  }

  undo(branch: Branch, spec: StepSpec): void {
    if (this.#isUnusable(branch, spec.name)) return;
    try {
      const { name, place, step } = branch.next("undo", spec.name);
      const { deadlineMs, policy, work } = spec;
      this.undos.set(place, { place, name, step, policy, deadlineMs, work });
      if (step === undefined) this.gathered.mark(this.#start.store.statements.mark(this.run.id, { place, name, kind: "undo", atMs: this.#start.clock.nowMs() }));
    } catch (error) {
      void this.#unfit(branch, error);
    }
  }

  async all(branch: Branch, name: string, branches: Readonly<Record<string, BranchCode>>): Promise<Readonly<Record<string, unknown>>> {
    if (this.#isUnusable(branch, name)) return this.#never();
    const { branchesMax } = workflowLimits;
    const names = Object.keys(branches);
    let at: ReturnType<Branch["nextAll"]>;
    try {
      if (names.length > branchesMax) throw new UnfitError(`"${name}" has ${names.length} branches, and ${branchesMax} at most run beside each other: start children for more`);
      at = branch.nextAll(name, names);
    } catch (error) {
      return this.#unfit(branch, error);
    }
    branch.state = "all";
    branch.underway = name;
    const own = names.map((each) => this.#open({ path: `${at.path}${each}/`, names: `${at.names}${each}/`, nowMs: branch.nowMs, versions: branch.versions }));
    branch.openBranches = own.length;
    const ends = await Promise.allSettled(own.map((each, i) => this.#runBranch(each, () => (branches[names[i] as string] as BranchCode)(each), branch)));
    branch.nowMs = Math.max(branch.nowMs, ...own.map(({ nowMs }) => nowMs));
    this.#back(branch);
    // The first by the order of the code, not by time: at every turn the same.
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return Object.fromEntries(names.map((each, i) => [each, (ends[i] as PromiseFulfilledResult<unknown>).value]));
  }

  /** A place for the next thing, and the branch at work on it; `undefined` where nothing more happens. */
  #ask(branch: Branch, kind: StepKind, given: string): Place | undefined {
    if (this.#isUnusable(branch, given)) return undefined;
    try {
      const at = branch.next(kind, given);
      branch.state = "work";
      branch.underway = at.name;
      return at;
    } catch (error) {
      void this.#unfit(branch, error);
      return undefined;
    }
  }

  #isUnusable(branch: Branch, name: string): boolean {
    if (this.#isOver || branch.state === "ended") throw new UnfitError(`"${name}" was asked for after ${branch.path === "" ? "the workflow" : "its branch"} had ended: await every step`);
    if (this.#end !== undefined) {
      void this.#block(branch, name);
      return true;
    }
    if (branch.state === "code") return false;
    void this.#unfit(branch, new UnfitError(`"${name}" was asked for while "${branch.underway ?? ""}" was under way: await each step, or put them beside each other with flow.all`));
    return true;
  }

  #recorded(branch: Branch, step: Step): unknown {
    if (step.endedAt !== null) branch.nowMs = Math.max(branch.nowMs, Date.parse(step.endedAt));
    this.#back(branch);
    if (step.state === "failed") throw fromRecordedFailure(step.name, step.failure as RecordedFailure);
    return step.result ?? undefined;
  }

  /** The code of a branch goes on. */
  #back(branch: Branch): void {
    branch.state = "code";
    branch.underway = undefined;
    this.#lastMs = this.#start.clock.elapsedMs();
    if (this.#end !== undefined) this.#evaluate();
  }

  async #attempt(branch: Branch, at: Place, spec: StepSpec): Promise<unknown> {
    const { random, runAttempt, store } = this.#start;
    const own = this.#stepOf(at, spec.kind);
    const attempt = own.attemptsBefore + 1;
    return this.#working(branch, at.name, async () => {
      this.#assertRoom(at.name);
      let value: unknown;
      let marks: readonly Statement[] = [];
      let endedAtMs = 0;
      const keep = async (result: unknown, { persons, run }: Effects): Promise<readonly Statement[]> => {
        const recorded = toRecordedValue(`what "${at.name}" gave back`, result);
        this.#assertRoom(at.name, recorded.bytes);
        value = recorded.value;
        ({ marks } = this.gathered);
        endedAtMs = this.#start.clock.nowMs();
        const write: StepWrite = { ...own, state: "done", result: recorded.json, attempts: attempt, endedAtMs };
        this.persons.meet(persons);
        return store.sealed([store.statements.guard(this.#start.of, "running"), ...this.persons.grown(), ...marks, store.statements.record(this.run.id, write)], this.persons.all, run);
      };
      try {
        await runAttempt({ run: this.run, name: at.name, place: at.place, kind: spec.kind, attempt, deadlineMs: spec.deadlineMs, work: spec.work, keep, known: () => this.known, signal: this.#abort.signal });
      } catch (thrown) {
        if (this.#abort.signal.aborted || thrown instanceof TurnLost) throw thrown;
        const failure = toRecordedFailure(thrown, at.name);
        if (this.#isLast(thrown, attempt, spec.policy, at.step)) return this.#fail(branch, { ...own, attempts: attempt, state: "failed", failure });
        this.gathered.wait({ step: { ...own, attempts: attempt, state: "retrying", failure }, waitMs: backoffMs(attempt, spec.policy, random) });
        return this.#block(branch, at.name);
      }
      this.gathered.markKept(marks);
      this.#kept(branch, endedAtMs, value);
      return value;
    });
  }

  #isLast(thrown: unknown, attempt: number, policy: RetryPolicy, step: Step | undefined): boolean {
    if (attempt >= policy.attempts || thrown instanceof RecordError || this.#start.isFinal(thrown)) return true;
    if (step !== undefined && this.#start.clock.nowMs() - Date.parse(step.startedAt) >= policy.maxAgeMs) return true;
    return thrown instanceof Fault && thrown.code !== "internal" && faultTable[thrown.code].retry === "never";
  }

  /** Writes down a step of the platform's own. */
  async #keep(branch: Branch, step: StepWrite, value: unknown): Promise<unknown> {
    const recorded = toRecordedValue(`what "${step.name}" gave`, value);
    this.#assertRoom(step.name, recorded.bytes);
    const endedAtMs = this.#start.clock.nowMs();
    await this.#commit({ ...step, attempts: step.attemptsBefore, result: recorded.json, endedAtMs });
    this.#kept(branch, endedAtMs, recorded.value);
    return recorded.value;
  }

  async #fail(branch: Branch, step: StepWrite): Promise<never> {
    const endedAtMs = this.#start.clock.nowMs();
    await this.#commit({ ...step, endedAtMs });
    this.#kept(branch, endedAtMs, undefined);
    throw fromRecordedFailure(step.name, step.failure as RecordedFailure);
  }

  async #commit(step: StepWrite): Promise<void> {
    const { of, store } = this.#start;
    const { marks } = this.gathered;
    await store.commit([store.statements.guard(of, "running"), ...this.persons.grown(), ...marks, store.statements.record(of.run, step)], this.persons.all);
    this.gathered.markKept(marks);
  }

  #kept(branch: Branch, endedAtMs: number, value: unknown): void {
    branch.nowMs = Math.max(branch.nowMs, endedAtMs);
    this.#done++;
    this.#history.grow(value);
  }

  /** @throws {StepFailure} the run has grown beyond its limits. */
  #assertRoom(name: string, bytes = 0): void {
    const { historyMaxBytes, stepsMax } = workflowLimits;
    if (this.#history.size >= stepsMax) throw new StepFailure(name, { name: "LimitError", message: `a run has ${stepsMax} steps at most: start a child for each portion of the work` });
    if (this.#history.bytes + bytes > historyMaxBytes) throw new RecordError(`all results of a run have ${historyMaxBytes} bytes at most: store what is large, and give back where it is`);
  }

  #isPaused(): boolean {
    return this.#done >= workflowLimits.stepsPerTurnMax;
  }

  #stepOf({ name, place, step }: Place, kind: StepKind): Omit<StepWrite, "state"> {
    const attempts = step?.attempts ?? 0;
    const startedAtMs = step === undefined ? this.#start.clock.nowMs() : Date.parse(step.startedAt);
    return { name, place, kind, attempts, attemptsBefore: attempts, startedAtMs };
  }

  /** Does something for a branch; what is nobody's failure ends the turn. */
  async #working(branch: Branch, name: string, task: () => Promise<unknown>): Promise<unknown> {
    branch.underway = name;
    try {
      const value = await task();
      this.#back(branch);
      return value;
    } catch (thrown) {
      if (this.#abort.signal.aborted) return this.#block(branch, name);
      if (thrown instanceof UnfitError) return this.#refuse(branch, thrown);
      if (isOfRun(thrown)) {
        this.#back(branch);
        throw thrown;
      }
      this.#end ??= { kind: "broken", thrown };
      return this.#block(branch, name);
    }
  }

  /** Nothing more happens in this branch in this turn. */
  #block(branch: Branch, name: string): Promise<never> {
    if (branch.state !== "ended") branch.state = "blocked";
    branch.underway = name;
    this.#evaluate();
    return this.#never();
  }

  /** What a branch has just asked for is not to be had. */
  #refuse(branch: Branch, error: UnfitError): Promise<never> {
    this.#end ??= { kind: "unfit", message: error.message };
    return this.#block(branch, branch.underway ?? "");
  }

  #unfit(branch: Branch, error: unknown): Promise<never> {
    if (!(error instanceof UnfitError)) throw error;
    this.#end ??= { kind: "unfit", message: error.message };
    // A step that is under way is waited for: what it does is kept or not, but not left open.
    if (branch.state === "code") branch.state = "blocked";
    this.#evaluate();
    return this.#never();
  }

  #never(): Promise<never> {
    return new Promise<never>(() => undefined);
  }

  #open(start: Omit<BranchStart, "history" | "run">): Branch {
    const branch = new Branch({ ...start, history: this.#history, run: this.run.id });
    this.#branches.add(branch);
    return branch;
  }

  async #runBranch(branch: Branch, code: () => unknown, within?: Branch): Promise<unknown> {
    try {
      const value = await code();
      this.#assertEnded(branch);
      return value;
    } catch (thrown) {
      if (this.#end === undefined && !(thrown instanceof UnfitError)) this.#assertEnded(branch);
      throw thrown;
    } finally {
      branch.state = "ended";
      this.#branches.delete(branch);
      if (within !== undefined) within.openBranches--;
      this.#evaluate();
    }
  }

  /** @throws {UnfitError} a step was not awaited, or there is more on record. */
  #assertEnded(branch: Branch): void {
    if (branch.state !== "code") throw new UnfitError(`the code ended while "${branch.underway ?? ""}" was under way: await every step`);
    branch.assertAtEnd();
  }

  #finish(end: TurnEnd): void {
    if (end.kind === "threw" && end.thrown instanceof UnfitError) this.#end ??= { kind: "unfit", message: end.thrown.message };
    this.#end ??= end;
    this.#evaluate();
  }

  /** Whether anything is still at work is asked once the code that runs at this moment has come to its next step, or to its end. */
  #evaluate(): void {
    void settleCode().then(() => {
      // Once the end is known, only what is at work is waited for.
      for (const { isActive, state } of this.#branches) if (this.#end === undefined ? isActive : state === "work") return;
      if (this.#end === undefined && this.#branches.size === 0) return; // the code has ended, and how is about to be told
      this.#ended.resolve(this.#end ?? { kind: this.#isPaused() ? "paused" : "blocked" });
    });
  }

  /** Code that waits for something else than its steps would wait at every turn. */
  #watchCode(): void {
    const { clock } = this.#start;
    const { codeMaxMs } = workflowLimits;
    this.#watch = clock.after(codeMaxMs / 4, () => {
      const states = [...this.#branches].map(({ state }) => state);
      const isAtWork = states.includes("work");
      if (isAtWork) this.#lastMs = clock.elapsedMs();
      if (!isAtWork && clock.elapsedMs() - this.#lastMs >= codeMaxMs) {
        this.#ended.resolve(this.#end ?? { kind: "unfit", message: `the code has run or waited for ${codeMaxMs / 1_000} seconds outside of its steps: put what takes time into flow.step` });
        return;
      }
      this.#watchCode();
    });
  }
}
