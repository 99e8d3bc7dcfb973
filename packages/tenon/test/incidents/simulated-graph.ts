/** A graph of calls over virtual time: who uses what is said, and each use ends as it is told. */
import { CallGraph } from "../../src/calls/index.ts";
import { bucketMs, GraphHistory, type GraphPortion } from "../../src/incidents/index.ts";
import { ManualClock } from "../calls/fixture.ts";

export interface Use {
  readonly from: string;
  readonly to: string;
  readonly times: number;
  readonly bad: number;
  readonly ms: number;
}

export class SimulatedGraph {
  readonly clock = new ManualClock();
  readonly graph = new CallGraph(this.clock);
  readonly history = new GraphHistory(this.graph);

  /** Lets ten seconds pass, in which these uses happen. @returns What was counted of them. */
  pass(uses: readonly Use[]): GraphPortion {
    this.clock.advance(bucketMs);
    for (const { bad, from, ms, times, to } of uses) for (let i = 0; i < times; i++) this.graph.edge(from, to).observe(i < bad, ms);
    return this.history.take(this.clock.nowMs());
  }

  passMany(buckets: number, uses: readonly Use[]): void {
    for (let i = 0; i < buckets; i++) this.pass(uses);
  }
}
