/**
 * The overload drill: how much a server gets done when callers who do not wait for answers send three times what it can
 * do. First the knee is found, by callers who do wait; then the storm; then half the knee, to see it recover.
 *
 * Promise: goodput stays at or above 90 % of the knee's, refused calls are answered within 50 ms where the calls wait for
 * something, and 5 s after the storm nobody is refused any more.
 */
import { ClosedLoop } from "../bench/load/closed-loop.ts";
import { toRequestBytes } from "../bench/load/http-connection.ts";
import { type OpenLoopResult, runOpenLoop } from "../bench/open-loop.ts";
import type { Workload } from "../bench/workloads/workload.ts";
import { postgresDatabase } from "./postgres-database.ts";
import { ServerProcess } from "./server-process.ts";

export interface OverloadOptions {
  readonly url: string;
  readonly seconds: number;
  /** What is sent in the storm, in multiples of the knee. */
  readonly times: number;
  readonly tell: (text: string) => void;
}

export interface OverloadResult {
  readonly path: string;
  /** Answers a second when callers wait for answers. */
  readonly kneePerS: number;
  readonly sentPerS: number;
  readonly goodputPerS: number;
  readonly goodputOfKnee: number;
  readonly refusedP99Ms: number;
  readonly goodP99Ms: number;
  /** Seconds after the storm until nobody was refused and nothing failed any more. */
  readonly recoveredAfterS: number;
  readonly failed: number;
}

/** The promise, as figures. */
export const promised = { goodputOfKnee: 0.9, refusedP99Ms: 50, recoveredAfterS: 5 } as const;

export function keepsPromise(result: OverloadResult): boolean {
  return (
    result.goodputOfKnee >= promised.goodputOfKnee &&
    (result.path === computing || result.refusedP99Ms <= promised.refusedP99Ms) &&
    result.recoveredAfterS <= promised.recoveredAfterS &&
    result.failed === 0
  );
}

/** Where each call keeps the processor for itself, a refusal too has to wait for its turn: only goodput is promised there. */
const computing = "/compute";

/** Callers who wait: more than the connections of the pool, fewer than make a queue worth speaking of. */
const kneeConnections = 16;
const calmSeconds = 8;

export async function runOverload(options: OverloadOptions): Promise<readonly OverloadResult[]> {
  const results: OverloadResult[] = [];
  await using database = await postgresDatabase(options.url);
  const env = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", DATABASE_URL: database.url };
  for (const path of ["/hold", computing]) {
    const server = await ServerProcess.start(new URL("strained/server.ts", import.meta.url), env);
    try {
      results.push(await drill(path, server.port, options));
    } finally {
      await server.stop();
    }
  }
  return results;
}

async function drill(path: string, port: number, { seconds, tell, times }: OverloadOptions): Promise<OverloadResult> {
  const target = { host: "127.0.0.1", port };
  const bytes = toRequestBytes({ method: "GET", path, target, headers: { accept: "application/json" } });
  const kneePerS = await findKnee(path, target, { bytes, seconds });
  tell(`${path}: the knee is at ${Math.round(kneePerS)} a second`);

  const storm = await runOpenLoop({ target, request: () => bytes, ratePerSecond: kneePerS * times, durationMs: seconds * 1_000 });
  tell(`${path}: in the storm ${Math.round(storm.good.perSecond)} a second were answered, ${Math.round(storm.refused.perSecond)} refused`);
  const calm = await runOpenLoop({ target, request: () => bytes, ratePerSecond: kneePerS / 2, durationMs: calmSeconds * 1_000 });

  return {
    path,
    kneePerS,
    sentPerS: kneePerS * times,
    goodputPerS: storm.good.perSecond,
    goodputOfKnee: storm.good.perSecond / kneePerS,
    refusedP99Ms: storm.refused.fromSend.p99Ms,
    goodP99Ms: storm.good.fromSend.p99Ms,
    recoveredAfterS: recoveryS(calm),
    failed: storm.other.count + calm.other.count,
  };
}

async function findKnee(path: string, target: { readonly host: string; readonly port: number }, how: { readonly bytes: Buffer; readonly seconds: number }): Promise<number> {
  const workload: Workload = {
    name: path,
    status: 200,
    requests: () => [how.bytes],
    problemOf: (body) => (body === '{"done":true}' ? undefined : `not the answer: ${body}`),
  };
  const loop = new ClosedLoop({ target, workload, tokens: [], connections: kneeConnections });
  try {
    await loop.run(1_000); // warm
    const { answers, elapsedMs } = await loop.run(Math.min(how.seconds, 5) * 1_000);
    return answers / (elapsedMs / 1_000);
  } finally {
    loop.close();
  }
}

/** The start of the first second from which on nothing was refused and nothing went wrong. */
function recoveryS(calm: OpenLoopResult): number {
  const last = calm.timeline.findLastIndex((row) => row.refused > 0 || row.bad > 0);
  return last + 1;
}
