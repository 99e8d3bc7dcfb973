/** Tenon as a subject of the drill. What enqueues is a process that serves calls and leaves deliveries to the workers. */
import { startApp } from "tenon/app";
import { client } from "tenon/client";
import { Effects } from "../effects.ts";
import type { JobQueue, JobSubject } from "../job-subject.ts";
import jobsApp, { jobs } from "./app.ts";

const leaseMs = 5_000;

export const tenon: JobSubject = {
  name: "tenon",
  promise: "exactly once",
  worker: new URL("worker.ts", import.meta.url),
  workerEnv: { EVENTS_LEASE_MS: String(leaseMs) },
  leaseMs,
  open,
};

async function open(databaseUrl: string): Promise<JobQueue> {
  const settings = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", DELIVERIES_MAX: "0", DATABASE_POOL_MAX: "2", DATABASE_URL: databaseUrl };
  const started = await startApp(jobsApp, { layers: [{ name: "drill", values: settings }] });
  const calls = client(jobs, { url: started.url });
  const effects = new Effects(databaseUrl, "jobs.effects");
  return {
    async enqueue(names) {
      await calls.enqueue({ jobs: [...names] });
    },
    countEffects: () => effects.count(),
    readEffects: () => effects.read(),
    async readUnfinished() {
      const rows = await effects.query("select data->>'job' as job from jobs.tenon_outbox union all select data->>'job' from jobs.tenon_inbox");
      return rows.map(({ job }) => String(job));
    },
    async [Symbol.asyncDispose]() {
      await effects.close();
      await started.stop();
    },
  };
}
