/** Calls between processes, both ends: out to services that run elsewhere, in from them; HTTP/1.1 over mutual TLS. */
export { Breaker } from "./breaker.ts";
export { type Answered } from "./call-face.ts";
export { CallServer, type CallServerOptions } from "./call-server.ts";
export { RemoteCarrier, type RemoteCarrierOptions } from "./carrier.ts";
export { RetryBudget } from "./retry-budget.ts";
