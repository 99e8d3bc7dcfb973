/** Events over NATS JetStream. */
export { type NatsOptions, openNats } from "./nats.ts";
