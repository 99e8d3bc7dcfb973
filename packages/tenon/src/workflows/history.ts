/**
 * What a run has on record, laid out as its code asks for it: a sequence of steps, in which an `all` stands for its
 * branches, each again a sequence. Pure.
 *
 * A place is a path: `2` is the third thing that the code asked for; `2/left/0` the first one in the branch `left` of the
 * `all` that is third. An `all` has no row of its own: it is known by the rows of its branches.
 */
import type { Step, StepKind } from "./run.ts";

export type Entry = { readonly type: "step"; readonly step: Step } | { readonly type: "all"; readonly name: string; readonly branches: ReadonlySet<string> };

interface Sequence {
  readonly entries: Map<number, MutableEntry>;
  length: number;
}
type MutableEntry = { readonly type: "step"; readonly step: Step } | { readonly type: "all"; readonly name: string; readonly branches: Set<string> };

export class History {
  /** What steps gave, in the order in which they were written down. */
  readonly results: unknown[] = [];
  #size = 0;
  #bytes = 0;
  readonly #sequences = new Map<string, Sequence>();

  constructor(steps: readonly Step[]) {
    for (const step of steps) {
      this.grow(step.result);
      this.#add(step);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Of all results, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** One more step has been written down. It is not given back in this turn: the code that asked for it has it. */
  grow(result: unknown): void {
    this.results.push(result);
    this.#size++;
    this.#bytes += result === null || result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
  }

  /** What is on record at a position. @param branch  `""`, or a path that ends in `/`. */
  at(branch: string, position: number): Entry | undefined {
    return this.#sequences.get(branch)?.entries.get(position);
  }

  /** How many positions of a branch the record covers. */
  lengthOf(branch: string): number {
    return this.#sequences.get(branch)?.length ?? 0;
  }

  /** The first thing on record at a position or behind it, for messages. */
  next(branch: string, position: number): Entry | undefined {
    for (let at = position; at < this.lengthOf(branch); at++) {
      const entry = this.at(branch, at);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  #add(step: Step): void {
    const places = step.place.split("/");
    const names = step.name.split("/");
    let branch = "";
    for (let i = 0; i + 2 < places.length; i += 2) {
      const sequence = this.#sequenceOf(branch);
      const position = Number(places[i]);
      const branchName = places[i + 1] as string;
      const entry = sequence.entries.get(position);
      if (entry?.type === "all") entry.branches.add(branchName);
      else sequence.entries.set(position, { type: "all", name: names[i] as string, branches: new Set([branchName]) });
      sequence.length = Math.max(sequence.length, position + 1);
      branch += `${position}/${branchName}/`;
    }
    const sequence = this.#sequenceOf(branch);
    const position = Number(places.at(-1));
    sequence.entries.set(position, { type: "step", step });
    sequence.length = Math.max(sequence.length, position + 1);
  }

  #sequenceOf(branch: string): Sequence {
    let sequence = this.#sequences.get(branch);
    if (sequence === undefined) {
      sequence = { entries: new Map(), length: 0 };
      this.#sequences.set(branch, sequence);
    }
    return sequence;
  }
}

const words: Readonly<Record<StepKind, string>> = {
  step: "step", call: "call", sleep: "sleep", until: "wait for an event", ask: "question", child: "child", version: "version mark", undo: "undo step",
};

/** `the call "reserve"` */
export function describeStep(kind: StepKind, name: string): string {
  return `the ${words[kind]} "${name}"`;
}

export function describeEntry(entry: Entry): string {
  return entry.type === "all" ? `the parallel branches "${entry.name}" (${[...entry.branches].join(", ")})` : describeStep(entry.step.kind, entry.step.name);
}
