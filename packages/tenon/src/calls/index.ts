/** The life of a call: what every call passes through, and how one operation calls another. */
export { admit, type AdmitOptions, isGivenWay } from "./admit.ts";
export { operationAttributes, slowMsOf } from "./call-shape.ts";
export { Call, type CallStart, type Credentials } from "./call.ts";
export { Baseline, ConcurrencyLimit, type ConcurrencyLimitOptions } from "./concurrency-limit.ts";
export { deadline } from "./deadline.ts";
export { type CallOperation, Directory, Outgoing, type OutgoingOptions, type OutgoingStart } from "./directory.ts";
export type { AnswerStore, CallMeter, CallMeters, CallOutcome, StoredAnswer } from "./ports.ts";
export { type PostedMessage, WebhookCall } from "./webhook-call.ts";
export { record, type RecordOptions } from "./record.ts";
export { answerKeyOf, MemoryAnswers, replay } from "./replay.ts";
export { compile, type Handler, isPromise, type Stage } from "./stage.ts";
export { validate } from "./validate.ts";
