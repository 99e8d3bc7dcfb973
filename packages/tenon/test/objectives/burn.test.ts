/**
 * The arithmetic of burn rates against figures worked out by hand, and the time to an alert against the workbook's.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Alert, BucketRing, burnRateOf, burnRules, nextAlert, pendingMs, type Reading, readTarget, type Severity, type Target } from "../../src/objectives/index.ts";

const startMs = Date.parse("2026-11-01T00:00:00Z");
const lookMs = 10_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function availability(share: number, subject = "orders.place"): Target {
  return { id: `${subject}/availability`, service: "orders", subject, indicator: "availability", share, limitMs: undefined, source: "calls" };
}

interface Simulated {
  /** How long after the errors began each severity fired, in s; `undefined` where it did not. */
  readonly firedS: Readonly<Record<Severity, number | undefined>>;
  readonly resolvedS: Readonly<Record<Severity, number | undefined>>;
  readonly reading: Reading;
}

interface Course {
  readonly target?: Target;
  /** Calls in each 10 s. */
  readonly calls: number;
  /** Part of them that fails, from the start on. */
  readonly errorRate: number;
  readonly lastsMs: number;
  /** Looked at for so long after it has recovered, in ms. */
  readonly afterMs?: number;
}

/** A month without a fault, then errors at a constant rate. Failures come in whole numbers, without drifting from the rate. */
function simulate({ afterMs = 0, calls, errorRate, lastsMs, target = availability(0.999) }: Course): Simulated {
  const ring = new BucketRing();
  for (let atMs = startMs - 4 * 7 * dayMs; atMs < startMs; atMs += 3_600_000) for (let i = 0; i < 12; i++) ring.add(atMs + i * 300_000, { bad: 0, total: calls * 30 });
  const firedS: Record<Severity, number | undefined> = { page: undefined, ticket: undefined };
  const resolvedS: Record<Severity, number | undefined> = { page: undefined, ticket: undefined };
  const alerts = new Map<Severity, Alert | undefined>();
  let [due, done] = [0, 0];
  let reading = readTarget(target, ring, startMs);
  for (let atMs = startMs; atMs < startMs + lastsMs + afterMs; atMs += lookMs) {
    due += atMs < startMs + lastsMs ? calls * errorRate : 0;
    const bad = Math.floor(due + 1e-9) - done;
    done += bad;
    ring.add(atMs, { bad, total: calls });
    const nowMs = atMs + lookMs - 1; // the end of the bucket
    reading = readTarget(target, ring, nowMs);
    for (const severity of ["page", "ticket"] as const) {
      const alert = nextAlert(alerts.get(severity), severity, reading, nowMs);
      if (alert?.state === "firing") firedS[severity] ??= Math.round((nowMs - startMs) / 1_000);
      if (alert?.state === "resolved") resolvedS[severity] ??= Math.round((nowMs - startMs - lastsMs) / 1_000);
      alerts.set(severity, alert);
    }
  }
  return { firedS, resolvedS, reading };
}

/** `(1 − SLO) / error rate × window × burn rate`, the shortest of the severity's rules that can fire at all. In s. */
function workbookS(severity: Severity, errorRate: number, share = 0.999): number {
  const times = burnRules.filter((rule) => rule.severity === severity && errorRate / (1 - share) > rule.factor).map((rule) => ((1 - share) / errorRate) * rule.factor * rule.longMs);
  return Math.min(...times) / 1_000;
}

describe("the rules are the workbook's", () => {
  test("table 5-8: 2 % of the budget in 1 h, 5 % in 6 h, 10 % in 1 d and in 3 d, the short window a twelfth of the long one", () => {
    const month = 30 * dayMs; // the workbook's own month
    assert.deepEqual(burnRules.map(({ factor, longMs, severity }) => [severity, Math.round((100 * factor * longMs) / month)]), [["page", 2], ["page", 5], ["ticket", 10], ["ticket", 10]]);
    assert.deepEqual(burnRules.map(({ longMs, shortMs }) => longMs / shortMs), [12, 12, 12, 12]);
  });

  test("a rate of 1 is exactly what is allowed", () => {
    assert.equal(burnRateOf({ bad: 1, total: 1_000 }, 0.999).toFixed(9), "1.000000000");
    assert.equal(burnRateOf({ bad: 144, total: 10_000 }, 0.999).toFixed(9), "14.400000000");
    assert.equal(burnRateOf({ bad: 3, total: 4 }, 0.5), 1.5);
    assert.equal(burnRateOf({ bad: 0, total: 0 }, 0.999), 0);
  });

  test("three failures of 10 000 at 99.9 % use up 30 % of the budget", () => {
    const ring = new BucketRing();
    ring.add(startMs, { bad: 3, total: 10_000 });
    const { budgetLeft, counts } = readTarget(availability(0.999), ring, startMs);
    assert.deepEqual(counts, { bad: 3, total: 10_000 });
    assert.equal(budgetLeft.toFixed(6), "0.700000");
  });
});

describe("the time from the first error to the alert, at 99.9 % and 100 calls a second", () => {
  const cases = [
    { errorRate: 1, lastsMs: hourMs, severity: "page", expectedS: 51.84 },
    { errorRate: 0.1, lastsMs: hourMs, severity: "page", expectedS: 518.4 },
    { errorRate: 0.01, lastsMs: 5 * hourMs, severity: "page", expectedS: 12_960 },
    { errorRate: 0.002, lastsMs: 40 * hourMs, severity: "ticket", expectedS: 129_600 },
  ] as const;
  for (const { errorRate, expectedS, lastsMs, severity } of cases) {
    test(`${errorRate * 100} % of calls fail: a ${severity} after ${expectedS} s, and what it takes to look twice`, (t) => {
      assert.ok(Math.abs(workbookS(severity, errorRate) - expectedS) < 0.01);
      const { firedS } = simulate({ calls: 1_000, errorRate, lastsMs });
      const fired = firedS[severity] ?? Number.POSITIVE_INFINITY;
      t.diagnostic(`${errorRate * 100} %: ${severity} after ${fired} s, by the workbook ${expectedS} s`);
      // A window may be one bucket short, which makes it quicker by that part: 10 s of 1 h, 1 min of 6 h, 5 min of 3 d.
      assert.ok(fired >= expectedS * 0.99, `after ${fired} s`);
      assert.ok(fired <= expectedS + lookMs / 1_000 + pendingMs / 1_000 + 1, `after ${fired} s`);
    });
  }

  test("0.2 % is no reason to wake anybody", () => {
    assert.equal(simulate({ calls: 1_000, errorRate: 0.002, lastsMs: 40 * hourMs }).firedS.page, undefined);
  });

  test("the budget's own rate makes no alert, however long it lasts", () => {
    assert.deepEqual(simulate({ calls: 1_000, errorRate: 0.0009, lastsMs: 4 * dayMs }).firedS, { page: undefined, ticket: undefined });
  });

  test("an alert ends when the short window is clean, and not at the first good minute", () => {
    const { resolvedS } = simulate({ calls: 1_000, errorRate: 1, lastsMs: 600_000, afterMs: 3 * hourMs });
    // 30 min after 10 min of nothing but errors, the 6 h rule's rate over 30 min is below 0.8 × 6; then it stays calm for 2 min.
    assert.ok(resolvedS.page !== undefined && resolvedS.page > 1_700 && resolvedS.page < 2_000, `after ${resolvedS.page} s`);
  });
});

describe("the budget is right to 0.1 %", () => {
  for (const { errorRate, lastsMs } of [{ errorRate: 1, lastsMs: 600_000 }, { errorRate: 0.1, lastsMs: hourMs }, { errorRate: 0.002, lastsMs: 2 * dayMs }]) {
    test(`${errorRate * 100} % over ${lastsMs / 60_000} min`, () => {
      const { reading } = simulate({ calls: 1_000, errorRate, lastsMs });
      const perMs = 1_000 / lookMs;
      // What a month allows, and what was used of it.
      const used = (errorRate * lastsMs * perMs) / (28 * dayMs * perMs * 0.001);
      assert.ok(Math.abs(reading.budgetLeft - (1 - used)) < 0.001, `${reading.budgetLeft} for ${1 - used}`);
    });
  }
});

describe("little traffic", () => {
  test("four failures of ten calls tell nobody, the fifth does", () => {
    const ring = new BucketRing();
    ring.add(startMs, { bad: 4, total: 10 });
    assert.equal(nextAlert(undefined, "page", readTarget(availability(0.999), ring, startMs), startMs), undefined);
    ring.add(startMs, { bad: 1, total: 1 });
    assert.equal(nextAlert(undefined, "page", readTarget(availability(0.999), ring, startMs), startMs)?.state, "pending");
  });

  test("one call a minute, all of which fail: a page with the fifth", () => {
    const target = availability(0.999);
    const ring = new BucketRing();
    let alert: Alert | undefined;
    let nowMs = startMs;
    for (; alert?.state !== "firing" && nowMs < startMs + hourMs; nowMs += lookMs) {
      if ((nowMs - startMs) % 60_000 === 0) ring.add(nowMs, { bad: 1, total: 1 });
      alert = nextAlert(alert, "page", readTarget(target, ring, nowMs), nowMs);
    }
    assert.equal(alert?.firedAtMs, startMs + 4 * 60_000 + pendingMs);
  });
});
