/**
 * The drill of limits: three processes that share a limit in Redis get more calls than it lets through, all at once, from
 * callers who do not wait.
 *
 * Promise: as many calls pass as the limit says for the time that it took, to one in a hundred; and nothing fails.
 */
import { randomUUID } from "node:crypto";
import { toRequestBytes } from "../bench/load/http-connection.ts";
import { runOpenLoop } from "../bench/open-loop.ts";
import { ServerProcess } from "./server-process.ts";

export interface LimitsOptions {
  readonly redisUrl: string;
  /** Sent to all instances together. */
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** Calls that the limit lets through in a minute. Default 20 000. */
  readonly calls?: number;
  readonly tell: (text: string) => void;
}

export interface LimitsResult {
  readonly sent: number;
  readonly sentPerS: number;
  readonly passed: number;
  readonly expected: number;
  /** Percent of what was expected. */
  readonly offBy: number;
  readonly refused: number;
  /** Turned away because an instance had too much to do. */
  readonly overloaded: number;
  readonly failed: number;
  readonly p99Ms: number;
}

/** As in `limited/app.ts`. */
const perMs = 60_000;
const instances = 3;
const offByMax = 1;

export function keepsLimitsPromise({ failed, offBy }: LimitsResult): boolean {
  return Math.abs(offBy) <= offByMax && failed === 0;
}

export async function runLimits({ calls = 20_000, ratePerSecond, redisUrl, seconds, tell }: LimitsOptions): Promise<LimitsResult> {
  const env = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", REDIS_URL: redisUrl, LIMITS_WITHOUT_REDIS: "refuse", DRILL_CALLS: String(calls) };
  const servers = await Promise.all(Array.from({ length: instances }, () => ServerProcess.start(new URL("limited/server.ts", import.meta.url), env)));
  try {
    const run = randomUUID();
    const storm = (name: string, rate: number, durationMs: number) =>
      Promise.all(
        servers.map(({ port }) => {
          const target = { host: "127.0.0.1", port };
          const bytes = toRequestBytes({ method: "GET", path: `/act?run=${name}`, target, headers: { accept: "application/json" } });
          return runOpenLoop({ target, request: () => bytes, ratePerSecond: rate / instances, durationMs, maxConnections: 64, isRefused: (status) => status === 429 });
        }),
      );
    await storm(`${run}-warm`, 600, 1_000);
    tell(`${instances} instances, ${ratePerSecond} calls a second`);
    const startedMs = performance.now();
    const results = await storm(run, ratePerSecond, seconds * 1_000);
    const elapsedMs = performance.now() - startedMs;
    const sum = (of: (result: (typeof results)[number]) => number): number => results.reduce((total, each) => total + of(each), 0);
    const passed = sum(({ good }) => good.count);
    const refused = sum((each) => each.refused.count);
    const overloaded = sum(({ other }) => other.count);
    const sent = sum(({ due }) => due);
    const expected = Math.min(sent, Math.floor(calls + (elapsedMs / perMs) * calls));
    return {
      sent,
      sentPerS: Math.round(sent / (elapsedMs / 1_000)),
      passed,
      expected,
      offBy: Math.round(((passed - expected) / expected) * 10_000) / 100,
      refused,
      overloaded,
      failed: sent - passed - refused - overloaded,
      p99Ms: Math.max(...results.map(({ good }) => good.fromSend.p99Ms)),
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
