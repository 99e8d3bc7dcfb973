/** An app in a process of its own that has much to say at its end: thousands of lines when it is asked to stop. */
import * as z from "zod";
import { app, contract, query, service } from "tenon";
import { startApp } from "tenon/app";

const lines = Number(process.argv[2]);
const talk = contract("talk", { say: query({ http: "GET /say/{lines}", access: "public", input: z.object({ lines: z.int() }), output: z.object({ said: z.int() }) }) });
const talking = service(talk, {
  handlers: {
    say({ input, log }) {
      for (let n = 0; n < input.lines; n += 1) log.info("said", { n, filler: "x".repeat(200) });
      log.debug("all was said");
      return { said: input.lines };
    },
  },
});
const started = await startApp(app("talk", { services: [talking] }), {
  layers: [{ name: "test", values: { TENON_MODE: "production", PORT: "0", HOST: "127.0.0.1", ...(process.env["TENON_DIRECTORY"] === undefined ? {} : { TENON_DIRECTORY: process.env["TENON_DIRECTORY"] }) } }],
});
process.on("SIGUSR2", () => void started.switchLevels().then(() => process.send?.("switched")));
process.on("SIGTERM", () => {
  for (let n = 0; n < lines; n += 1) started.log.info("last words", { n });
  process.disconnect?.();
  void started.stop();
});
process.send?.(started.url);
