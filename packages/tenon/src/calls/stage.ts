/**
 * Stages: what every call passes through, each with a name. A stage is compiled once per operation, at start, around
 * what comes after it, so nothing is looked up and no flag is tested while a call runs.
 */
import type { Operation } from "../contract/index.ts";
import type { Call } from "./call.ts";

/** Answers a call. A plain value or a promise of one: a call that needs no waiting costs no promise. */
export type Handler = (call: Call) => unknown;

export interface Stage {
  readonly name: string;
  /** Wraps `next` for one operation; gives back `next` itself where the operation does not need the stage. */
  compile(operation: Operation, next: Handler): Handler;
}

/** The first stage is the outermost: the array reads in the order a call meets it. */
export function compile(stages: readonly Stage[], operation: Operation, handler: Handler): Handler {
  return stages.reduceRight<Handler>((next, stage) => stage.compile(operation, next), handler);
}

/** Whether a value has to be awaited. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}
