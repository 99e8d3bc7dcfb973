/**
 * pg-boss, set up for throughput as the documentation of its options says: batches, fetched on without a pause while they
 * come back full (`burstWhenBatchFull`), several workers in the process (`localConcurrency`), and for latency a notification
 * for each new job (`useListenNotify`, `notify`) above the quickest polling that it allows.
 *
 * `BENCH_PG_BOSS=transactional` hands the handler the transaction in which the batch is completed, so that a row is there
 * exactly once; otherwise the handler writes on a pool of its own.
 */
import { Pool } from "pg";
import { type Db, PgBoss } from "pg-boss";
import { runEventProcess } from "./event-process.ts";
import { type BenchEvent, connectionCount, type EventSubject, type EventWork, handledTable, insertHandled } from "./event-subject.ts";

const queue = "events";
const isTransactional = process.env["BENCH_PG_BOSS"] === "transactional";

/**
 * Tried on two cores: 1 to 10 workers by batches of 10 to 1000. Up to 500 a larger batch cost less for each job; more than
 * two workers of that size were no quicker.
 */
const pace = { localConcurrency: 2, batchSize: 500, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 } as const;

/** The listener has a connection of its own; the rest is divided between pg-boss and the handlers. */
const handlerConnections = isTransactional ? 0 : 14;
const bossConnections = connectionCount - 1 - handlerConnections;

async function openPgBoss(databaseUrl: string): Promise<EventSubject> {
  const boss = new PgBoss({ connectionString: databaseUrl, max: bossConnections, useListenNotify: true });
  boss.on("error", (error) => process.stderr.write(`${String(error)}\n`));
  await boss.start();
  return {
    async prepare() {
      await boss.createQueue(queue, { notify: true });
      await boss.getDb().executeSql(handledTable);
    },
    async enqueueMany(events) {
      await boss.insert(queue, events.map((data) => ({ data })));
    },
    async enqueueOne(event) {
      await boss.send(queue, event);
    },
    work: (work) => (isTransactional ? workInTransaction(boss, work) : workOnPool(boss, work, databaseUrl)),
  };
}

async function workOnPool(boss: PgBoss, { handler, onHandled }: EventWork, databaseUrl: string): Promise<void> {
  const pool = new Pool({ connectionString: databaseUrl, max: handlerConnections });
  const handle = async (event: BenchEvent): Promise<void> => {
    if (handler === "row") await pool.query({ name: "handled", text: insertHandled, values: [event.number] });
    onHandled(event.number);
  };
  await boss.work<BenchEvent>(queue, pace, (jobs) => Promise.all(jobs.map(({ data }) => handle(data))));
}

async function workInTransaction(boss: PgBoss, { handler, onHandled }: EventWork): Promise<void> {
  const handle = async (event: BenchEvent, transaction: Db): Promise<void> => {
    if (handler === "row") await transaction.executeSql(insertHandled, [event.number]);
    onHandled(event.number);
  };
  await boss.work<BenchEvent, void, typeof pace & { readonly transactional: true }>(queue, { ...pace, transactional: true }, async (jobs, transaction) => {
    // One after another: they share the transaction's connection.
    for (const { data } of jobs) await handle(data, transaction);
  });
}

runEventProcess(openPgBoss);
