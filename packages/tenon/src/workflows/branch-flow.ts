/**
 * The `flow` that users' code is given: each of its methods asks the turn for something by name. Its types stand in the
 * service room; here everything is checked at run time, because code without types comes by here too.
 */
import type { ContractEvent, Operation, RetryOptions } from "../contract/index.ts";
import { parseRetryOptions } from "../contract/index.ts";
import { type Duration, parseDuration } from "../kernel/index.ts";
import { type Branch, UnfitError } from "./branch.ts";
import type { FlowTurn, StepSpec, StepWork } from "./flow-turn.ts";
import type { StepKind } from "./run.ts";


export interface StepOptions extends RetryOptions {
  /** How long one attempt may take. Default: the workflow's, `"30s"`. */
  readonly deadline?: Duration;
}

interface CallContext {
  readonly call: (operation: Operation, input: unknown, options: { readonly idempotencyKey: string }) => Promise<unknown>;
  readonly idempotencyKey: string;
}

/** Beyond this a wait is a mistake in a unit, in ms: ten years. */
const waitMaxMs = 10 * 365 * 86_400_000;

export class BranchFlow {
  readonly #turn: FlowTurn;
  readonly #branch: Branch;

  constructor(turn: FlowTurn, branch: Branch) {
    this.#turn = turn;
    this.#branch = branch;
  }

  get id(): string {
    return this.#turn.run.id;
  }

  get input(): unknown {
    return this.#turn.run.input ?? undefined;
  }

  /** What the code has seen so far. */
  get known(): readonly unknown[] {
    return this.#turn.known;
  }

  /** Whether what is asked for next is on record already. */
  get isReplaying(): boolean {
    return this.#branch.isReplaying;
  }

  step(name: string, ...rest: readonly unknown[]): Promise<unknown> {
    const [options, work] = optionsFirst(rest);
    return watched(this.#turn.perform(this.#branch, this.#specOf("step", name, options, work)));
  }

  call(name: string, operation: Operation, input?: unknown, options: StepOptions = {}): Promise<unknown> {
    const work = (context: CallContext): unknown => context.call(operation, input, operation.kind === "command" ? { idempotencyKey: context.idempotencyKey } : ({} as never));
    return watched(this.#turn.perform(this.#branch, this.#specOf("call", name, options, work as StepWork)));
  }

  undo(name: string, ...rest: readonly unknown[]): void {
    const [options, work] = optionsFirst(rest);
    this.#turn.undo(this.#branch, this.#specOf("undo", name, options, work));
  }

  sleep(name: string, duration: Duration): Promise<void> {
    return watched(this.#turn.sleep(this.#branch, name, toMs(name, duration)));
  }

  until(name: string, event: ContractEvent, { key, timeout }: { readonly key?: string; readonly timeout?: Duration } = {}): Promise<unknown> {
    const timeoutMs = timeout === undefined ? undefined : toMs(name, timeout);
    return watched(this.#turn.until(this.#branch, name, { type: event.id, key, timeoutMs }));
  }

  /** @param options.check  Made of the schema by whoever gives this flow to users' code. */
  ask(name: string, { check, detail, timeout }: { readonly check: (value: unknown) => unknown; readonly detail: unknown; readonly timeout?: Duration | undefined }): Promise<unknown> {
    return watched(this.#turn.ask(this.#branch, name, { check, detail, timeoutMs: timeout === undefined ? undefined : toMs(name, timeout) }));
  }

  all(name: string, branches: Readonly<Record<string, (flow: BranchFlow) => unknown>>): Promise<Readonly<Record<string, unknown>>> {
    const own = Object.entries(branches).map(([branch, code]) => [branch, (each: Branch) => code(new BranchFlow(this.#turn, each))] as const);
    return watched(this.#turn.all(this.#branch, name, Object.fromEntries(own)));
  }

  child(name: string, workflow: { readonly name: string }, input?: unknown): Promise<unknown> {
    return watched(this.#turn.child(this.#branch, name, { workflow: workflow.name, input }));
  }

  version(name: string, current: number): Promise<number> {
    if (!Number.isSafeInteger(current) || current < 1) throw new UnfitError(`${current} is not a version: whole numbers from 1, which is the code before there was a mark`);
    return watched(this.#turn.version(this.#branch, name, current));
  }

  now(): Date {
    return new Date(this.#branch.nowMs);
  }

  random(): number {
    return Number.parseInt(this.#branch.draw().slice(0, 12), 16) / 2 ** 48;
  }

  /** Version 8 of RFC 9562: its bits are those of a digest. */
  uuid(): string {
    const digits = this.#branch.draw();
    const variant = ((Number.parseInt(digits.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
  }

  #specOf(kind: StepKind, name: string, options: StepOptions, work: unknown): StepSpec {
    const { defaults } = this.#turn;
    if (typeof work !== "function") throw new UnfitError(`"${name}" has no function: give it one as its last argument`);
    const { deadline, ...retry } = options;
    const isSaid = Object.keys(retry).length > 0;
    return {
      kind,
      name,
      policy: isSaid ? parseRetryOptions(retry) : defaults.policy,
      deadlineMs: deadline === undefined ? defaults.deadlineMs : toMs(name, deadline),
      work: work as StepWork,
    };
  }
}

/** A step that nobody awaits is told as that, and must not end the process besides when it fails. */
function watched<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => undefined);
  return asked;
}

function optionsFirst(rest: readonly unknown[]): readonly [StepOptions, unknown] {
  return rest.length > 1 ? [rest[0] as StepOptions, rest[1]] : [{}, rest[0]];
}

function toMs(name: string, duration: Duration): number {
  const ms = parseDuration(duration);
  if (ms !== undefined && ms <= waitMaxMs) return ms;
  throw new UnfitError(`"${name}": ${JSON.stringify(duration)} is not a length of time up to ten years: "10m", "2d"`);
}
