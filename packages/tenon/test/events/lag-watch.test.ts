/** Figures of events, with a database that answers late, or not at all. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Database, Session } from "../../src/data/index.ts";
import { LagWatch } from "../../src/events/index.ts";
import type { Clock } from "../../src/kernel/index.ts";
import { Metrics } from "../../src/telemetry/index.ts";
import { silent } from "../nats/server.ts";

/** Time that the test moves; timers run when it comes to them. */
class Time implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly task: () => void }[] = [];
  nowMs = (): number => this.#nowMs;
  elapsedMs = (): number => this.#nowMs;
  after(delayMs: number, task: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, task };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
  }
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const timer of this.#timers.filter(({ atMs }) => atMs <= this.#nowMs)) {
      this.#timers = this.#timers.filter((each) => each !== timer);
      timer.task();
    }
  }
}

/** Answers the questions of a service's lag, as soon as the test lets it. */
class SlowDatabase implements Database {
  readonly label = "slow";
  readonly sessions = "many";
  asked = 0;
  gate: Promise<void> = Promise.resolve();

  async acquire(): Promise<Session> {
    this.asked++;
    await this.gate;
    const rows = (text: string): Record<string, unknown>[] => (text.includes("tenon_outbox") ? [{ counted: this.asked, oldest_ms: 1_500 }] : []);
    return { query: async (text) => ({ rows: rows(text), affected: 0, tag: "" }), batch: async () => ({ rows: [], affected: 0, tag: "" }), script: async () => undefined, release: () => undefined, cancel: () => undefined };
  }

  close = async (): Promise<void> => undefined;
}

function watch() {
  const clock = new Time();
  const database = new SlowDatabase();
  const metrics = new Metrics({ clock });
  new LagWatch({ database, subscriptions: new Map([["desk", []]]), clock, log: silent }).register(metrics);
  const shown = (): number | undefined => metrics.collect().find(({ name }) => name === "tenon_outbox_events")?.series[0]?.value;
  return { clock, database, metrics, shown };
}

describe("how far behind events are", () => {
  test("is asked once for all who collect within five seconds", async () => {
    const { clock, database, metrics, shown } = watch();
    await Promise.all([metrics.refresh(), metrics.refresh()]);
    clock.pass(4_999);
    await metrics.refresh();
    assert.equal(database.asked, 1);
    clock.pass(1);
    await metrics.refresh();
    assert.equal(database.asked, 2);
    assert.equal(shown(), 2);
  });

  test("holds up nobody for more than half a second, and comes when it comes", async () => {
    const { clock, database, metrics, shown } = watch();
    const open = Promise.withResolvers<void>();
    database.gate = open.promise;
    const refreshed = metrics.refresh();
    clock.pass(500);
    await refreshed;
    assert.equal(shown(), undefined);
    open.resolve();
    await metrics.refresh();
    assert.equal(shown(), 1);
    assert.equal(database.asked, 1);
  });

  test("is not shown when it is a minute old", async () => {
    const { clock, database, metrics, shown } = watch();
    await metrics.refresh();
    database.gate = Promise.reject(new RangeError("away"));
    database.gate.catch(() => undefined);
    clock.pass(59_999);
    await metrics.refresh();
    assert.equal(shown(), 1);
    clock.pass(1);
    assert.equal(shown(), undefined);
  });
});
