/** That the scenario `events` measures what it says, and that a tool that does not do the work gets no figure. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Bench, EventMeasure, Outcome, Skipped } from "../harness/bench.ts";
import { ChildFailed, Children } from "../harness/children.ts";
import { chooseCores } from "../harness/cores.ts";
import { RowsMissing, ServerDatabase, toServerUrl } from "../harness/database.ts";
import { eventsScenario } from "../harness/events.ts";
import { scenarios } from "../scenarios.ts";

const databaseUrl = toServerUrl(process.env["BENCH_DATABASE_URL"] ?? "postgres://127.0.0.1:5432/postgres");
const skip = (await ServerDatabase.problemWith(databaseUrl)) ?? false;
const children = new Children();

function benchOf(measures: readonly EventMeasure[], subjects: readonly string[] = []): Bench {
  return {
    settings: { rounds: 1, seconds: 0.4, subjects, databaseUrl, natsUrl: "", events: { jobs: 100, backlog: 100, measures } },
    cores: chooseCores(),
    children,
    signal: new AbortController().signal,
    say: () => undefined,
  };
}

function runFaulty(measures: readonly EventMeasure[], env: Readonly<Record<string, string>>): Promise<Outcome | Skipped> {
  const subject = { name: "faulty", file: "test/faulty-events/subject.ts", env, waitingSql: "select count(*) from events", rowsSql: "select count(*) from handled" };
  return eventsScenario({ name: "events", about: "", subjects: [subject], pairs: [] }).run(benchOf(measures));
}

function mediansOf(outcome: Outcome | Skipped, subject: string): Readonly<Record<string, number>> {
  assert.ok(!("skipped" in outcome), JSON.stringify(outcome));
  return Object.fromEntries(Object.entries(outcome.subjects[subject] ?? {}).map(([name, { median }]) => [name, median]));
}

describe("the scenario events", { skip }, () => {
  after(() => children.killAll());

  test("gives no figure to a tool that forgets an event's row", async () => {
    await assert.rejects(runFaulty(["row"], { EVENT_FAULT: "forgets" }), new RowsMissing("faulty: 120 rows should be there, and 119 are"));
  });

  test("gives no figure to a tool that handles an event twice", async () => {
    await assert.rejects(runFaulty(["noop"], { EVENT_FAULT: "repeats" }), new ChildFailed("faulty handled 1 events again"));
  });

  test("gives no figure to a tool that keeps an event as unfinished", { timeout: 30_000 }, async () => {
    await assert.rejects(runFaulty(["noop"], { EVENT_FAULT: "keeps" }), new RowsMissing("faulty: 1 events were handled and are not finished"));
  });

  test("tells how long an event waits", async () => {
    const delayMs = 100;
    const { latencyP50Ms = 0, latencyP99Ms = 0 } = mediansOf(await runFaulty(["latency"], { EVENT_DELAY_MS: String(delayMs) }), "faulty");
    assert.ok(latencyP50Ms >= delayMs && latencyP50Ms <= latencyP99Ms, `${latencyP50Ms} and ${latencyP99Ms} ms for a delay of ${delayMs} ms`);
  });

  test("tells what a backlog and what waiting cost", { timeout: 60_000 }, async () => {
    const figures = mediansOf(await runFaulty(["backlog", "idle"], {}), "faulty");
    for (const name of ["backlogPerSecond", "backlogCpuUs", "backlogOfFew", "backlogCostOfFew", "idleCpuPercent"]) assert.ok((figures[name] ?? 0) > 0, `${name} in ${JSON.stringify(figures)}`);
  });

  test("runs with each of the tools", { timeout: 120_000 }, async () => {
    const scenario = scenarios.find(({ name }) => name === "events");
    const outcome = await scenario?.run(benchOf(["row"]));
    assert.ok(outcome !== undefined && "subjects" in outcome, JSON.stringify(outcome));
    for (const { name } of scenario?.subjects ?? []) assert.ok((mediansOf(outcome, name)["rowPerSecond"] ?? 0) > 0, name);
    for (const { peer, subject } of scenario?.pairs ?? []) assert.ok((outcome.ratios[`${subject}/${peer}`]?.["rowPerSecond"]?.median ?? 0) > 0);
  });
});
