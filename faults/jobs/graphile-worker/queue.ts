/**
 * graphile-worker as a subject of the drill. A job whose worker died stays locked for four hours, which is written in its
 * SQL and is no option; the worker looks for such locks every eight to ten minutes. It has no way of its own to apply an
 * effect once: a job is completed by a statement of its own after its handler.
 */
import { makeWorkerUtils } from "graphile-worker";
import { Effects, effectsTable } from "../effects.ts";
import type { JobQueue, JobSubject } from "../job-subject.ts";

export const taskName = "job";

export const graphileWorker: JobSubject = {
  name: "graphile-worker",
  promise: "at least once",
  worker: new URL("worker.ts", import.meta.url),
  workerEnv: { NO_LOG_SUCCESS: "1" },
  leaseMs: 4 * 60 * 60 * 1_000,
  open,
};

async function open(databaseUrl: string): Promise<JobQueue> {
  const utils = await makeWorkerUtils({ preset: { worker: { connectionString: databaseUrl, maxPoolSize: 2 } } });
  await utils.migrate();
  const effects = new Effects(databaseUrl);
  await effects.query(effectsTable);
  return {
    async enqueue(jobs) {
      await utils.addJobs(jobs.map((job) => ({ identifier: taskName, payload: { job } })));
    },
    countEffects: () => effects.count(),
    readEffects: () => effects.read(),
    async readUnfinished() {
      const rows = await effects.query("select payload->>'job' as job from graphile_worker._private_jobs where attempts < max_attempts or locked_at is not null");
      return rows.map(({ job }) => String(job));
    },
    async [Symbol.asyncDispose]() {
      await utils.release();
      await effects.close();
    },
  };
}
