/** The adapter: batches as a relay publishes them, a sink that keeps nothing. */
import { openNats } from "../../../packages/tenon/src/nats/index.ts";
import { serveTurns } from "./turn.ts";

const log = { debug: () => undefined, info: () => undefined, warn: console.error, error: console.error };

serveTurns(async ({ url, prefix }) => {
  const broker = await openNats({ url, prefix, log });
  let consumed = 0;
  await broker.consume({ service: "billing", types: new Map([["orders", ["orders.placed"]]]) }, async (messages) => {
    consumed += messages.length;
  });
  return {
    publish: (batch) => broker.publish(batch.map(({ id, key, body }) => ({ id, key, body, service: "orders", type: "orders.placed" }))),
    consumed: () => consumed,
    close: () => broker.close(),
  };
});
