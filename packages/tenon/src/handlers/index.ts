/** Runs users' handlers of operations: each gets its context, and what it gives back is cut to the contract. */
export { Context, TransactionHeldError } from "./context.ts";
export type { FailFunctions, Query, RunsAtHand, ServiceEnvironment } from "./environment.ts";
export { failFunctionsOf } from "./fail-functions.ts";
export { handle, LetThroughError } from "./handle.ts";
export { OutputError } from "./output-error.ts";
