/** REST: requests to calls and answers to responses. */
export type { WebhookRoute } from "./bound-webhook.ts";
export { closeBody } from "./close-body.ts";
export { jsonType, ndjsonType } from "./encode.ts";
export { RestFace, type Page, type RestOptions } from "./face.ts";
export * as limits from "./limits.ts";
export { preferredType } from "./negotiate.ts";
export { AwaitedBody, type HttpAnswer, type HttpHandler, type HttpReply, type HttpRequest } from "./ports.ts";
export { problemType, toProblem } from "./problem.ts";
export { sseType, toServerSentEvents } from "./stream.ts";
