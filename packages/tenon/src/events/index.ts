/** What happened, told to whoever wants to know: outbox, relay, inbox, deliveries, dead letters, replay. */
export { withSession } from "./admin-session.ts";
export { BrokerLog, type BrokerLogOptions } from "./broker-log.ts";
export { type Consumer, GivenUp } from "./consumer.ts";
export { DatabaseLog, type DatabaseLogOptions } from "./database-log.ts";
export type { Delivery } from "./delivery.ts";
export { Dispatcher, type DispatcherOptions } from "./dispatcher.ts";
export { EmitError, Emitter, type EmitterOptions } from "./emitter.ts";
export { type CloudEvent, cloudEventMediaType, EnvelopeError, type EventRecord, parseCloudEvent, toCloudEvent } from "./envelope.ts";
export { type EventLog, type Forwarded, type ForwardOptions, type Route, serviceOf, subscribersOf } from "./event-log.ts";
export { addStatement, isRemovedByOther, removeStatement } from "./inbox.ts";
export { laneCount, laneExpression } from "./lanes.ts";
export { eventMaxBytes } from "./outbox.ts";
export type { Broker, BrokerGroup, BrokerMessage, BrokerSink, Consumption } from "./ports.ts";
export { Relay, type RelayOptions } from "./relay.ts";
export { EventSweeper, type EventSweeperOptions } from "./sweeper.ts";
export { wakeChannel, type WakePlace, Wakes } from "./wakes.ts";
