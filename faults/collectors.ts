/**
 * The drill of collectors: calls at a steady rate, each of which hands over spans, while the collector of telemetry is well,
 * hangs, refuses connections, answers 500 or reads a byte a second. Beside each of them the same load without export.
 *
 * Promise: p99 of calls within 5 % of those without export, memory within the bounds of the queue, and every span either
 * sent, dropped and counted, or still in the queue.
 */
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { toRequestBytes } from "../bench/load/http-connection.ts";
import { runOpenLoop } from "../bench/open-loop.ts";
import { queueMaxBytes } from "../packages/tenon/src/otlp/index.ts";
import { ServerProcess } from "./server-process.ts";

export interface CollectorsOptions {
  /** Of load in each turn. */
  readonly seconds: number;
  /** Turns of each collector, each beside one without export; the median counts. */
  readonly rounds: number;
  readonly ratePerSecond: number;
  readonly tell: (text: string) => void;
}

export interface CollectorsResult {
  readonly collector: string;
  readonly p99Ms: number;
  readonly withoutP99Ms: number;
  /** Median of the rounds' ratios of the two. */
  readonly p99OfWithout: number;
  readonly handed: number;
  readonly sent: number;
  readonly dropped: number;
  readonly unaccounted: number;
  readonly backlogMaxBytes: number;
  readonly heapMaxBytes: number;
  readonly failed: number;
}

interface Counts {
  readonly handed: number;
  readonly sent: number;
  readonly dropped: number;
  readonly backlogItems: number;
  readonly backlogBytes: number;
  readonly heapBytes: number;
}

/** The promise, as figures: a batch may be open beyond the queue's own bound. */
export const promisedOfCollectors = { p99OfWithout: 1.05, backlogMaxBytes: queueMaxBytes + 1_048_576 } as const;

export function keepsCollectorsPromise(result: CollectorsResult): boolean {
  const losesNothing = result.collector !== "well" || result.dropped === 0;
  const { backlogMaxBytes, p99OfWithout } = promisedOfCollectors;
  return result.p99OfWithout <= p99OfWithout && result.backlogMaxBytes <= backlogMaxBytes && result.unaccounted === 0 && result.failed === 0 && losesNothing;
}

function http(listener: RequestListener): () => Server {
  return () => createHttpServer(listener);
}

const collectors: Readonly<Record<string, () => Server>> = {
  "well": http((request, response) => void request.resume().on("end", () => response.writeHead(200).end())),
  "hangs": http(() => undefined),
  "refuses connections": () => createServer(), // closed before anybody asks
  "answers 500": http((request, response) => void request.resume().on("end", () => response.writeHead(500).end())),
  "reads a byte a second": () =>
    createServer({ pauseOnConnect: true }, (socket) => {
      const timer = setInterval(() => socket.read(1), 1_000);
      socket.on("error", () => undefined).on("close", () => clearInterval(timer));
    }),
};

export const collectorNames: readonly string[] = Object.keys(collectors);

export async function runCollectors(options: CollectorsOptions, names: readonly string[] = collectorNames): Promise<readonly CollectorsResult[]> {
  const results: CollectorsResult[] = [];
  for (const name of names) {
    const pairs = [];
    for (let round = 0; round < options.rounds; round += 1) {
      const without = await turn("", options);
      const beside = await besideCollector(name, options);
      options.tell(`${name}: p99 ${beside.p99Ms.toFixed(2)} ms, without export ${without.p99Ms.toFixed(2)} ms`);
      pairs.push({ beside, without });
    }
    const all = pairs.map(({ beside }) => beside);
    results.push({
      collector: name,
      p99Ms: median(all.map((each) => each.p99Ms)),
      withoutP99Ms: median(pairs.map(({ without }) => without.p99Ms)),
      p99OfWithout: median(pairs.map(({ beside, without }) => beside.p99Ms / without.p99Ms)),
      handed: sum(all.map((each) => each.handed)),
      sent: sum(all.map((each) => each.sent)),
      dropped: sum(all.map((each) => each.dropped)),
      unaccounted: sum(all.map((each) => each.handed - each.sent - each.dropped - each.backlogItems)),
      backlogMaxBytes: Math.max(...all.map((each) => each.backlogMaxBytes)),
      heapMaxBytes: Math.max(...all.map((each) => each.heapMaxBytes)),
      failed: sum(pairs.flatMap(({ beside, without }) => [beside.failed, without.failed])),
    });
  }
  return results;
}

async function besideCollector(name: string, options: CollectorsOptions): Promise<Turn> {
  const server = (collectors[name] as () => Server)();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  if (name === "refuses connections") await close();
  try {
    return await turn(`http://127.0.0.1:${port}/v1/traces`, options);
  } finally {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await close();
  }
}

interface Turn extends Counts {
  readonly p99Ms: number;
  readonly backlogMaxBytes: number;
  readonly heapMaxBytes: number;
  readonly failed: number;
}

const warmMs = 1_000;
/** How often memory is looked at. */
const lookMs = 250;

async function turn(collectorUrl: string, { ratePerSecond, seconds }: CollectorsOptions): Promise<Turn> {
  const server = await ServerProcess.start(new URL("telling/server.ts", import.meta.url), { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", COLLECTOR_URL: collectorUrl });
  try {
    const target = { host: "127.0.0.1", port: server.port };
    const bytes = toRequestBytes({ method: "GET", path: "/told", target, headers: { accept: "application/json" } });
    await runOpenLoop({ target, request: () => bytes, ratePerSecond, durationMs: warmMs });
    const looks: Counts[] = [];
    const timer = setInterval(() => void read(server.port).then((counts) => looks.push(counts)), lookMs);
    const load = await runOpenLoop({ target, request: () => bytes, ratePerSecond, durationMs: seconds * 1_000 });
    clearInterval(timer);
    const last = await read(server.port);
    looks.push(last);
    return {
      ...last,
      p99Ms: load.good.latency.p99Ms,
      backlogMaxBytes: Math.max(...looks.map((each) => each.backlogBytes)),
      heapMaxBytes: Math.max(...looks.map((each) => each.heapBytes)),
      failed: load.due - load.good.count,
    };
  } finally {
    await server.stop();
  }
}

async function read(port: number): Promise<Counts> {
  const response = await fetch(`http://127.0.0.1:${port}/counts`);
  return (await response.json()) as Counts;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
