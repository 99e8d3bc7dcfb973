/** Two operations that can do only so much a second: one waits for a database connection, one computes. */
import { app, contract, query, service, table } from "tenon";
import { sql } from "kysely";
import * as z from "zod";

const Done = z.object({ done: z.boolean() });

const strained = contract("strained", {
  hold: query({ http: "GET /hold", access: "public", output: Done, deadline: "2s" }),
  compute: query({ http: "GET /compute", access: "public", output: Done, deadline: "2s" }),
});

/** So long each call of `hold` keeps one of the connections busy; with 8 of them 800 calls a second fit. */
const holdS = 0.01;
/** So long each call of `compute` keeps the processor busy, in ms. */
const computeMs = 3;

const strainedService = service(strained, {
  tables: { marks: table({ id: z.int() }, { key: "id" }) },
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async hold({ db }) {
      await sql`select pg_sleep(${holdS})`.execute(db);
      return { done: true };
    },
    compute() {
      const untilMs = performance.now() + computeMs;
      let sum = 0;
      while (performance.now() < untilMs) sum += Math.sqrt(sum + 1);
      return { done: sum > 0 };
    },
  },
});

export default app("strained", { services: [strainedService] });
