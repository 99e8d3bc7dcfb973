/**
 * The drill of events: processes that are server, relay and worker at once are killed with SIGKILL at random moments
 * while clients put events in, and started again; where there is a broker, it can be killed too. Then the rows are counted.
 *
 * Promise: every committed event is applied exactly once, those of a key in order, and nothing is left standing: once the
 * kills are over, deliveries go on without ever pausing for twice the lease.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { DrillDatabase } from "./drill-database.ts";
import { letWork } from "./let-work.ts";
import { readRiver, type RiverRows } from "./river/rows.ts";
import { ServerProcess } from "./server-process.ts";

/** Something besides the processes that is killed and started again. */
export interface Victim {
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface KillEventsOptions {
  readonly database: DrillDatabase;
  /** Of the broker, where there is one. */
  readonly env?: Readonly<Record<string, string>>;
  readonly broker?: Victim | undefined;
  readonly kills: number;
  readonly clients: number;
  /** Between two kills, at most, drawn uniformly, in ms. */
  readonly lifeMaxMs: number;
  readonly leaseMs: number;
  readonly random: () => number;
  readonly onKill?: (kills: number, acknowledged: number) => void;
}

export interface KillEventsResult {
  readonly kills: number;
  readonly acknowledged: number;
  /** Committed, and never applied. */
  readonly lost: number;
  readonly appliedTwice: number;
  /** Left over when nothing had been applied for twice the lease. */
  readonly stuck: number;
  /** Applied before an earlier one of the same key. */
  readonly orderViolations: number;
  readonly deadLetters: number;
  /** Answers other than success, a break of the connection, or a failure that may be repeated. */
  readonly unexpected: readonly string[];
}

const repeatAfterMs = 25;
/** Part of the kills that hit the broker, where there is one to be killed. */
const brokerShare = 0.25;

interface Flow {
  readonly ports: number[];
  readonly unexpected: string[];
  readonly last: Map<string, number>;
  acknowledged: number;
  isOver: boolean;
}

export async function runKillEvents(options: KillEventsOptions): Promise<KillEventsResult> {
  const { clients, database, kills, leaseMs, random } = options;
  const env = { ...database.env, ...options.env, EVENTS_LEASE_MS: String(leaseMs) };
  const script = new URL("river/server.ts", import.meta.url);
  const flow: Flow = { ports: [], unexpected: [], last: new Map(), acknowledged: 0, isOver: false };

  const servers: ServerProcess[] = [];
  for (let i = 0; i < database.processesMax; i++) {
    servers[i] = await ServerProcess.start(script, env);
    flow.ports[i] = servers[i]?.port ?? 0;
  }
  const running = Array.from({ length: clients }, (_, name) => client(`key-${name}`, name, flow));
  for (let kill = 1; kill <= kills; kill += 1) {
    await letWork({ acknowledged: () => flow.acknowledged, lifeMaxMs: options.lifeMaxMs, random });
    if (options.broker !== undefined && random() < brokerShare) {
      await options.broker.kill();
      await pause(random() * options.lifeMaxMs);
      await options.broker.start();
    } else {
      const at = Math.floor(random() * servers.length);
      await servers[at]?.kill();
      servers[at] = await ServerProcess.start(script, env);
      flow.ports[at] = servers[at]?.port ?? 0;
    }
    options.onKill?.(kill, flow.acknowledged);
  }
  flow.isOver = true;
  await Promise.all(running);
  await settle(flow, 2 * leaseMs);
  for (const server of servers) await server.stop();
  return { kills, acknowledged: flow.acknowledged, unexpected: flow.unexpected, ...countRiver(await database.read(readRiver)) };
}

/** Puts drops in, each under its idempotency key until it is acknowledged, and only then the next. */
async function client(key: string, name: number, flow: Flow): Promise<void> {
  for (let n = 1; !flow.isOver; n += 1) {
    await putUntilAcknowledged({ key, n }, name, flow);
    flow.last.set(key, n);
    flow.acknowledged += 1;
  }
}

async function putUntilAcknowledged(drop: { readonly key: string; readonly n: number }, name: number, flow: Flow): Promise<void> {
  for (let attempt = name; ; attempt += 1) {
    try {
      const response = await fetch(`http://127.0.0.1:${flow.ports[attempt % flow.ports.length]}/drops`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": `key-of-the-drop-${drop.key}/${drop.n}` },
        body: JSON.stringify(drop),
        signal: AbortSignal.timeout(15_000),
      });
      await response.arrayBuffer();
      if (response.status === 202) return;
      // What may be repeated is said by the fault table; anything else is a finding.
      if (response.status !== 503 && response.status !== 504) flow.unexpected.push(String(response.status));
    } catch (error) {
      const isNetwork = error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
      if (!isNetwork) throw error;
    }
    await pause(repeatAfterMs);
  }
}

/** Waits until everything that was acknowledged has arrived, or until nothing has arrived for so long. */
async function settle(flow: Flow, quietMs: number): Promise<void> {
  let arrived = -1;
  for (let quietSinceMs = performance.now(); performance.now() - quietSinceMs < quietMs; await pause(50)) {
    const response = await fetch(`http://127.0.0.1:${flow.ports[0]}/applied`).catch(() => undefined);
    if (response?.ok !== true) continue;
    const { count } = (await response.json()) as { readonly count: number };
    if (count >= flow.acknowledged) return;
    if (count > arrived) quietSinceMs = performance.now();
    arrived = count;
  }
}

/** What the rows say of the promise. */
export function countRiver({ arrivals, deadLetters, drops, unfinished }: RiverRows): Omit<KillEventsResult, "kills" | "acknowledged" | "unexpected"> {
  const seen = new Map<string, Set<number>>();
  const highest = new Map<string, number>();
  let appliedTwice = 0;
  let orderViolations = 0;
  for (const { key, n } of arrivals) {
    const ofKey = seen.get(key) ?? new Set<number>();
    seen.set(key, ofKey);
    if (ofKey.has(n)) {
      appliedTwice += 1;
      continue;
    }
    ofKey.add(n);
    if (n < (highest.get(key) ?? 0)) orderViolations += 1;
    else highest.set(key, n);
  }
  const missing = drops.filter(({ key, n }) => seen.get(key)?.has(n) !== true).length;
  // What still stands in outbox or inbox is late, not lost.
  return { lost: Math.max(0, missing - unfinished), appliedTwice, stuck: unfinished, orderViolations, deadLetters };
}
