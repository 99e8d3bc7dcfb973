/** A process that takes events and never keeps them: `<url> <prefix> <emitter>`. It says when it has some. */
import { openNats } from "../../src/nats/index.ts";
import { silent } from "./server.ts";

const [url = "", prefix = "", emitter = ""] = process.argv.slice(2);
const broker = await openNats({ url, prefix, log: silent, takeoverMs: 1_000 });
await broker.consume({ service: "reader", types: new Map([[emitter, [`${emitter}.placed`]]]) }, () => {
  process.stdout.write("has them\n");
  return new Promise(() => undefined);
});
