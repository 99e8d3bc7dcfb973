/** Runs users' handlers: each gets its context, and what it gives back is cut to the contract. */
export { TransactionHeldError } from "./context.ts";
export type { ServiceEnvironment } from "./environment.ts";
export { handle, LetThroughError, OutputError } from "./handle.ts";
export { type ConsumerParts, type ConsumerSpec, createConsumer, createSubscriptionConsumer, UnreadableError } from "./subscription.ts";
export { ReactionContext } from "./reaction-context.ts";
export { type Trial, type TrialParts, trySubscription, type UnmadeCall } from "./trial.ts";
