/** An operation that may be called so often for each run of the drill. */
import { app, contract, query, service } from "tenon";
import * as z from "zod";

const limited = contract("limited", {
  act: query({
    http: "GET /act",
    access: "public",
    input: z.object({ run: z.string() }),
    output: z.object({ done: z.boolean() }),
    rateLimit: { calls: Number(process.env["DRILL_CALLS"]), per: "1m", by: { input: "run" } },
  }),
});

const limitedService = service(limited, { handlers: { act: () => ({ done: true }) } });

export default app("limited", { services: [limitedService] });
