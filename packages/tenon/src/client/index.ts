/** Calls out over HTTP, typed by the contract. Runs wherever there is `fetch`, a browser included. */
export { client, type Client, type ClientMethod, type ClientOptions } from "./client.ts";
export type { CallOptions, Fetch, Token } from "./exchange.ts";
