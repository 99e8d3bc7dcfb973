/**
 * graphile-worker with the concurrency and the pool of its own benchmark (`perfTest`): 24 jobs at once, 25 connections,
 * no log line for a success (`NO_LOG_SUCCESS`, read when it is loaded, so it comes from outside). A row is inserted by
 * `helpers.withPgClient`, on the worker's own pool, with a named statement.
 *
 * `BENCH_GRAPHILE=batching` turns on what it offers for throughput at the price of jobs that stay locked for four hours
 * when the process is killed: jobs fetched ahead into memory, completions gathered; as its performance page has it.
 */
import { makeWorkerUtils, run, type WorkerUtils } from "graphile-worker";
import { runEventProcess } from "./event-process.ts";
import { type BenchEvent, connectionCount, type EventSubject, type EventWork, handledTable, insertHandled } from "./event-subject.ts";

const task = "event";
const isBatching = process.env["BENCH_GRAPHILE"] === "batching";

const batching = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

async function openGraphileWorker(databaseUrl: string): Promise<EventSubject> {
  let utils: Promise<WorkerUtils> | undefined;
  const openUtils = (): Promise<WorkerUtils> => (utils ??= makeWorkerUtils({ preset: { worker: { connectionString: databaseUrl } } }));
  return {
    async prepare() {
      const opened = await openUtils();
      await opened.migrate();
      await opened.withPgClient((client) => client.query(handledTable));
    },
    async enqueueMany(events) {
      const opened = await openUtils();
      await opened.addJobs(events.map((payload) => ({ identifier: task, payload })));
    },
    async enqueueOne(event) {
      const opened = await openUtils();
      await opened.addJob(task, event);
    },
    work: (work) => workOn(databaseUrl, work),
  };
}

async function workOn(databaseUrl: string, { handler, onHandled }: EventWork): Promise<void> {
  await run({
    preset: {
      worker: {
        connectionString: databaseUrl,
        concurrentJobs: connectionCount - 1,
        maxPoolSize: connectionCount,
        ...(isBatching ? batching : {}),
      },
    },
    noHandleSignals: true,
    parsedCronItems: [],
    taskList: {
      async [task](payload, helpers) {
        const { number } = payload as BenchEvent;
        if (handler === "row") await helpers.withPgClient((client) => client.query({ name: "handled", text: insertHandled, values: [number] }));
        onHandled(number);
      },
    },
  });
}

runEventProcess(openGraphileWorker);
