/** How far trouble reaches: which operations, how many calls, how many callers. Pure but for what it asks of memory. */
import { nodeKind } from "../calls/index.ts";
import type { Counts } from "../objectives/index.ts";
import { bucketMs, type GraphPast } from "./graph-history.ts";
import { look, reaches } from "./suspect.ts";

export interface ReachedOperation {
  readonly operation: string;
  /** Since the onset, in the instance that looked. */
  readonly calls: number;
  readonly failed: number;
  /** `slow` where it takes longer than usual, besides or instead of failing. */
  readonly isSlow: boolean;
}

export interface ReachedObjective extends Counts {
  readonly target: string;
}

export interface Reach {
  readonly operations: readonly ReachedOperation[];
  readonly services: readonly string[];
  /** What the objectives have counted since the onset, in all instances. */
  readonly objectives: readonly ReachedObjective[];
  /** About how many callers met it, in the instance that looked. */
  readonly callers: number;
}

export interface ReachQuestion {
  /** Of the incident's alerts. */
  readonly subjects: readonly string[];
  /** What is suspected. */
  readonly node: string | undefined;
  readonly onsetMs: number;
  readonly nowMs: number;
}

/** The operations of the alerts, and those that need what is suspected and are not as usual. */
export function reachedOperations(past: GraphPast, { node, nowMs, onsetMs, subjects }: ReachQuestion): readonly ReachedOperation[] {
  const asked = new Set([...subjects, ...(node === undefined ? [] : reaches(past.edges, node, "up"))]);
  return [...asked].filter((each) => nodeKind(each) === "operation").toSorted().flatMap((operation): readonly ReachedOperation[] => {
    const into = past.edges.filter(({ to }) => to === operation);
    const { departure } = look(past, into, { onsetMs, nowMs });
    const isReached = departure.isFailing || departure.isSlow || subjects.includes(operation);
    const { bad: failed, total: calls } = past.uses(into, onsetMs, nowMs + bucketMs);
    return isReached && calls > 0 ? [{ operation, calls, failed, isSlow: departure.isSlow }] : [];
  });
}
