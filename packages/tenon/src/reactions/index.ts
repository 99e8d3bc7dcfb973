/** Runs what services do without being asked: subscriptions, schedules, changes of rows, webhooks, workflows; and dry runs. */
export { createChangeConsumer } from "./change.ts";
export { consumersOf, type NamedConsumer } from "./consumers-of.ts";
export { originOf } from "./delivery-span.ts";
export { openTrial, type TrialOptions, type TryEvents } from "./open-trial.ts";
export { openTriggers, type OpenedTriggers } from "./open-triggers.ts";
export { ReactionContext } from "./reaction-context.ts";
export { routesOf } from "./routes-of.ts";
export { createScheduleConsumer } from "./schedule.ts";
export { ServiceRuns } from "./service-runs.ts";
export { type ConsumerParts, createConsumer, createSubscriptionConsumer, type ReactionAudit, UnreadableError } from "./subscription.ts";
export type { Trial, UnmadeCall } from "./trial.ts";
export { handleWebhook, webhookOperation } from "./webhook.ts";
export { createWorkflowConsumers } from "./workflow-consumer.ts";
export { createProgram } from "./workflow-program.ts";
export { dryRunStep, runStep, type StepOutcome, type StepRun, tryStep } from "./runbook-step.ts";
