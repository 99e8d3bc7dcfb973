/** Objectives at work in one process: who is told what, and when, with a clock that is moved by hand. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../calls/fixture.ts";
import { cancel, instance, type Instance, Listener, pass, place, search, target } from "./kept-service.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** A day of calls without a fault, so that windows are full. */
function aGoodDay(one: Instance): void {
  for (const each of [place, cancel, search]) one.count(each, 20_000, 0);
}

describe("alerts of a service", () => {
  test("two objectives that fail together are one notification, and the innocent third is in none", async () => {
    const clock = new ManualClock();
    const one = instance({ clock });
    aGoodDay(one);
    await pass([one], {
      clock,
      lastsMs: 10 * minuteMs,
      each: ({ count }) => {
        count(place, 100, 100);
        count(cancel, 100, 100);
        count(search, 100, 0);
      },
    });
    assert.deepEqual(one.listener.lines, ["firing change: orders.cancel/availability/page, orders.place/availability/page"]);
    assert.match(one.listener.heard[0]?.alerts[1]?.summary ?? "", /^orders\.place: [\d.]+ % of calls fail over 1h \([\d.]+ % over 5m\), [\d.]+ times what its budget allows$/);
    assert.equal(one.keeper.isPressed, true);
  });

  test("every change is told as a value: pending, firing, resolved", async () => {
    const clock = new ManualClock();
    const one = instance({ clock, targets: [place] });
    await pass([one], { clock, lastsMs: 2 * minuteMs, each: ({ count }) => count(place, 100, 100) });
    await pass([one], { clock, lastsMs: 8 * hourMs, each: ({ count }) => count(place, 1_000, 0) });
    const page = one.transitions.filter(({ alert }) => alert.severity === "page").map(({ from, to }) => `${from} → ${to}`);
    assert.deepEqual(page, ["quiet → pending", "pending → firing", "firing → resolved"]);
    assert.equal(one.listener.heard.at(-1)?.status, "resolved");
    assert.equal(one.keeper.alerts.length, 0);
  });

  test("what goes on is told again after 4 hours, and its ticket is not told beside its page", async () => {
    const clock = new ManualClock();
    const one = instance({ clock, targets: [place] });
    await pass([one], { clock, lastsMs: 9 * hourMs, each: ({ count }) => count(place, 10, 10) });
    assert.deepEqual(one.listener.lines, [
      "firing change: orders.place/availability/page",
      "firing repeat: orders.place/availability/page",
      "firing repeat: orders.place/availability/page",
    ]);
    const [first, second] = one.listener.heard;
    assert.equal((second?.atMs ?? 0) - (first?.atMs ?? 0), 4 * hourMs);
    assert.equal(new Set(one.listener.heard.map(({ id }) => id)).size, 3);
  });

  test("a receiver that was away hears of it as soon as it is back, and once", async () => {
    const clock = new ManualClock();
    const listener = new Listener();
    listener.isDown = true;
    const one = instance({ clock, listener, targets: [place] });
    await pass([one], { clock, lastsMs: 5 * minuteMs, each: ({ count }) => count(place, 10, 10) });
    assert.deepEqual(listener.lines, []);
    assert.ok((one.keeper.failures.get("listener") ?? 0) > 10);
    listener.isDown = false;
    await pass([one], { clock, lastsMs: 2 * minuteMs, each: ({ count }) => count(place, 10, 10) });
    assert.deepEqual(listener.lines, ["firing change: orders.place/availability/page"]);
  });

  test("a service that nobody calls is quiet", async () => {
    const clock = new ManualClock();
    const one = instance({ clock });
    await pass([one], { clock, lastsMs: hourMs });
    assert.deepEqual([one.listener.lines, one.keeper.isPressed, one.keeper.readings.map(({ budgetLeft }) => budgetLeft)], [[], false, [1, 1, 1]]);
  });

  test("a subscription that stands still is found by looking, since it delivers nothing", async () => {
    const clock = new ManualClock();
    const receipts = target("orders.receipts", { id: "orders.receipts/lag", indicator: "lag", share: 0.99, limitMs: 30_000, source: "looks" });
    let waitMs = 1_000;
    const one = instance({ clock, targets: [receipts], waits: async () => new Map([[receipts.id, waitMs]]) });
    await pass([one], { clock, lastsMs: 7 * hourMs });
    assert.deepEqual(one.listener.lines, []);
    waitMs = 31_000;
    await pass([one], { clock, lastsMs: 10 * minuteMs });
    // With seven hours of history, the windows of days hold no more than that.
    assert.deepEqual(one.listener.lines, ["firing change: orders.receipts/lag/ticket", "firing change: orders.receipts/lag/page"]);
    // 14.4 % of an hour: 8 min 38 s, to the look of every 10 s, the look after it, and the group.
    const tookMs = (one.listener.heard[1]?.atMs ?? 0) - (clock.nowMs() - 10 * minuteMs);
    assert.ok(tookMs >= 510_000 && tookMs <= 560_000, `${tookMs} ms`);
  });
});
