/** `start` and `runs` of a service's handlers: runs of its own workflows, in the transaction of whoever asks. */
import type { Work } from "../data/index.ts";
import type { Call } from "../calls/index.ts";
import type { Clock, IdSource, Random } from "../kernel/index.ts";
import type { Query, RunsAtHand } from "../handlers/index.ts";
import type { AnyWorkflow } from "../service/index.ts";
import { answerStatements, type Program, type Run, type RunStore, toRecordedValue, toRunId, workflowLimits } from "../workflows/index.ts";

export interface ServiceRunsOptions {
  readonly store: RunStore;
  readonly programs: ReadonlyMap<string, Program>;
  readonly uuids: IdSource;
  /** Says that there is a turn to take. */
  readonly wake: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** A run that cannot be started: a bug of the service, answered `internal`. */
export class StartError extends Error {
  override readonly name = "StartError";
}

export class ServiceRuns implements RunsAtHand {
  readonly #options: ServiceRunsOptions;

  constructor(options: ServiceRunsOptions) {
    this.#options = options;
  }

  async start(call: Call, work: Work, start: Parameters<RunsAtHand["start"]>[2]): Promise<{ readonly id: string }> {
    const { store, uuids } = this.#options;
    const program = this.#programOf(start.workflow);
    const input = await this.#inputOf(program, start.input);
    const { json } = toRecordedValue(`the input of the workflow "${program.name}"`, input);
    const id = toRunId(program.name, start.options?.id ?? uuids());
    assertId(id);
    const named = program.subjectOf(input);
    const persons = [...new Set([...(named === undefined ? [] : [named]), ...(call.touched?.subjects(workflowLimits.personsMax - 1) ?? [])])];
    this.#write(work, await store.sealed(store.statements.start({ id, workflow: program.name, input: json, trace: call.traceText, persons }), persons, (statement) => work.run(statement)));
    return { id };
  }

  async get(query: Query, workflow: AnyWorkflow, id: string): Promise<unknown> {
    const found = await this.#options.store.find(toRunId(this.#programOf(workflow).name, id), query);
    return found === undefined ? undefined : toInfo(found.run);
  }

  cancel(work: Work, { id, reason, workflow }: Parameters<RunsAtHand["cancel"]>[1]): void {
    const { store } = this.#options;
    this.#write(work, store.statements.cancel(toRunId(this.#programOf(workflow).name, id), reason));
  }

  async answer(work: Work, { answer, id, query, question, workflow }: Parameters<RunsAtHand["answer"]>[1]): Promise<void> {
    const { clock, programs, random, store } = this.#options;
    const program = this.#programOf(workflow);
    const statements = await answerStatements({ id: toRunId(program.name, id), question, answer, clock, programs, query, random, store, run: (statement) => work.run(statement) });
    this.#write(work, statements);
  }

  #write(work: Work, statements: ReturnType<RunStore["statements"]["start"]>): void {
    for (const statement of statements) work.atCommit(statement);
    work.onCommit(this.#options.wake);
  }

  #programOf(workflow: AnyWorkflow): Program {
    const program = this.#options.programs.get(workflow.name);
    if (program === undefined) throw new StartError(`the service ${this.#options.store.service} has no workflow "${workflow.name}": add it to its \`workflows\``);
    return program;
  }

  async #inputOf(program: Program, input: unknown): Promise<unknown> {
    try {
      return await program.checkInput(input);
    } catch (thrown) {
      throw new StartError(thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
    }
  }
}

/** @throws {StartError} */
function assertId(id: string): void {
  const { idMaxChars } = workflowLimits;
  if (/^[^\p{Cc}]+$/u.test(id) && id.length <= idMaxChars) return;
  throw new StartError(`${JSON.stringify(id)} is not an identifier for a run: 1 to ${idMaxChars} characters that can be seen`);
}

/** What handlers are told of a run. */
function toInfo({ failure, id, output, startedAt, state }: Run): unknown {
  if (state === "completed") return { id, startedAt, state, result: output ?? undefined };
  if (state !== "failed" && state !== "canceled") return { id, startedAt, state };
  const { data, message = "", name = "", reason, step } = failure ?? {};
  const shown = reason === undefined ? { name, message, ...(step === undefined ? {} : { step }) } : { reason, data, message };
  return { id, startedAt, state, failure: shown };
}

/** A run that a handler that is tried would start. */
export interface TrialStart {
  readonly workflow: string;
  readonly id: string;
  readonly input: unknown;
}

/** Starts nothing, since nothing of a dry run is committed: gathers what would be started. */
export class TrialRuns extends ServiceRuns {
  readonly #gathered = new WeakMap<Work, readonly TrialStart[]>();

  override async start(call: Call, work: Work, start: Parameters<ServiceRuns["start"]>[2]): Promise<{ readonly id: string }> {
    const made = await super.start(call, work, start);
    this.#gathered.set(work, [...this.gatheredIn(work), { workflow: start.workflow.name, id: made.id, input: start.input }]);
    return made;
  }

  /** What was started in one attempt, in order. */
  gatheredIn(work: Work): readonly TrialStart[] {
    return this.#gathered.get(work) ?? [];
  }
}
