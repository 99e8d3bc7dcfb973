/** A process that takes events and never keeps them: `<brokers> <emitter>`. It says when it has some. */
import { openKafka } from "../../src/kafka/index.ts";
import { silent } from "./cluster.ts";

const [brokers = "", emitter = ""] = process.argv.slice(2);
const broker = await openKafka({ brokers, log: silent, takeoverMs: 3_800 });
await broker.consume({ service: "reader", types: new Map([[emitter, [`${emitter}.placed`]]]) }, () => {
  process.stdout.write("has them\n");
  return new Promise(() => undefined);
});
