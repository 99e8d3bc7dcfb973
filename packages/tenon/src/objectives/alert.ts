/**
 * The life of an alert: one for each objective and severity.
 *
 *     quiet ── a rule is met ──► pending ── still met `pendingMs` later ──► firing ── calm for `calmMs` ──► resolved
 *                                   │ not met any more                        ▲ met again                      │
 *                                   ▼                                         └────────────────────────────────┤
 *                                 quiet                                                       told, or `forgetMs` ▼ quiet
 *
 * Every change is a value, so that whoever keeps incidents needs to know nothing of how it came to be.
 */
import type { Reading, RuleReading, Severity } from "./burn-rate.ts";
import type { Indicator, Target } from "./target.ts";

export type AlertState = "pending" | "firing" | "resolved";

/** An alert that is not quiet, as it is kept. */
export interface Alert {
  /** `orders.place/availability/page` */
  readonly id: string;
  readonly target: string;
  readonly service: string;
  readonly subject: string;
  readonly indicator: Indicator;
  readonly severity: Severity;
  readonly state: AlertState;
  /** When it came into this state, in ms since 1970. */
  readonly sinceMs: number;
  /** When it began to fire; `undefined` while it is pending. */
  readonly firedAtMs: number | undefined;
  /** Since when no rule has been held while it fires; `undefined` while one is. */
  readonly calmSinceMs: number | undefined;
  /** When somebody was last told that it fires; `undefined` while nobody knows. */
  readonly toldAtMs: number | undefined;
  /** What a person is told: in which windows how much of the budget is being used. */
  readonly summary: string;
  /** Part of the budget that is left: 1 is all of it. */
  readonly budgetLeft: number;
}

export interface AlertTransition {
  readonly alert: Alert;
  readonly from: AlertState | "quiet";
  readonly to: AlertState | "quiet";
  readonly atMs: number;
}

/** So that one odd reading tells nobody: a rule is to be met at two looks in a row. */
export const pendingMs = 10_000;
/** How long a firing alert has to be calm until it is over. The short windows keep it for minutes anyway. */
export const calmMs = 120_000;
/** A resolved alert that nobody had to be told of is kept so long: what fires again by then is the same. */
export const forgetMs = 600_000;

/** What becomes of an alert at a look. @param before  `undefined` where it is quiet. */
export function nextAlert(before: Alert | undefined, severity: Severity, reading: Reading, nowMs: number): Alert | undefined {
  const rules = reading.rules.filter(({ rule }) => rule.severity === severity);
  const met = rules.find(({ isMet }) => isMet);
  if (before === undefined) return met === undefined ? undefined : createAlert(severity, reading, met, nowMs);
  const shown = { budgetLeft: reading.budgetLeft, ...(met === undefined ? {} : { summary: summaryOf(reading.target, met) }) };
  if (before.state === "pending") {
    if (met === undefined) return undefined;
    if (nowMs - before.sinceMs < pendingMs) return before;
    return { ...before, ...shown, state: "firing", sinceMs: nowMs, firedAtMs: nowMs };
  }
  if (before.state === "firing") return nextFiring({ ...before, ...shown }, rules, nowMs);
  if (met !== undefined) return { ...before, ...shown, state: "firing", sinceMs: nowMs, firedAtMs: nowMs, calmSinceMs: undefined };
  return nowMs - before.sinceMs >= forgetMs ? undefined : before;
}

function nextFiring(alert: Alert, rules: readonly RuleReading[], nowMs: number): Alert {
  if (rules.some(({ isHeld }) => isHeld)) return { ...alert, calmSinceMs: undefined };
  const calmSinceMs = alert.calmSinceMs ?? nowMs;
  if (nowMs - calmSinceMs < calmMs) return { ...alert, calmSinceMs };
  return { ...alert, calmSinceMs, state: "resolved", sinceMs: nowMs };
}

function createAlert(severity: Severity, { budgetLeft, target }: Reading, met: RuleReading, nowMs: number): Alert {
  const { id, indicator, service, subject } = target;
  const times = { sinceMs: nowMs, firedAtMs: undefined, calmSinceMs: undefined, toldAtMs: undefined };
  return { id: `${id}/${severity}`, target: id, service, subject, indicator, severity, state: "pending", ...times, summary: summaryOf(target, met), budgetLeft };
}

/** `undefined` where nothing changed but figures. */
export function transitionOf(before: Alert | undefined, after: Alert | undefined, nowMs: number): AlertTransition | undefined {
  const alert = after ?? before;
  if (alert === undefined || before?.state === after?.state) return undefined;
  return { alert, from: before?.state ?? "quiet", to: after?.state ?? "quiet", atMs: nowMs };
}

const wrongs: Readonly<Record<Indicator, string>> = { availability: "calls fail", latency: "calls are slow", lag: "events wait" };

function summaryOf({ indicator, share, subject }: Target, { long, rule, short }: RuleReading): string {
  const percent = (rate: number): string => `${Number((rate * (1 - share) * 100).toPrecision(3))} %`;
  const wrong = indicator === "lag" ? `${wrongs.lag} too long ${percent(long)} of the time` : `${percent(long)} of ${wrongs[indicator]}`;
  return `${subject}: ${wrong} over ${windowText(rule.longMs)} (${percent(short)} over ${windowText(rule.shortMs)}), ${Number(long.toPrecision(3))} times what its budget allows`;
}

/** `5m`, `6h`, `3d`: as Prometheus and people write windows. */
export function windowText(ms: number): string {
  if (ms % 86_400_000 === 0) return `${ms / 86_400_000}d`;
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${ms / 60_000}m`;
}
