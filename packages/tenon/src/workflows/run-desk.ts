/** Runs as an operator sees and steers them. What cannot be done is said in a person's words. */
import type { Database } from "../data/index.ts";
import { type Clock, Fault, type Random } from "../kernel/index.ts";
import type { RecordSeals } from "../privacy/index.ts";
import { answerStatements } from "./answer.ts";
import type { Program } from "./program.ts";
import { isEnded, type Run, runColumns, type RunState, type Step } from "./run.ts";
import { RunStore } from "./run-store.ts";

export interface RunDeskOptions {
  readonly database: Database;
  /** Whose runs they are. */
  readonly service: string;
  readonly programs: ReadonlyMap<string, Program>;
  readonly clock: Clock;
  readonly random: Random;
  /** Where anything of the app is encrypted. */
  readonly seals?: RecordSeals | undefined;
}

export interface RunFilter {
  readonly state?: RunState | "waiting" | undefined;
  readonly workflow?: string | undefined;
  /** The latest so many. */
  readonly max: number;
}

export interface ListedRun extends Run {
  /** What it waits for, in words: `sleep "cool off"`. Empty while it is at work. */
  readonly waitsFor: readonly string[];
}

const listText = `
  select ${runColumns}, array(
    select kind || ' "' || name || '"' from tenon_steps where run = tenon_runs.id and tenon_steps.state in ('waiting', 'retrying') order by seq
  ) as waits_for
  from tenon_runs
  where ($1::text is null or state = $1) and ($2::text is null or workflow = $2)
  order by started_at desc, id limit $3`;

/** By its whole identifier, or by how it begins, with or without the name of its workflow. */
const findText = `
  select id from tenon_runs where id = $1 or starts_with(id, $1) or starts_with(substr(id, strpos(id, ':') + 1), $1)
  order by (id = $1 or substr(id, strpos(id, ':') + 1) = $1) desc, id limit $2`;

/** Of several that somebody may have meant, so many are told. */
const candidatesMax = 10;

export class RunDesk {
  readonly #options: RunDeskOptions;
  readonly #store: RunStore;

  constructor(options: RunDeskOptions) {
    this.#options = options;
    this.#store = new RunStore(options.database, options.service, options.seals);
  }

  async list({ max, state, workflow }: RunFilter): Promise<readonly ListedRun[]> {
    const inRow = state === "waiting" ? "running" : state;
    const { rows } = await this.#store.read(listText, [inRow ?? null, workflow ?? null, max]);
    const opened = await this.#store.toRuns(rows);
    const runs = opened.map((run, i): ListedRun => ({ ...run, waitsFor: rows[i]?.["waits_for"] as readonly string[] }));
    return state === "waiting" ? runs.filter(({ waitsFor }) => waitsFor.length > 0) : runs;
  }

  /** Runs that somebody may mean by the beginning of an identifier. One that is meant exactly stands alone. */
  async find(text: string): Promise<readonly string[]> {
    const { rows } = await this.#store.read(findText, [text, candidatesMax]);
    const ids = rows.map(({ id }) => id as string);
    const exact = ids.filter((id) => id === text || id.slice(id.indexOf(":") + 1) === text);
    return exact.length === 1 ? exact : ids;
  }

  /** @throws {Fault} `not_found` */
  async show(id: string): Promise<{ readonly run: Run; readonly steps: readonly Step[] }> {
    const found = await this.#store.find(id, undefined, "marked");
    if (found === undefined) throw new Fault("not_found", `there is no run ${id}`);
    return found;
  }

  /** @throws {Fault} `conflict`: it has ended, or is to end already. */
  async cancel(id: string, reason: string): Promise<void> {
    const { run } = await this.show(id);
    if (isEnded(run.state)) throw new Fault("conflict", `the run ${id} has ended: it is ${run.state}`);
    if (run.state === "compensating" || run.parkedFrom === "compensating") throw new Fault("conflict", `the run ${id} is being undone already`);
    if ((await this.#store.write(this.#store.statements.cancel(id, reason))) === 0) throw new Fault("conflict", `the run ${id} is to end already: ${run.cancelReason ?? ""}`);
  }

  /** A parked run goes on with the code of today. @throws {Fault} `conflict`: it is not parked. */
  async resume(id: string): Promise<void> {
    const { run } = await this.show(id);
    if ((await this.#store.write(this.#store.statements.resume(id))) === 0) throw new Fault("conflict", `the run ${id} is not parked: it is ${run.state}`);
  }

  /**
   * A step that waits for its next attempt is tried now; a failed run goes on from the step that failed.
   *
   * @throws {Fault} `conflict`: there is nothing to try again, or it was undone.
   */
  async retry(id: string): Promise<void> {
    const { run, steps } = await this.show(id);
    if (run.state === "running" || run.state === "compensating") {
      if ((await this.#store.write(this.#store.statements.hurry(id))) === 0) throw new Fault("conflict", `no step of the run ${id} waits for another attempt`);
      return;
    }
    if (run.state === "parked") throw new Fault("conflict", `the run ${id} is parked: resume it`);
    if (run.state !== "failed") throw new Fault("conflict", `the run ${id} has not failed: it is ${run.state}`);
    if (steps.some(({ kind, state }) => kind === "undo" && state !== "registered")) throw new Fault("conflict", `the run ${id} cannot go on: its undo steps have run. Start a new one`);
    if (run.erasures > 0) throw new Fault("conflict", `the run ${id} cannot go on: a person of whom it told was erased, and what it held is gone. Start a new one`);
    if (run.parent !== null) throw new Fault("conflict", `the run ${id} is a child, and its parent ${run.parent} has been told that it failed. Start a new one`);
    await this.#store.write(this.#store.statements.retry(id));
  }

  /** @throws {Fault} `not_found`, `conflict` or `invalid_argument` */
  async answer(id: string, question: string, answer: unknown): Promise<void> {
    const { clock, programs, random } = this.#options;
    const statements = await answerStatements({ id, question, answer, clock, programs, random, store: this.#store });
    if ((await this.#store.write(statements)) === 0) throw new Fault("conflict", `"${question}" of the run ${id} was answered already`);
  }
}
