/** Runs users' handlers: each gets its context, and what it gives back is cut to the contract. */
export { TransactionHeldError } from "./context.ts";
export type { ServiceEnvironment } from "./environment.ts";
export { handle, LetThroughError } from "./handle.ts";
export { OutputError } from "./output-error.ts";
export { ServiceRuns, TrialRuns, type TrialStart } from "./service-runs.ts";
export { createWorkflowConsumers } from "./workflow-consumer.ts";
export { createProgram } from "./workflow-program.ts";
export { type ConsumerParts, type ConsumerSpec, createConsumer, createSubscriptionConsumer, UnreadableError } from "./subscription.ts";
export { createChangeConsumer } from "./change.ts";
export { createScheduleConsumer } from "./schedule.ts";
export { handleWebhook, type WebhookParts, webhookOperation } from "./webhook.ts";
export { ReactionContext } from "./reaction-context.ts";
export { type Trial, type TrialParts, trySubscription, type UnmadeCall } from "./trial.ts";
