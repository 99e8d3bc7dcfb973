/** What happened, told to whoever wants to know: outbox, relay, inbox, deliveries, dead letters, replay. */
export { type BoundedCount, countMax, toBoundedCount } from "./bounded-count.ts";
export { BrokerLog, type BrokerLogOptions } from "./broker-log.ts";
export { changeSubscription, type Watch } from "./change-trigger.ts";
export { ChangeWatch, type ChangeWatchOptions, type MendOptions } from "./change-watch.ts";
export { type Consumer, GivenUp } from "./consumer.ts";
export { DatabaseLog, type DatabaseLogOptions } from "./database-log.ts";
export {
  countDeadLetters,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterGroup,
  discardDeadLetters,
  type DiscardOptions,
  groupDeadLetters,
  readDeadLetters,
  retryDeadLetters,
  type RetryOptions,
} from "./dead-letters.ts";
export type { Delivery } from "./delivery.ts";
export { DeliveryQueue } from "./delivery-queue.ts";
export { Dispatcher, type DispatcherOptions } from "./dispatcher.ts";
export { EmitError, Emitter, type EmitterOptions, TrialEmitter } from "./emitter.ts";
export { type CloudEvent, EnvelopeError, type EventRecord, parseCloudEvent, toCloudEvent } from "./envelope.ts";
export { type EventLog, type Forwarded, type ForwardOptions, type Route, serviceOf, subscribersOf } from "./event-log.ts";
export { type IdRange, idDigitsMin, parseIdRange } from "./event-id.ts";
export { failureText } from "./failure-text.ts";
export { countHistory, type HistoryFilter, type HistoryPage, historySpan, readHistory, type RecordedEvent } from "./history.ts";
export { addStatement, Inbox, isRemovedByOther, removeStatement } from "./inbox.ts";
export { type LaneHolder, readLag, type ServiceLag, type SubscriptionLag } from "./lag.ts";
export { LagWatch, type LagWatchOptions } from "./lag-watch.ts";
export { laneCount, laneExpression } from "./lanes.ts";
export { eventMaxBytes } from "./outbox.ts";
export { measureBroker, type MeasureBrokerOptions } from "./measured-broker.ts";
export type { Broker, BrokerGroup, BrokerMessage, BrokerSink, Consumption } from "./ports.ts";
export { Relay, type RelayOptions } from "./relay.ts";
export { type Replayed, replayEvents, type ReplayOptions, type ReplayProgress } from "./replay.ts";
export { eventSweeps } from "./sweeps.ts";
export { type Schedule, scheduleSubscription, Ticker, type TickerOptions } from "./ticker.ts";
export { wakeChannel, type WakePlace, Wakes } from "./wakes.ts";
export { type DeliveryState, findEvents, type FindOptions, type FoundEvent } from "./whereabouts.ts";
export { describeSchedule } from "./schedule-description.ts";
export { type CronSpec, dueInstants, type DueInstants, type DueQuestion, type MissedPolicy, nextAfter, parseSchedule, type ScheduleSpec, type ScheduleTime } from "./schedule.ts";
export { hmacSignature, type HmacSignatureOptions, type SignedWebhook, signStandardWebhook, standardWebhook, type StandardWebhookOptions, type WebhookRequest, type WebhookSecret, type WebhookSignature, webhookToleranceMs, type WebhookVerdict } from "./webhook-signature.ts";
