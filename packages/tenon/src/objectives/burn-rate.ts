/**
 * Burn rates: how many times faster than allowed the error budget is being used up. At 1 it lasts exactly the window
 * of the objective; an alert needs a rate over a long window, which says that it matters, and over a short one, which
 * says that it still goes on.
 *
 * @see https://sre.google/workbook/alerting-on-slos/ "6: Multiwindow, Multi-Burn-Rate Alerts", table 5-8
 */
import type { BucketRing, Counts } from "./bucket-ring.ts";
import type { Target } from "./target.ts";

/** A page wants somebody now, a ticket in working hours. */
export type Severity = "page" | "ticket";

export interface BurnRule {
  readonly severity: Severity;
  readonly factor: number;
  readonly longMs: number;
  readonly shortMs: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** The workbook's figures: the page rules stand for 2 % of the budget in an hour and 5 % in 6 hours, the ticket's for 10 % in 3 days. */
export const burnRules: readonly BurnRule[] = [
  { severity: "page", factor: 14.4, longMs: hourMs, shortMs: 5 * minuteMs },
  { severity: "page", factor: 6, longMs: 6 * hourMs, shortMs: 30 * minuteMs },
  { severity: "ticket", factor: 3, longMs: dayMs, shortMs: 2 * hourMs },
  { severity: "ticket", factor: 1, longMs: 3 * dayMs, shortMs: 6 * hourMs },
];

/** Over how long the error budget is counted, in ms: 28 days, so that every window has the same weekdays. */
export const budgetWindowMs: number = 28 * dayMs;

/**
 * A rule is quiet until so many events of its long window were bad. Of ten calls in an hour, one that fails is a rate of
 * 100 at 99.9 %, and no reason to wake anybody; the workbook's other advice for low traffic is a probe.
 *
 * @see https://sre.google/workbook/alerting-on-slos/ "Low-Traffic Services and Error Budget Alerting"
 */
export const badMin = 5;

/** The rate of a window: its share of bad events over the share that is allowed. 0 where nothing happened. */
export function burnRateOf({ bad, total }: Counts, share: number): number {
  return total === 0 ? 0 : bad / total / (1 - share);
}

export interface RuleReading {
  readonly rule: BurnRule;
  readonly long: number;
  readonly short: number;
  /** Both rates are above the factor, and enough went wrong for it to mean something. */
  readonly isMet: boolean;
  /** Both rates are above `calmPart` of the factor: an alert that fires goes on doing so. */
  readonly isHeld: boolean;
}

/** How one objective is doing. */
export interface Reading {
  readonly target: Target;
  /** Of the window of the budget. */
  readonly counts: Counts;
  /** Part of the budget that is left: 1 is all of it, 0 is none, below 0 the objective is missed. 1 where nothing happened. */
  readonly budgetLeft: number;
  readonly rules: readonly RuleReading[];
}

/** A firing alert ends when a rate has fallen below this part of the factor, so that one around it does not flap. */
export const calmPart = 0.8;

export function readTarget(target: Target, ring: BucketRing, nowMs: number): Reading {
  const counts = ring.sum(budgetWindowMs, nowMs);
  return {
    target,
    counts,
    budgetLeft: 1 - burnRateOf(counts, target.share),
    rules: burnRules.map((rule) => readRule(rule, target, ring, nowMs)),
  };
}

function readRule(rule: BurnRule, { share }: Target, ring: BucketRing, nowMs: number): RuleReading {
  const longCounts = ring.sum(rule.longMs, nowMs);
  const long = burnRateOf(longCounts, share);
  const short = burnRateOf(ring.sum(rule.shortMs, nowMs), share);
  const isAbove = (factor: number): boolean => long > factor && short > factor;
  return { rule, long, short, isMet: isAbove(rule.factor) && longCounts.bad >= badMin, isHeld: isAbove(rule.factor * calmPart) };
}
