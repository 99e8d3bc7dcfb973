/** Events between services: what a broker is to this platform. */
export type { Broker, BrokerGroup, BrokerMessage, BrokerSink, Consumption } from "./ports.ts";
