/** pg-boss as a process that handles jobs, ten at once; says that it does over IPC, and ends with whoever started it. */
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { insertEffect, workMs } from "../effects.ts";
import { queueName, supervision } from "./queue.ts";

interface Payload {
  readonly job: string;
}

// A job that is repeated is not announced, and is found by polling: every 30 s by default while announcements come.
const polling = { burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 } as const;
const batches = { ...polling, localConcurrency: 2, batchSize: 5 } as const;

const databaseUrl = process.env["DATABASE_URL"] ?? "";
const boss = new PgBoss({ connectionString: databaseUrl, useListenNotify: true, ...supervision });
const pool = new pg.Pool({ connectionString: databaseUrl });
boss.on("error", (error) => process.stderr.write(`${String(error)}\n`));
process.on("disconnect", () => process.exit(0));

async function apply({ job }: Payload): Promise<void> {
  await pause(workMs());
  await pool.query(insertEffect, [job]);
}

await boss.start();
switch (process.env["JOB_MODE"]) {
  case "transactional":
    await boss.work<Payload, void, typeof batches & { readonly transactional: true }>(queueName, { ...batches, transactional: true }, async (jobs, transaction) => {
      for (const { data } of jobs) {
        await pause(workMs());
        await transaction.executeSql(insertEffect, [data.job]);
      }
    });
    break;
  case "single":
    await boss.work<Payload>(queueName, { ...polling, localConcurrency: 10 }, (jobs) => Promise.all(jobs.map(({ data }) => apply(data))));
    break;
  default:
    await boss.work<Payload>(queueName, batches, (jobs) => Promise.all(jobs.map(({ data }) => apply(data))));
}
process.send?.({ port: 0 });
