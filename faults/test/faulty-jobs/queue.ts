/**
 * A queue on one table that is right, or wrong in one way that can be counted: it loses the jobs whose number ends in 7,
 * applies them twice, or leaves them locked. What it does right it does in one transaction, so that kills do not matter.
 */
import { Effects, effectsTable } from "../../jobs/effects.ts";
import type { JobSubject } from "../../jobs/job-subject.ts";

export type JobFault = "none" | "loses" | "doubles" | "strands";

export function faultySubject(fault: JobFault): JobSubject {
  return {
    name: fault,
    promise: "exactly once",
    worker: new URL("worker.ts", import.meta.url),
    workerEnv: { JOB_FAULT: fault },
    leaseMs: 1_500,
    async open(databaseUrl) {
      const effects = new Effects(databaseUrl);
      await effects.query(effectsTable);
      await effects.query("create table jobs (job text primary key, state text not null default 'waiting')");
      return {
        async enqueue(jobs) {
          await effects.query(`insert into jobs (job) values ${jobs.map((job) => `('${job}')`).join(", ")}`);
        },
        countEffects: () => effects.count(),
        readEffects: () => effects.read(),
        async readUnfinished() {
          return (await effects.query("select job from jobs")).map(({ job }) => String(job));
        },
        [Symbol.asyncDispose]: () => effects.close(),
      };
    },
  };
}

/** The jobs at which a faulty queue goes wrong. */
export function isUnlucky(job: string): boolean {
  return job.endsWith("7");
}
