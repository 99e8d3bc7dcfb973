/** Runs users' handlers: each gets its context, and what it gives back is cut to the contract. */
export { TransactionHeldError } from "./context.ts";
export type { ServiceEnvironment } from "./environment.ts";
export { handle, LetThroughError, OutputError } from "./handle.ts";
