/** graphile-worker as a process that handles jobs, ten at once; says that it does over IPC, and ends with whoever started it. */
import { setTimeout as pause } from "node:timers/promises";
import { run } from "graphile-worker";
import { insertEffect, workMs } from "../effects.ts";
import { taskName } from "./queue.ts";

process.on("disconnect", () => process.exit(0));

await run({
  preset: { worker: { connectionString: process.env["DATABASE_URL"] ?? "", concurrentJobs: 10, maxPoolSize: 11 } },
  noHandleSignals: true,
  parsedCronItems: [],
  taskList: {
    async [taskName](payload, helpers) {
      await pause(workMs());
      await helpers.query(insertEffect, [(payload as { readonly job: string }).job]);
    },
  },
});
process.send?.({ port: 0 });
