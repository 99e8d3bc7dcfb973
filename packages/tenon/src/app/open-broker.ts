/** The broker that the configuration names, where it names one. Its client is loaded only then. */
import type { Broker } from "../events/index.ts";
import type { Log } from "../kernel/index.ts";
import type { Config } from "./config.ts";

/**
 * Connects to nothing yet: a broker that is away makes events wait in their outbox, and keeps no app from starting.
 *
 * @throws {Fault} `invalid_argument` for a URL that cannot be read, `unimplemented` when the client is not installed.
 */
export async function openBroker(config: Config, log: Log): Promise<Broker | undefined> {
  const common = { log, prefix: config.eventsPrefix, takeoverMs: config.eventsLeaseMs };
  if (config.natsUrl !== "") {
    const { openNats } = await import("../nats/index.ts");
    return openNats({ ...common, url: config.natsUrl });
  }
  if (config.kafkaBrokers !== "") {
    const { openKafka } = await import("../kafka/index.ts");
    return openKafka({ ...common, brokers: config.kafkaBrokers });
  }
  return undefined;
}
