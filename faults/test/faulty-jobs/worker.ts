/** Handles the jobs of `queue.ts` one after another, wrong in the way of `JOB_FAULT`. */
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { insertEffect } from "../../jobs/effects.ts";
import { isUnlucky } from "./queue.ts";

const fault = process.env["JOB_FAULT"];
const client = new pg.Client({ connectionString: process.env["DATABASE_URL"] });
process.on("disconnect", () => process.exit(0));

async function handleNext(): Promise<boolean> {
  await client.query("begin");
  const { rows } = await client.query<{ readonly job: string }>("select job from jobs where state = 'waiting' limit 1 for update skip locked");
  const [next] = rows;
  if (next !== undefined) await handle(next.job);
  await client.query("commit");
  return next !== undefined;
}

async function handle(job: string): Promise<void> {
  const wrong = isUnlucky(job) ? fault : "none";
  if (wrong === "strands") {
    await client.query("update jobs set state = 'locked' where job = $1", [job]);
    return;
  }
  if (wrong !== "loses") await client.query(insertEffect, [job]);
  if (wrong === "doubles") await client.query(insertEffect, [job]);
  await client.query("delete from jobs where job = $1", [job]);
}

await client.connect();
process.send?.({ port: 0 });
for (;;) {
  if (!(await handleNext())) await pause(5);
}
