/** Tenon as a subject of the drill: a job is an event, and its handler's effect is a row in the delivery's transaction. */
import { setTimeout as pause } from "node:timers/promises";
import { app, command, contract, event, reactions, service, table } from "tenon";
import * as z from "zod";
import { workMs } from "../effects.ts";

export const jobs = contract("jobs", {
  enqueue: command({ http: "POST /jobs", access: "public", input: z.object({ jobs: z.array(z.string()) }), deadline: "60s" }),
  enqueued: event({ data: z.object({ job: z.string() }) }),
});

const tables = { effects: table({ job: z.string(), at: z.iso.datetime() }, { key: "job", defaults: ["at"] }) };
const { on } = reactions(tables);

const jobsService = service(jobs, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async enqueue({ emit, input }) {
      for (const job of input.jobs) await emit(jobs.enqueued, { job });
    },
  },
  subscriptions: [
    on(jobs.enqueued, "apply", { concurrency: 10 }, async ({ data, db }) => {
      await pause(workMs());
      await db.insertInto("effects").values({ job: data.job }).execute();
    }),
  ],
});

export default app("jobs", { services: [jobsService] });
