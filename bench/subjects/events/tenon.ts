/**
 * Tenon as an app of one service: what is enqueued is emitted by commands, in their transaction; what works is a
 * subscription. A row is inserted in the transaction that removes the delivery, so it is there exactly once.
 *
 * The process that enqueues sends events on to the inbox, as every process that emits does, and delivers none. The worker
 * takes its deliveries from there. `BENCH_TENON=batch` handles events as `onBatch` gives them, a hundred in one
 * transaction, as others do who handle batches; otherwise each delivery is a transaction of its own.
 */
import { app, command, contract, event, reactions, service, type Service, table } from "tenon";
import { type StartedApp, startApp } from "tenon/app";
import { client } from "tenon/client";
import * as z from "zod";
import { runEventProcess } from "./event-process.ts";
import { type BenchEvent, connectionCount, type EventSubject, type EventWork } from "./event-subject.ts";

const isBatching = process.env["BENCH_TENON"] === "batch";

const Happened = z.object({
  number: z.int(),
  orderId: z.uuid(),
  customerId: z.uuid(),
  currency: z.string(),
  totalCents: z.int(),
  placedAt: z.iso.datetime(),
  note: z.string(),
});

const jobs = contract("jobs", {
  emit: command({ http: "POST /events", access: "public", input: z.object({ events: z.array(Happened) }), deadline: "60s" }),
  happened: event({ data: Happened }),
});

const tables = { handled: table({ number: z.int(), handledAt: z.iso.datetime() }, { key: "number", defaults: ["handledAt"] }) };
const { on, onBatch } = reactions(tables);

/** Others are given as many connections. */
const places = connectionCount - 1;

function subscriptionOf({ handler, onHandled }: EventWork) {
  if (isBatching) {
    return onBatch(jobs.happened, "handle", { size: 100, concurrency: 4 }, async ({ db, events }) => {
      if (handler === "row") await Promise.all(events.map(({ data }) => db.insertInto("handled").values({ number: data.number }).execute()));
      for (const { data } of events) onHandled(data.number);
    });
  }
  return on(jobs.happened, "handle", { concurrency: places }, async ({ data, db }) => {
    if (handler === "row") await db.insertInto("handled").values({ number: data.number }).execute();
    onHandled(data.number);
  });
}

function jobsService(subscriptions: readonly ReturnType<typeof subscriptionOf>[]): Service {
  return service(jobs, {
    tables,
    migrations: new URL("migrations/", import.meta.url),
    subscriptions,
    handlers: {
      async emit({ emit, input }) {
        for (const each of input.events) await emit(jobs.happened, each);
      },
    },
  });
}

/** @param deliveriesMax  0: this process leaves deliveries to others. */
function start(databaseUrl: string, owned: Service, deliveriesMax: number): Promise<StartedApp> {
  const values = {
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_MAX: String(connectionCount),
    DELIVERIES_MAX: String(deliveriesMax),
    HOST: "127.0.0.1",
    PORT: "0",
    LOG_LEVEL: "warn",
    BODY_MAX_BYTES: String(16 * 1024 * 1024),
  };
  return startApp(app("events", { services: [owned] }), { layers: [{ name: "bench", values }] });
}

async function openTenon(databaseUrl: string): Promise<EventSubject> {
  let emitting: Promise<ReturnType<typeof connect>> | undefined;
  const openEmitting = (): Promise<ReturnType<typeof connect>> => (emitting ??= start(databaseUrl, jobsService([subscriptionOf({ handler: "noop", onHandled: () => undefined })]), 0).then(connect));
  return {
    async prepare() {
      await openEmitting();
    },
    async enqueueMany(events) {
      await (await openEmitting()).emit({ events: [...events] });
    },
    async enqueueOne(each: BenchEvent) {
      await (await openEmitting()).emit({ events: [each] });
    },
    async work(work) {
      await start(databaseUrl, jobsService([subscriptionOf(work)]), places);
    },
  };
}

function connect(started: StartedApp) {
  return client(jobs, { url: started.url });
}

runEventProcess(openTenon);
