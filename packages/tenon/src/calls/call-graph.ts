/**
 * Who calls whom, as it is seen: an edge for each pair of an operation and what it needs (another operation, the sessions
 * and statements of a database, something outside), with how many uses there were, how many failed and how long they took.
 * Events are nodes between those who handle them and those who emit them: a subscription needs its event, and an event needs
 * who emits it and what carries it.
 *
 * Counting is a look-up and a few additions, without memory; whoever reads takes differences of the sums every few seconds.
 * Edges are bounded: names come from code, and a name that is made of an input must not fill the memory. Uses beyond the
 * bound are counted together, and no edge has them.
 */
import type { Caller } from "../contract/index.ts";
import { type Clock, Fault, type FaultCode, faultTable } from "../kernel/index.ts";
import type { TraceIds } from "../telemetry/index.ts";

/** Edges of one process. An app of a hundred operations has a few hundred. */
export const edgesMax = 512;
/** Slots of durations: below 0.5 ms, then each twice as long as the one before, the last from 8 192 ms on. */
export const durationSlots = 16;

/** What calls come from that no operation of this process makes: callers outside, schedules, deliveries. */
export const outside = "";
const poolPrefix = "pool:";
const databasePrefix = "database:";
const dependencyPrefix = "dependency:";
const eventPrefix = "event:";
const brokerPrefix = "broker:";

/** Names of nodes that are no operations. An operation's own name has no colon. */
export const nodeOf = {
  /** Waiting for a free session of a service's database. */
  pool: (service: string): string => poolPrefix + service,
  /** Statements in a service's database. */
  database: (service: string): string => databasePrefix + service,
  /** Something outside of the app. */
  dependency: (name: string): string => dependencyPrefix + name,
  /** An event of a contract, by its id: `orders.placed`. */
  event: (id: string): string => eventPrefix + id,
  /** What carries events between services, by its label. */
  broker: (label: string): string => brokerPrefix + label,
} as const;

export type NodeKind = "operation" | "pool" | "database" | "dependency" | "event" | "broker";

export function nodeKind(node: string): NodeKind {
  if (node.startsWith(poolPrefix)) return "pool";
  if (node.startsWith(databasePrefix)) return "database";
  if (node.startsWith(eventPrefix)) return "event";
  if (node.startsWith(brokerPrefix)) return "broker";
  return node.startsWith(dependencyPrefix) ? "dependency" : "operation";
}

/** The name of a node without its kind. */
export function nodeName(node: string): string {
  return node.slice(node.indexOf(":") + 1);
}

/** Where a duration is counted. */
export function slotOf(ms: number): number {
  return Math.min(32 - Math.clz32(ms * 2), durationSlots - 1);
}

/** Uses of one thing by one other, summed since the process began. */
export class CallEdge {
  readonly from: string;
  readonly to: string;
  total = 0;
  bad = 0;
  sumMs = 0;
  readonly slots: Float64Array = new Float64Array(durationSlots);

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }

  observe(isBad: boolean, ms: number): void {
    this.total += 1;
    if (isBad) this.bad += 1;
    this.sumMs += ms;
    const slot = slotOf(ms);
    this.slots[slot] = (this.slots[slot] as number) + 1;
  }
}

/** A call, as far as the graph is concerned. */
export interface GraphedCall {
  /** The name of what is called, in the graph. */
  readonly graphNode: string;
  readonly parent: GraphedCall | undefined;
  readonly caller: Caller | undefined;
  readonly address: string | undefined;
  readonly traceIds: TraceIds;
}

/** Hears of calls that failed by the service or took long. Must not throw or wait. */
export interface NotableCalls {
  /** @param code  `ok` for one that was slow only. */
  notable(call: GraphedCall, code: string, ms: number): void;
}

/** Edges into one operation: of every call of it. */
export class CallsInto {
  readonly #graph: CallGraph;
  readonly #operation: string;
  readonly #slowMs: number;
  readonly #root: CallEdge;

  constructor(graph: CallGraph, operation: string, slowMs: number) {
    this.#graph = graph;
    this.#operation = operation;
    this.#slowMs = slowMs;
    this.#root = graph.edge(outside, operation);
  }

  observe(call: GraphedCall, { code, isBad, ms }: { readonly code: string; readonly isBad: boolean; readonly ms: number }): void {
    const edge = call.parent === undefined ? this.#root : this.#graph.edge(call.parent.graphNode, this.#operation);
    edge.observe(isBad, ms);
    if (isBad || ms > this.#slowMs) this.#graph.watcher?.notable(call, code, ms);
  }
}

export class CallGraph {
  readonly clock: Clock;
  /** Set by who keeps incidents. */
  watcher: NotableCalls | undefined = undefined;
  readonly #edges = new Map<string, Map<string, CallEdge>>();
  readonly #all: CallEdge[] = [];
  /** Uses of edges beyond the bound. */
  readonly #others = new CallEdge(outside, outside);

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get edges(): readonly CallEdge[] {
    return this.#all;
  }

  /** Uses that belong to no edge, since there were too many. */
  get unplaced(): number {
    return this.#others.total;
  }

  edge(from: string, to: string): CallEdge {
    return this.#edges.get(from)?.get(to) ?? this.#add(from, to);
  }

  into(operation: string, slowMs: number): CallsInto {
    return new CallsInto(this, operation, slowMs);
  }

  #add(from: string, to: string): CallEdge {
    if (this.#all.length >= edgesMax) return this.#others;
    const edge = new CallEdge(from, to);
    let ofFrom = this.#edges.get(from);
    if (ofFrom === undefined) this.#edges.set(from, (ofFrom = new Map()));
    ofFrom.set(to, edge);
    this.#all.push(edge);
    return edge;
  }
}

/** Whether something that was thrown speaks against who threw it: not a declared error, nor a mistake or the leaving of a caller. */
export function isAgainst(thrown: unknown): boolean {
  if (!(thrown instanceof Fault)) return true;
  const code: FaultCode = thrown.code;
  return faultTable[code].atFault !== "caller";
}
