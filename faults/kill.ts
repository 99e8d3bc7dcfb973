/**
 * The kill drill: a server under a load of idempotent commands is killed with SIGKILL at random moments, started again,
 * and killed again. Clients repeat each command under its key until it is acknowledged. Then the rows are counted.
 *
 * Promise: no acknowledged order is lost, none is applied twice, none is half-written, and every repeat got the answer
 * of the order that was written.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Ledger, LedgerRows } from "./ledger/rows.ts";
import { letWork } from "./let-work.ts";
import { ServerProcess } from "./server-process.ts";

export interface KillOptions {
  readonly ledger: Ledger;
  readonly kills: number;
  readonly clients: number;
  /** A server lives for up to so long after its first work, drawn uniformly, in ms. */
  readonly lifeMaxMs: number;
  readonly random: () => number;
  readonly onKill?: (kills: number, acknowledged: number) => void;
}

export interface KillResult {
  readonly kills: number;
  readonly acknowledged: number;
  /** Requests that were sent again after a failure. */
  readonly repeats: number;
  /** Acknowledged, and not in the table. */
  readonly lost: number;
  /** References with more than one order. */
  readonly appliedTwice: number;
  /** Orders whose lines are not all there, or lines without an order, or totals that do not add up. */
  readonly halfWritten: number;
  /** Answers that named another order than the one written. */
  readonly wrongAnswers: number;
  /** Answers other than success, a break of the connection, or a failure that may be repeated. */
  readonly unexpected: readonly string[];
}

interface Acknowledged {
  readonly reference: string;
  readonly id: string;
}

/** How long a client waits between two attempts, in ms: short, so that repeats overlap with restarts. */
const repeatAfterMs = 25;

export async function runKills(options: KillOptions): Promise<KillResult> {
  const { clients, kills, ledger, lifeMaxMs, random } = options;
  const script = new URL("ledger/server.ts", import.meta.url);
  const state = { port: 0, isOver: false, repeats: 0 };
  const acknowledged: Acknowledged[] = [];
  const unexpected: string[] = [];

  async function client(name: number): Promise<void> {
    for (let number = 0; !state.isOver; number += 1) {
      const reference = `${name}-${number}`;
      const answer = await placeUntilAcknowledged(reference, state, unexpected);
      acknowledged.push({ reference, id: answer });
    }
  }

  let server = await ServerProcess.start(script, ledger.env);
  state.port = server.port;
  const running = Array.from({ length: clients }, (_, name) => client(name));
  for (let kill = 1; kill <= kills; kill += 1) {
    await letWork({ acknowledged: () => acknowledged.length, lifeMaxMs, random });
    await server.kill();
    options.onKill?.(kill, acknowledged.length);
    server = await ServerProcess.start(script, ledger.env);
    state.port = server.port;
  }
  state.isOver = true;
  await Promise.all(running);
  await server.stop();
  return { kills, acknowledged: acknowledged.length, repeats: state.repeats, unexpected, ...count(acknowledged, await ledger.read()) };
}

/** Quantities that follow from the reference, so that the totals can be computed from what was acknowledged. */
function quantitiesOf(reference: string): readonly number[] {
  const [name = 0, number = 0] = reference.split("-").map(Number);
  return Array.from({ length: 1 + (number % 5) }, (_, line) => 1 + ((name + number + line) % 7));
}

async function placeUntilAcknowledged(reference: string, state: { readonly port: number; repeats: number }, unexpected: string[]): Promise<string> {
  const body = JSON.stringify({ reference, quantities: quantitiesOf(reference) });
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${state.port}/orders`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": `key-of-reference-${reference}` },
        body,
        signal: AbortSignal.timeout(15_000),
      });
      const answer = (await response.json()) as { readonly id: string; readonly code?: string };
      if (response.status === 201) return answer.id;
      // What may be repeated is said by the fault table; anything else is a finding.
      if (response.status !== 503 && response.status !== 504) unexpected.push(`${response.status} ${answer.code ?? ""}`);
    } catch (error) {
      const isNetwork = error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
      if (!isNetwork) throw error;
    }
    state.repeats += 1;
    await pause(repeatAfterMs);
  }
}

function count(acknowledged: readonly Acknowledged[], rows: LedgerRows): Pick<KillResult, "lost" | "appliedTwice" | "halfWritten" | "wrongAnswers"> {
  const byReference = Map.groupBy(rows.orders, (order) => order.reference);
  const lost = acknowledged.filter(({ reference }) => !byReference.has(reference)).length;
  const appliedTwice = [...byReference.values()].filter((orders) => orders.length > 1).length;
  const wrongAnswers = acknowledged.filter(({ id, reference }) => byReference.has(reference) && !byReference.get(reference)?.some((order) => order.id === id)).length;

  const linesOf = new Map<string, number>();
  let quantity = 0;
  for (const line of rows.lines) {
    linesOf.set(line.orderId, (linesOf.get(line.orderId) ?? 0) + 1);
    quantity += line.quantity;
  }
  const known = new Set(rows.orders.map((order) => order.id));
  const torn = rows.orders.filter((order) => linesOf.get(order.id) !== order.lines).length;
  const stray = [...linesOf.keys()].filter((id) => !known.has(id)).length;
  const isOff = rows.totals.orders !== rows.orders.length || rows.totals.quantity !== quantity;
  return { lost, appliedTwice, wrongAnswers, halfWritten: torn + stray + (isOff ? 1 : 0) };
}
