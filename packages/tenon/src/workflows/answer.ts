/**
 * The answer to a question of a run. It is checked by the schema in the code of the workflow: the code is run as far as
 * the record goes, without doing anything, and the question that it comes to is asked.
 */
import type { RunStatement, Statement } from "../data/index.ts";
import { type Clock, Fault, type Random } from "../kernel/index.ts";
import type { Program } from "./program.ts";
import { toRecordedValue } from "./recorded-value.ts";
import type { RunStore } from "./run-store.ts";
import { Turn } from "./turn.ts";

export interface AnswerOptions {
  readonly id: string;
  /** The name of the step that asks. */
  readonly question: string;
  readonly answer: unknown;
  readonly programs: ReadonlyMap<string, Program>;
  readonly store: RunStore;
  /** Where to read, when not by itself. */
  readonly query?: RunStore["read"];
  /** Where to look for keys, when not by itself. */
  readonly run?: RunStatement;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws {Fault} `not_found`: no such run, or it asks no such thing. `conflict`: it was answered. `invalid_argument`: the answer does not fit. */
export async function answerStatements({ answer, clock, id, programs, query, question, random, run: keysRun, store }: AnswerOptions): Promise<readonly Statement[]> {
  const found = await store.find(id, query);
  if (found === undefined) throw new Fault("not_found", `there is no run ${id}`);
  const { run, steps } = found;
  const step = steps.find(({ kind, name }) => kind === "ask" && name === question);
  if (step !== undefined && step.state !== "waiting") throw new Fault("conflict", `"${question}" of the run ${id} was ${step.result === null ? "not answered in time" : "answered already"}`);
  const program = programs.get(run.workflow);
  if (step === undefined || program === undefined || run.state !== "running") throw new Fault("not_found", `the run ${id} does not ask "${question}"`);

  const nothing = (): Promise<never> => Promise.reject(new Fault("internal", "a look at a run does no work"));
  const of = { run: id, workflow: program.name, turn: 0 };
  const turn = new Turn({ mode: "look", of, run, steps, program, programs, store, runAttempt: nothing, isFinal: () => true, clock, random });
  const end = await turn.go();
  const asked = turn.questions.get(question);
  if (asked === undefined) throw new Fault("conflict", `the code of "${program.name}" does not come to "${question}" any more${end.kind === "unfit" ? `: ${end.message}` : ""}`);
  const { json } = toRecordedValue(`the answer to "${question}"`, await asked.check(answer));
  return store.sealed(store.statements.answer(id, asked.place, { json: json ?? "null", atMs: clock.nowMs() }), run.persons, keysRun);
}
