/**
 * Counts trips to the database, and waits for its sessions, in the graph of calls: which operation needed them, how many were
 * in vain, how long they took. Two readings of the clock and a promise each.
 */
import { type Call, type CallGraph, isAgainst, nodeOf } from "../calls/index.ts";
import { DatabaseError, type Session } from "./ports.ts";

/** The same session; its trips are counted for `call`. */
export function countTrip<T>(call: Call, service: string, trip: () => Promise<T>): Promise<T> {
  const { graph } = call;
  if (graph === undefined) return trip();
  return count(call, { graph, node: nodeOf.database(service), isBad: isDatabaseAgainst }, trip);
}

/** A wait for a session. */
export function countWait(call: Call, service: string, wait: () => Promise<Session>): Promise<Session> {
  const { graph } = call;
  if (graph === undefined) return wait();
  return count(call, { graph, node: nodeOf.pool(service), isBad: isAgainst }, wait);
}

interface Counting {
  readonly graph: CallGraph;
  readonly node: string;
  readonly isBad: (thrown: unknown) => boolean;
}

function count<T>(call: Call, { graph, isBad, node }: Counting, task: () => Promise<T>): Promise<T> {
  const sinceMs = graph.clock.elapsedMs();
  const edge = graph.edge(call.graphNode, node);
  return task().then(
    (value) => {
      edge.observe(false, graph.clock.elapsedMs() - sinceMs);
      return value;
    },
    (thrown: unknown) => {
      edge.observe(isBad(thrown) && call.canceled?.code !== "canceled", graph.clock.elapsedMs() - sinceMs);
      throw thrown;
    },
  );
}

/** A broken constraint and a lost race are answers; a statement that was stopped, a lost connection and a full disk are not. */
function isDatabaseAgainst(thrown: unknown): boolean {
  if (!(thrown instanceof DatabaseError)) return isAgainst(thrown);
  return /^(?:08|53|57|58|XX)/.test(thrown.sqlState);
}
