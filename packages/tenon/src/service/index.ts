/** What a team writes besides contracts: services, apps, mounts. Plain values; nothing here runs or opens anything. */
export { app, type App, type AppOptions, type BudgetAction, type BudgetPolicy, principalsOf } from "./app.ts";
export type { DeliveryOptions, ReactionContext } from "./delivery.ts";
export { counter, gauge, histogram, type HistogramOptions, type Measure, type Metric, type MetricOptions } from "./measures.ts";
export type { Dependency, Emit, Fail, NoConfig, NoTables, Tables } from "./needs.ts";
export { type FetchHandler, mount, type Mount } from "./mount.ts";
export {
  type BatchContext,
  type BatchOptions,
  type EventContext,
  type EventInfo,
  type On,
  reactions,
  type Reactions,
  type Subscription,
} from "./reactions.ts";
export { type NamedStep, stepsNamed, stepsOf } from "./named-steps.ts";
export type { DryRunContext, IncidentInfo, Runbook, RunbookContext, RunbookMakers, RunbookOptions, RunbookStep, RunbookStepOptions } from "./runbooks.ts";
export { placeOfTrigger } from "./check-triggers.ts";
export type { ChangeContext, ChangeOptions, ChangeTrigger, Every, OnChange, RowOf, ScheduleContext, ScheduleOptions, ScheduleTrigger, Trigger, WebhookMessage, WebhookOptions, WebhookTrigger } from "./triggers.ts";
export {
  type AnyHandler,
  type CommandContext,
  type HandlerContext,
  type HandlerOf,
  type Handlers,
  hasData,
  type QueryContext,
  type SeedContext,
  service,
  type Service,
  type ServiceOptions,
} from "./service.ts";
export { type SubjectRights, subjectsName, subjectSubscription } from "./subject-rights.ts";
export type {
  AnyWorkflow,
  Flow,
  ReadRuns,
  Recorded,
  RunFailure,
  RunInfo,
  Runs,
  StartedRun,
  StartOptions,
  StartRun,
  StepContext,
  StepOptions,
  Workflow,
  WorkflowOptions,
} from "./workflows.ts";
