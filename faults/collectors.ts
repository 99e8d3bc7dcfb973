/**
 * The drill of collectors: calls at a steady rate, each of which hands over spans, while the collector of telemetry is well,
 * hangs, refuses connections, answers 500 or reads a byte a second. In the same process, short rounds with export and without
 * take turns, so that what else the machine does falls on both.
 *
 * Promise: p99 of calls within 5 % of those without export, memory within the bounds of the queue, and every span either
 * sent, dropped and counted, or still in the queue. The 5 % are shown, or shown to be broken, or neither: the median of the
 * pairs' ratios has bounds, and the verdict says on which side of 5 % they lie.
 */
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { toRequestBytes } from "../bench/load/http-connection.ts";
import { runOpenLoop } from "../bench/open-loop.ts";
import { queueMaxBytes } from "../packages/tenon/src/otlp/index.ts";
import { type MedianOfRatios, medianOfRatios, type Verdict, verdictOf } from "./paired-ratios.ts";
import { ServerProcess } from "./server-process.ts";

export interface CollectorsOptions {
  /** Length of a round, in s. */
  readonly seconds: number;
  /** Pairs of rounds for each collector: one while it is exported to, one without export. */
  readonly pairs: number;
  readonly ratePerSecond: number;
  readonly tell: (text: string) => void;
}

export interface CollectorsResult {
  readonly collector: string;
  /** Medians of the rounds. */
  readonly p99Ms: number;
  readonly withoutP99Ms: number;
  /** Median of the pairs' ratios of the two, and the bounds between which it lies with 95 %. */
  readonly p99OfWithout: MedianOfRatios;
  readonly verdict: Verdict;
  readonly pairs: number;
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

/** What is shown to be broken; a ratio that is shown neither way breaks nothing, and its verdict says so. */
export function keepsCollectorsPromise(result: CollectorsResult): boolean {
  const losesNothing = result.collector !== "well" || result.dropped === 0;
  return result.verdict !== "worse" && result.backlogMaxBytes <= promisedOfCollectors.backlogMaxBytes && result.unaccounted === 0 && result.failed === 0 && losesNothing;
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
    const result = await besideCollector(name, options);
    const { high, low, median: ratio } = result.p99OfWithout;
    options.tell(`${name}: p99 ${result.p99Ms.toFixed(2)} ms, without export ${result.withoutP99Ms.toFixed(2)} ms; ${ratio.toFixed(3)} times (${low.toFixed(3)} to ${high.toFixed(3)}): within ${Math.round((promisedOfCollectors.p99OfWithout - 1) * 100)} % is ${result.verdict === "within" ? "shown" : result.verdict}`);
    results.push(result);
  }
  return results;
}

async function besideCollector(name: string, options: CollectorsOptions): Promise<CollectorsResult> {
  const server = (collectors[name] as () => Server)();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  if (name === "refuses connections") await close();
  try {
    return await measure(name, `http://127.0.0.1:${port}/v1/traces`, options);
  } finally {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await close();
  }
}

const warmMs = 1_000;
/** Load after a switch that is not measured: what opening or stopping an exporter takes is no part of a call. */
const settleMs = 150;
/** How often memory is looked at. */
const lookMs = 250;
/** The queue is full from the beginning, as it is when a collector has been in trouble for some seconds. */
const queueItems = 16_384;

/** One process, in which rounds with and without export follow each other, each pair in the other order than the one before. */
async function measure(collector: string, collectorUrl: string, { pairs, ratePerSecond, seconds }: CollectorsOptions): Promise<CollectorsResult> {
  const server = await ServerProcess.start(new URL("telling/server.ts", import.meta.url), { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", COLLECTOR_URL: collectorUrl });
  try {
    const target = { host: "127.0.0.1", port: server.port };
    const bytes = toRequestBytes({ method: "GET", path: "/told", target, headers: { accept: "application/json" } });
    const load = (durationMs: number) => runOpenLoop({ target, request: () => bytes, ratePerSecond, durationMs });
    const looks: Counts[] = [];
    const p99s: { readonly withMs: number[]; readonly withoutMs: number[] } = { withMs: [], withoutMs: [] };
    let failed = 0;

    async function round(want: "on" | "off"): Promise<void> {
      await post(server.port, { want, fill: want === "on" && collector !== "well" ? queueItems : 0 });
      const settling = await load(settleMs);
      const measured = await load(seconds * 1_000);
      failed += settling.due - settling.good.count + measured.due - measured.good.count;
      // From the instant due, as callers wait. From the sending, the bounds were further apart: what is compared is smaller, its noise is not.
      (want === "on" ? p99s.withMs : p99s.withoutMs).push(measured.good.latency.p99Ms);
    }

    await load(warmMs);
    const timer = setInterval(() => void read(server.port).then((counts) => looks.push(counts)), lookMs);
    for (let pair = 0; pair < pairs; pair += 1) for (const want of pair % 2 === 0 ? (["off", "on"] as const) : (["on", "off"] as const)) await round(want);
    clearInterval(timer);
    await post(server.port, { want: "off", fill: 0 });
    const last = await read(server.port);
    looks.push(last);
    const p99OfWithout = medianOfRatios(p99s.withMs.map((ms, pair) => ms / (p99s.withoutMs[pair] as number)));
    return {
      collector,
      p99Ms: medianOfRatios(p99s.withMs).median,
      withoutP99Ms: medianOfRatios(p99s.withoutMs).median,
      p99OfWithout,
      verdict: verdictOf(p99OfWithout, promisedOfCollectors.p99OfWithout),
      pairs,
      handed: last.handed,
      sent: last.sent,
      dropped: last.dropped,
      unaccounted: last.handed - last.sent - last.dropped - last.backlogItems,
      backlogMaxBytes: Math.max(...looks.map((each) => each.backlogBytes)),
      heapMaxBytes: Math.max(...looks.map((each) => each.heapBytes)),
      failed,
    };
  } finally {
    await server.stop();
  }
}

async function read(port: number): Promise<Counts> {
  const response = await fetch(`http://127.0.0.1:${port}/counts`);
  return (await response.json()) as Counts;
}

async function post(port: number, body: { readonly want: "on" | "off"; readonly fill: number }): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/export`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  await response.arrayBuffer();
  if (!response.ok) throw new CollectorsError(`the app answered ${response.status} to a change of its export`);
}

export class CollectorsError extends Error {
  override readonly name = "CollectorsError";
}
