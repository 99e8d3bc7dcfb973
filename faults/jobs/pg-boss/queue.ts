/**
 * pg-boss as a subject of the drill. A job whose worker died is active until `expireInSeconds` has passed and the next
 * supervision finds it: 5 s and 1 s here, both documented options (15 min and 60 s by default). Its retries are as many as
 * graphile-worker's, so that a job that meets several kills is not given up.
 *
 * Three ways to run it. `pg-boss`: batches, and the effect on a pool of the handler's own. `pg-boss-single`: the same, one
 * job a batch. `pg-boss-transactional`: the effect in the transaction that completes the batch, which is its own way to be
 * idempotent (`transactional: true`).
 */
import { PgBoss } from "pg-boss";
import { Effects, effectsTable } from "../effects.ts";
import type { JobQueue, JobSubject } from "../job-subject.ts";

export const queueName = "jobs";
const expireInSeconds = 5;
/** Read by the worker too: any instance supervises. */
export const supervision = { superviseIntervalSeconds: 1, monitorIntervalSeconds: 1 } as const;
const leaseMs = (expireInSeconds + supervision.monitorIntervalSeconds) * 1_000;
const retryLimit = 25;

const worker = new URL("worker.ts", import.meta.url);

export const pgBoss: JobSubject = { name: "pg-boss", promise: "at least once", worker, leaseMs, open };
export const pgBossSingle: JobSubject = { ...pgBoss, name: "pg-boss-single", workerEnv: { JOB_MODE: "single" } };
export const pgBossTransactional: JobSubject = { ...pgBoss, name: "pg-boss-transactional", promise: "exactly once", workerEnv: { JOB_MODE: "transactional" } };

async function open(databaseUrl: string): Promise<JobQueue> {
  const boss = new PgBoss({ connectionString: databaseUrl, max: 2, supervise: false, schedule: false });
  boss.on("error", (error) => process.stderr.write(`${String(error)}\n`));
  await boss.start();
  await boss.createQueue(queueName, { notify: true, expireInSeconds, retryLimit });
  const effects = new Effects(databaseUrl);
  await effects.query(effectsTable);
  return {
    async enqueue(jobs) {
      await boss.insert(queueName, jobs.map((job) => ({ data: { job } })));
    },
    countEffects: () => effects.count(),
    readEffects: () => effects.read(),
    async readUnfinished() {
      const rows = await effects.query(`select data->>'job' as job from pgboss.job where name = '${queueName}' and state < 'completed'`);
      return rows.map(({ job }) => String(job));
    },
    async [Symbol.asyncDispose]() {
      await boss.stop({ graceful: false });
      await effects.close();
    },
  };
}
