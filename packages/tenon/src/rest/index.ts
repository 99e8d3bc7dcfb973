/** REST: requests to calls and answers to responses, with the documents that describe them. */
export { type AsyncApiDocument, type AsyncApiInfo, type AsyncApiServer, type SubscriptionDescription, toAsyncApi } from "./asyncapi.ts";
export type { WebhookRoute } from "./bound-webhook.ts";
export { closeBody } from "./close-body.ts";
export { docsPage, type DocsPageOptions, docsPagePolicy } from "./docs-page.ts";
export { RestFace, type Page, type RestOptions } from "./face.ts";
export * as limits from "./limits.ts";
export { type OpenApiDocument, type OpenApiInfo, toOpenApi } from "./openapi.ts";
export { AwaitedBody, type HttpAnswer, type HttpHandler, type HttpReply, type HttpRequest } from "./ports.ts";
export { problemType, toProblem } from "./problem.ts";
export { toServerSentEvents } from "./stream.ts";
