/** Events over Kafka. */
export { type KafkaLogin, type KafkaOptions, openKafka } from "./kafka.ts";
