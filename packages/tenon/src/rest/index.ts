/** REST: requests to calls and answers to responses, with the documents that describe them. */
export { RestFace, type Page, type RestOptions } from "./face.ts";
export * as limits from "./limits.ts";
export type { HttpAnswer, HttpHandler, HttpRequest } from "./ports.ts";
export { problemType, toProblem } from "./problem.ts";
