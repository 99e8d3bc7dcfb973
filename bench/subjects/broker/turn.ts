/** What both subjects of `events` do in a turn: publish batch after batch for a while, and wait until all has been consumed. */
import { randomUUID } from "node:crypto";

/** As a relay reads them from its outbox. */
const batchSize = 500;
/** A CloudEvents envelope with a small order in it, about 400 bytes. */
const filler = "x".repeat(250);

export interface Event {
  readonly id: string;
  readonly key: string;
  readonly body: string;
}

export interface TurnReport {
  readonly events: number;
  /** From the first publish until the last event was consumed and acknowledged. */
  readonly ms: number;
  /** User and system time of the process in that time, in µs. */
  readonly cpuUs: number;
}

export interface Turn {
  /** Resolves when all of them are acknowledged. */
  publish(batch: readonly Event[]): Promise<void>;
  /** So far, acknowledged. */
  consumed(): number;
  close(): Promise<void>;
}

/** What a subject is told: where the server is, what its names begin with, how long to publish. */
export interface TurnOrder {
  readonly url: string;
  readonly prefix: string;
  readonly seconds: number;
}

/** Answers each order by a report, and leaves with the parent. */
export function serveTurns(open: (order: TurnOrder) => Promise<Turn>): void {
  process.on("message", (order: TurnOrder) => void runTurn(open, order).then((report) => process.send?.(report)));
  process.on("disconnect", () => process.exit(0));
  process.send?.({ isReady: true });
}

async function runTurn(open: (order: TurnOrder) => Promise<Turn>, order: TurnOrder): Promise<TurnReport> {
  const turn = await open(order);
  await turn.publish(makeBatch(0)); // streams and consumers are there after that
  while (turn.consumed() < batchSize) await new Promise((resolve) => setTimeout(resolve, 1));
  const before = process.cpuUsage();
  const startedMs = performance.now();
  let published = batchSize;
  while (performance.now() - startedMs < order.seconds * 1_000) {
    await turn.publish(makeBatch(published));
    published += batchSize;
  }
  while (turn.consumed() < published) await new Promise((resolve) => setTimeout(resolve, 1));
  const ms = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  await turn.close();
  return { events: published - batchSize, ms, cpuUs: user + system };
}

function makeBatch(from: number): readonly Event[] {
  return Array.from({ length: batchSize }, (_, i) => {
    const id = randomUUID();
    const body = JSON.stringify({ specversion: "1.0", id, source: "/orders", type: "orders.placed", subject: `order-${from + i}`, data: { number: from + i, filler } });
    return { id, key: `order-${(from + i) % 100}`, body };
  });
}
