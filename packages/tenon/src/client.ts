/** Typed clients of a contract, for browsers and everywhere else. */
export { type CallOptions, client, type Client, type ClientMethod, type ClientOptions, type Fetch, type Token } from "./client/index.ts";
export { type CallPromise, outcome, type Outcome } from "./contract/index.ts";
export { DeclaredFault, Fault } from "./kernel/index.ts";
