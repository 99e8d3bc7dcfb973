/** What processes count of calls, kept in both databases: known to the next process and to the others, to the last use and once. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { CallGraph } from "../../src/calls/index.ts";
import { migrate, withSession } from "../../src/data/index.ts";
import { DatabaseGraph, type GraphStore, historyMs, IncidentKeeper, MemoryIncidents, type Uses } from "../../src/incidents/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { ManualClock } from "../calls/fixture.ts";
import { engines, type Opened } from "../data/engines.ts";

interface Instance {
  readonly graph: CallGraph;
  readonly keeper: IncidentKeeper;
  readonly warnings: string[];
  all(): Uses;
}

function instanceOf(clock: ManualClock, graphStore: GraphStore, seed: number): Instance {
  const graph = new CallGraph(clock);
  const warnings: string[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: (message: string) => void warnings.push(message), error: () => undefined };
  const keeper = new IncidentKeeper({ app: "shop", store: new MemoryIncidents(), graph, graphStore, services: () => [], lookBackMs: 1, closeAfterMs: 0, clock, random: () => seed, log });
  return { graph, keeper, warnings, all: () => keeper.history.uses(keeper.history.edges, 0, clock.nowMs() + 1) };
}

for (const engine of engines) {
  describe(`counts of calls in ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let store: DatabaseGraph;

    before(async () => {
      opened = await engine.open();
      await migrate(opened.database, [{ service: "orders", migrations: [] }]);
      store = new DatabaseGraph((mode, task) => withSession(opened.database, { service: "orders", mode }, task));
    });
    beforeEach(() => store.sweep(Date.parse("2100-01-01")));
    after(() => opened?.drop());

    async function pass({ graph, keeper }: Instance, clock: ManualClock, looks: number): Promise<void> {
      for (let i = 0; i < looks; i++) {
        graph.edge("", "orders.get").observe(i === 0, 8.25);
        graph.edge("orders.get", "dependency:a \"quoted\" name").observe(false, 3_000);
        clock.advance(10_000);
        await keeper.look();
      }
    }

    test("the next process knows what the one before has counted, to the last use", async () => {
      const clock = new ManualClock();
      const first = instanceOf(clock, store, 0.1);
      await pass(first, clock, 9);
      first.graph.edge("", "orders.get").observe(false, 1); // after the last look
      await first.keeper.stop();
      const second = instanceOf(clock, store, 0.2);
      clock.advance(10_000);
      await second.keeper.look();
      await second.keeper.look(); // what was learned is not learned again
      assert.deepEqual(second.all(), first.all());
      assert.equal(second.all().total, 19);
      assert.equal(second.all().bad, 1);
      await second.keeper.stop();
    });

    test("a store that is away is told of once, and has everything when it is back", async () => {
      const clock = new ManualClock();
      let isAway = true;
      const refuse = (): never => {
        throw new Fault("unavailable", "the database is away");
      };
      const flaky: GraphStore = {
        add: async (...given) => (isAway ? refuse() : store.add(...given)),
        ofOthers: async (...asked) => (isAway ? refuse() : store.ofOthers(...asked)),
        sweep: async (...asked) => (isAway ? refuse() : store.sweep(...asked)),
      };
      const first = instanceOf(clock, flaky, 0.3);
      await pass(first, clock, 20);
      assert.equal(first.warnings.length, 1);
      isAway = false;
      await pass(first, clock, 1);
      await first.keeper.stop();
      const second = instanceOf(clock, store, 0.4);
      await second.keeper.look();
      assert.equal(second.all().total, 42);
      await second.keeper.stop();
    });

    test("what is older than two hours is removed", async () => {
      const clock = new ManualClock();
      const first = instanceOf(clock, store, 0.5);
      await pass(first, clock, 1);
      await first.keeper.stop();
      assert.equal((await store.ofOthers("nobody", 0)).length, 1);
      clock.advance(historyMs + 60_000);
      const second = instanceOf(clock, store, 0.6);
      await second.keeper.look();
      await second.keeper.stop();
      assert.deepEqual(await store.ofOthers("nobody", 0), []);
    });
  });
}
