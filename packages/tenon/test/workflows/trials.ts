/** Small workflows whose code a test sets as it goes, in one process on one engine at a time. */
import * as z from "zod";
import { command, contract, type Flow, service, type Service } from "tenon";
import type { Database } from "../../src/data/index.ts";
import type { RunDesk } from "../../src/workflows/index.ts";
import type { Engine, Opened } from "../data/engines.ts";
import { AppProcess, prepare, readRows, toNextDue } from "./app-process.ts";
import { inventoryService, payments, paymentsService, tables, workflow } from "./shop.ts";

export type Code = (flow: Flow<typeof Input, typeof errors, readonly [typeof payments.captured], typeof tables>) => Promise<unknown>;

const Input = z.object({ n: z.int().default(0) });
const errors = { Refused: { status: 409, data: z.object({ why: z.string() }) } } as const;

/** What the two workflows do, set by each test. */
export const current: { code: Code; childCode: Code } = { code: async () => undefined, childCode: async () => undefined };
/** What the tests' steps have done since the last identifier. */
export let done: string[] = [];
/** Of the run at hand. */
export let id = "";
export let process: AppProcess;
export let database: Database;
let opened: Opened;
let runs = 0;

const options = { input: Input, output: z.unknown(), errors, events: [payments.captured], retry: { attempts: 3, backoff: { base: "10ms", cap: "20ms" } } } as const;
export const small = workflow("small", options, (flow) => current.code(flow));
export const child = workflow("child", options, (flow) => current.childCode(flow));

export const trials = contract("trials", {
  begin: command({ access: "signed-in", input: z.object({ id: z.string(), n: z.int() }) }),
  cancel: command({ access: "signed-in", input: z.object({ id: z.string() }) }),
  answer: command({ access: "signed-in", input: z.object({ id: z.string(), answer: z.unknown() }) }),
});
const trialsService: Service = service(trials, {
  tables,
  migrations: new URL("migrations/orders/", import.meta.url),
  handlers: {
    begin: async ({ input, start }) => void (await start(small, { n: input.n }, { id: input.id })),
    cancel: ({ input, runs: all }) => all.cancel(small, input.id, "nobody wants it"),
    answer: ({ input, runs: all }) => all.answer(small, input.id, "approve", input.answer),
  },
  workflows: [small, child],
});
export const services = [trialsService, inventoryService, paymentsService];

export interface Row {
  readonly state: string;
  readonly output: unknown;
  readonly failure: { readonly name: string; readonly message: string; readonly reason?: string; readonly step?: string } | null;
  readonly parked_reason: string | null;
}

export async function openTrials(engine: Engine): Promise<void> {
  opened = await engine.open();
  database = opened.database;
  await prepare(database, services);
  process = await AppProcess.start({ services, database });
}

export async function closeTrials(): Promise<void> {
  await process.stop();
  await opened.drop();
}

/** Another run, which has done nothing yet. */
export function nextRun(): void {
  id = `r${++runs}`;
  done = [];
}

export async function begin(code: Code, n = 0): Promise<void> {
  current.code = code;
  await process.call(trials.begin, { id, n });
  await process.settled();
}

export async function read(run = `small:${id}`): Promise<Row> {
  const [row] = await readRows(database, "trials", "select state, output, failure, parked_reason from tenon_runs where id = $1", [run]);
  return row as unknown as Row;
}

/** Lets time pass until nothing is due any more. */
export async function finish(): Promise<Row> {
  for (let i = 0; i < 60; i++) {
    await process.settled();
    if (!(await toNextDue(database, services))) break;
  }
  await process.settled();
  return read();
}

export const does = (what: string) => () => void done.push(what);
export const desk = (): RunDesk => process.desk("trials");
