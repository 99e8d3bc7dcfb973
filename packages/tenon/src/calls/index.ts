/** The life of a call: what every call passes through, and how one operation calls another. */
export { admit, type AdmitOptions, isGivenWay } from "./admit.ts";
export { type BoundToken, boundTokenOf, keepBoundToken, passBoundToken } from "./bound-token.ts";
export { CallEdge, CallGraph, CallsInto, durationSlots, edgesMax, type GraphedCall, isAgainst, nodeKind, type NodeKind, nodeName, nodeOf, type NotableCalls, outside, slotOf } from "./call-graph.ts";
export { operationAttributes, slowMsOf } from "./call-shape.ts";
export { type AccessGate, Call, type CallStart, type Credentials, type Evidence, type LimitFacts, type LimitLeft } from "./call.ts";
export { Baseline, ConcurrencyLimit, type ConcurrencyLimitOptions } from "./concurrency-limit.ts";
export { deadline } from "./deadline.ts";
export { depart, type DepartOptions } from "./depart.ts";
export { type CallOperation, Directory, Outgoing, type OutgoingOptions, type OutgoingStart } from "./directory.ts";
export type { AnswerStore, CallMeter, CallMeters, CallOutcome, Carrier, StoredAnswer } from "./ports.ts";
export { type PostedMessage, WebhookCall } from "./webhook-call.ts";
export { record, type RecordOptions } from "./record.ts";
export { answerKeyOf, MemoryAnswers, replay } from "./replay.ts";
export { compile, type Handler, isPromise, type Stage } from "./stage.ts";
export { Touched, type TouchedRow } from "./touched.ts";
export { validate } from "./validate.ts";
