/** One sequence of a flow at work: the code itself, or a branch of an `all`. Knows where it is, and what is on record there. */
import { hash } from "node:crypto";
import { describeEntry, describeStep, type Entry, type History } from "./history.ts";
import { workflowLimits } from "./limits.ts";
import type { Step, StepKind } from "./run.ts";

/** `code`: something between steps is running. `work`: a step is. `blocked`: nothing more happens in this turn. */
export type BranchState = "code" | "work" | "blocked" | "all" | "ended";

/** The code does not fit the record, or is written in a way that cannot be repeated. The run is parked. */
export class UnfitError extends Error {
  override readonly name = "UnfitError";
}

export interface Place {
  /** Path of it. */
  readonly place: string;
  /** Path of names: `prepare/left/reserve`. */
  readonly name: string;
  readonly step: Step | undefined;
}

export interface BranchStart {
  readonly path: string;
  /** `""`, or names that end in `/`. */
  readonly names: string;
  readonly history: History;
  readonly run: string;
  readonly nowMs: number;
  readonly versions: ReadonlyMap<string, number>;
}

const namePattern = /^[^/#\p{Cc}]+$/u;

export class Branch {
  /** `""`, or a path that ends in `/`. */
  readonly path: string;
  state: BranchState = "code";
  /** What it waits for or does, for messages. */
  underway: string | undefined = undefined;
  /** While it is an `all`: how many of its branches have not ended. */
  openBranches = 0;
  /** The instant that its code takes for the present, in ms since 1970. */
  nowMs: number;
  /** Of changes of the code, by the name of the mark: each as it was met first, here or before the branch. */
  readonly versions: Map<string, number>;
  readonly #history: History;
  readonly #names: string;
  readonly #run: string;
  readonly #counts = new Map<string, number>();
  #position = 0;
  #draws = 0;

  constructor(start: BranchStart) {
    this.path = start.path;
    this.versions = new Map(start.versions);
    this.nowMs = start.nowMs;
    this.#history = start.history;
    this.#names = start.names;
    this.#run = start.run;
  }

  /**
   * The next place, and what is on record there.
   *
   * @throws {UnfitError} something else is.
   */
  next(kind: StepKind, given: string): Place {
    const name = this.#nameOf(given);
    const entry = this.#entryAt(describeStep(kind, name));
    if (entry?.type === "all" || (entry !== undefined && (entry.step.kind !== kind || entry.step.name !== name))) throw this.#unfit(entry, describeStep(kind, name));
    const place = this.path + String(this.#position);
    this.#advance();
    return { place, name, step: entry?.step };
  }

  /** A mark that may have been put into the code after a run had passed the place. @returns `passed` where it had. */
  nextMark(kind: StepKind, given: string): Place | "passed" {
    const entry = this.#history.at(this.path, this.#position);
    const known = entry?.type === "step" && entry.step.kind === kind && entry.step.name === this.#peekName(given);
    if (!known && this.#position < this.#history.lengthOf(this.path)) return "passed";
    return this.next(kind, given);
  }

  /** Branches beside each other. @throws {UnfitError} */
  nextAll(given: string, branches: readonly string[]): { readonly path: string; readonly names: string } {
    const name = this.#nameOf(given);
    const asked = `the parallel branches "${name}" (${branches.join(", ")})`;
    for (const branch of branches) assertName("a branch", branch);
    const entry = this.#history.at(this.path, this.#position);
    const isFit = entry === undefined || (entry.type === "all" && entry.name === lastOf(name) && [...entry.branches].every((branch) => branches.includes(branch)));
    if (!isFit) throw this.#unfit(entry, asked);
    const path = `${this.path}${this.#position}/`;
    this.#advance();
    return { path, names: `${name}/` };
  }

  /** @throws {UnfitError} there is more on record than the code has asked for. */
  assertAtEnd(): void {
    const entry = this.#history.next(this.path, this.#position);
    if (entry !== undefined) throw this.#unfit(entry, this.path === "" ? "the end of the workflow" : `the end of the branch "${this.#names.slice(0, -1)}"`);
  }

  /** Whether it goes on by itself. An `all` whose branches have ended is about to. */
  get isActive(): boolean {
    return this.state === "code" || this.state === "work" || (this.state === "all" && this.openBranches === 0);
  }

  get isReplaying(): boolean {
    return this.#position < this.#history.lengthOf(this.path);
  }

  /** 256 bits that are the same whenever the code comes by here, and the same nowhere else. */
  draw(): string {
    return hash("sha256", JSON.stringify([this.#run, this.path, this.#position, this.#draws++]), "hex");
  }

  #entryAt(asked: string): Entry | undefined {
    const entry = this.#history.at(this.path, this.#position);
    if (entry !== undefined) return entry;
    const later = this.#history.next(this.path, this.#position);
    if (later !== undefined) throw this.#unfit(later, asked);
    return undefined;
  }

  #advance(): void {
    this.#position++;
    this.#draws = 0;
  }

  /** `charge`, then `charge#2`: a loop may ask for one name again and again. */
  #nameOf(given: string): string {
    assertName("a step", given);
    const count = (this.#counts.get(given) ?? 0) + 1;
    this.#counts.set(given, count);
    return this.#names + (count === 1 ? given : `${given}#${count}`);
  }

  #peekName(given: string): string {
    const count = (this.#counts.get(given) ?? 0) + 1;
    return this.#names + (count === 1 ? given : `${given}#${count}`);
  }

  #unfit(recorded: Entry, asked: string): UnfitError {
    const place = `${this.path}${this.#position}`;
    return new UnfitError(`the code does not fit the record: at place ${place} the run has on record ${describeEntry(recorded)}, and the code asked for ${asked}`);
  }
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function assertName(what: string, name: unknown): void {
  if (typeof name === "string" && name.length <= workflowLimits.nameMaxChars && namePattern.test(name)) return;
  throw new UnfitError(`${JSON.stringify(name)} is not a name for ${what}: 1 to ${workflowLimits.nameMaxChars} characters, without / and #`);
}

/** An async function that returns without awaiting what it asked for is told of within three of these. */
const codeTicks = 8;

/** Resolves when code that runs at this moment has come to its next step, or to its end. */
export async function settleCode(): Promise<void> {
  for (let tick = 0; tick < codeTicks; tick++) await Promise.resolve();
}
