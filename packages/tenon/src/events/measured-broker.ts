/** A broker that counts: what is published and received, how long it takes, and what fails. */
import { type Clock, Fault } from "../kernel/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import type { Broker, BrokerGroup, BrokerMessage, BrokerSink } from "./ports.ts";

export interface MeasureBrokerOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** The same broker, counted. Once for each registry. */
export function measureBroker(broker: Broker, { clock, metrics }: MeasureBrokerOptions): Broker {
  const durations = metrics.histogram({ name: "tenon_broker_publish_duration_seconds", help: "How long the broker took to keep a batch of events, or to fail.", unit: "seconds" });
  const published = metrics.counter({ name: "tenon_broker_published", help: "Events that the broker keeps, by the service that emitted them.", labels: ["service"] });
  const failed = metrics.counter({ name: "tenon_broker_publish_failures", help: "Batches that the broker did not keep; they are published again.", labels: ["code"] });
  const received = metrics.counter({ name: "tenon_broker_received", help: "Messages of the broker that were put into an inbox, repeats included, by the service whose inbox it is.", labels: ["service"] });
  const refused = metrics.counter({ name: "tenon_broker_receive_failures", help: "Batches of messages that could not be put into an inbox; they come again.", labels: ["service", "code"] });

  function keeping({ service }: BrokerGroup, sink: BrokerSink): BrokerSink {
    return async (messages) => {
      try {
        await sink(messages);
        received.with(service).add(messages.length);
      } catch (thrown) {
        refused.with(service, Fault.from(thrown).code).add();
        throw thrown;
      }
    };
  }

  return {
    label: broker.label,
    async publish(messages: readonly BrokerMessage[]) {
      const startedMs = clock.elapsedMs();
      try {
        await broker.publish(messages);
        for (const { service } of messages) published.with(service).add();
      } catch (thrown) {
        failed.with(Fault.from(thrown).code).add();
        throw thrown;
      } finally {
        durations.with().observe((clock.elapsedMs() - startedMs) / 1000);
      }
    },
    consume: (group, sink) => broker.consume(group, keeping(group, sink)),
    close: () => broker.close(),
  };
}
