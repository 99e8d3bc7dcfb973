/**
 * The client by itself, as its documentation shows it: publishes that are not waited for one by one, each with an id and
 * an acknowledgment; a durable consumer that pulls, with an acknowledgment for each message.
 */
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { serveTurns } from "./turn.ts";

serveTurns(async ({ url, prefix }) => {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const stream = `${prefix}-raw`;
  const subject = `${prefix}.raw.placed`;
  await manager.streams.add({ name: stream, subjects: [`${prefix}.raw.>`], storage: "file" });
  await manager.consumers.add(stream, { durable_name: "billing", ack_policy: AckPolicy.Explicit, max_ack_pending: 2_000 });
  const client = jetstream(connection);
  const messages = await (await client.consumers.get(stream, "billing")).consume({ max_messages: 1_000 });
  let consumed = 0;
  void (async () => {
    for await (const message of messages) {
      message.string();
      message.ack();
      consumed += 1;
    }
  })();
  return {
    publish: async (batch) => void (await Promise.all(batch.map(({ id, body }) => client.publish(subject, body, { msgID: id })))),
    consumed: () => consumed,
    close: async () => {
      await messages.close();
      await connection.close();
    },
  };
});
