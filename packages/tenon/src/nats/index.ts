/** Events over NATS JetStream. */
export { keepsReplicas, type NatsOptions, openNats } from "./nats.ts";
