/**
 * Recording and alerting rules for Prometheus, from the objectives of contracts: the same figures as the app's own alerts
 * (`objectives/burn-rate.ts`), over what `/metrics` says.
 *
 * Three things are not the same, since `/metrics` does not tell them apart: the calls of probes are counted with the
 * others, calls that gave way under a budget policy count as failures, and a latency is compared with the next bound of the
 * histogram. The lag of subscriptions is not in the rules; the app tells of it itself.
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
 */
import { faultTable } from "../kernel/index.ts";
import { badMin, budgetWindowMs, burnRules, type PromisingService, type Severity, type Target, targetsOf, windowText } from "../objectives/index.ts";
import { durationBoundsS } from "../telemetry/index.ts";

export interface PrometheusOptions {
  readonly app: string;
  /** Which series are this app's, where one Prometheus scrapes several: `job="shop"`. */
  readonly selector?: string;
}

/** What Prometheus counts for a target, as selectors without their brackets. */
interface Counted {
  readonly bad: (window: string) => string;
  readonly total: (window: string) => string;
}

const serviceFaults = Object.entries(faultTable).filter(([, { atFault }]) => atFault !== "caller").map(([code]) => code).join("|");

const windowsMs = [...new Set(burnRules.flatMap(({ longMs, shortMs }) => [shortMs, longMs]))].toSorted((a, b) => a - b);
const longWindowsMs = [...new Set(burnRules.map(({ longMs }) => longMs))];

/** The rules as YAML. */
export function toPrometheusRules(services: readonly PromisingService[], options: PrometheusOptions): string {
  const targets = services.flatMap(targetsOf).filter(({ source }) => source === "calls");
  const lags = services.flatMap(targetsOf).filter(({ source }) => source === "looks");
  return [
    `# Objectives of ${options.app}, from its contracts: made by \`tenon export prometheus\`.`,
    ...lags.map(({ id }) => `# ${id} is not in here: the app looks at it and tells of it itself.`),
    ...(targets.length === 0 ? ["groups: []"] : ["groups:", ...targets.flatMap((target) => groupsOf(target, options))]),
    "",
  ].join("\n");
}

function groupsOf(target: Target, options: PrometheusOptions): readonly string[] {
  const counted = countedOf(target, options);
  const labels = labelsOf(target, options);
  const ratio = (window: string): string => `(${counted.bad(window)}) / ${counted.total(window)}`;
  return [
    `  - name: ${text(`tenon ${target.id}`)}`,
    "    rules:",
    ...windowsMs.map(windowText).flatMap((window) => record(`tenon:objective_errors:ratio_rate${window}`, ratio(window), labels)),
    ...longWindowsMs.map(windowText).flatMap((window) => record(`tenon:objective_errors:increase${window}`, counted.bad(window).replaceAll("rate(", "increase("), labels)),
    ...(["page", "ticket"] as const).flatMap((severity) => alertRule(target, severity, labels)),
    // Read over four weeks of raw counters, so not at every turn; Prometheus keeps 15 days unless it is told otherwise.
    `  - name: ${text(`tenon ${target.id} budget`)}`,
    "    interval: 5m",
    "    rules:",
    ...record("tenon:objective_budget:left", `1 - (${ratio(windowText(budgetWindowMs))}) / ${allowedOf(target)}`, labels),
  ];
}

function countedOf({ indicator, limitMs, subject }: Target, { selector }: PrometheusOptions): Counted {
  const own = [`operation="${subject}"`, ...(selector === undefined ? [] : [selector])].join(",");
  if (indicator === "availability") {
    return {
      // A code that never came has no series, and a sum of none is nothing rather than 0.
      bad: (window) => `sum(rate(tenon_calls_total{${own},code=~"${serviceFaults}"}[${window}])) or vector(0)`,
      total: (window) => `sum(rate(tenon_calls_total{${own},code=~"ok|${serviceFaults}"}[${window}]))`,
    };
  }
  const total = (window: string): string => `sum(rate(tenon_call_duration_seconds_count{${own}}[${window}]))`;
  return { bad: (window) => `${total(window)} - sum(rate(tenon_call_duration_seconds_bucket{${own},le="${boundOf(limitMs ?? 0)}"}[${window}]))`, total };
}

/** The smallest bound that is not below the limit: a call that is in time never counts as late. */
function boundOf(limitMs: number): number {
  return durationBoundsS.find((bound) => bound * 1_000 >= limitMs) ?? (durationBoundsS.at(-1) as number);
}

function allowedOf({ share }: Target): string {
  return String(Number((1 - share).toPrecision(12)));
}

/** Both severities by one name: who routes alerts looks at the label. */
function alertRule(target: Target, severity: Severity, labels: readonly string[]): readonly string[] {
  const { id, indicator, subject } = target;
  const own = `{objective="${id}"}`;
  const conditions = burnRules.filter((rule) => rule.severity === severity).map(({ factor, longMs, shortMs }) => {
    const [long, short] = [longMs, shortMs].map(windowText);
    const above = `> (${factor} * ${allowedOf(target)})`;
    return `(tenon:objective_errors:ratio_rate${long}${own} ${above} and tenon:objective_errors:ratio_rate${short}${own} ${above} and tenon:objective_errors:increase${long}${own} >= ${badMin})`;
  });
  const what = indicator === "availability" ? "of calls fail" : "of calls are slow";
  return [
    "      - alert: TenonErrorBudgetBurn",
    `        expr: ${text(conditions.join(" or "))}`,
    "        labels:",
    ...labels.map((label) => `          ${label}`),
    `          severity: ${severity}`,
    "        annotations:",
    `          summary: ${text(`${subject}: {{ $value | humanizePercentage }} ${what}, more than its error budget allows${boundNote(target)}`)}`,
  ];
}

function boundNote({ indicator, limitMs }: Target): string {
  if (indicator !== "latency" || limitMs === undefined) return "";
  const bound = boundOf(limitMs);
  return bound * 1_000 === limitMs ? "" : ` (measured at ${bound} s, the next bound of the histogram; promised are ${limitMs / 1_000} s)`;
}

function labelsOf({ id, indicator, service, subject }: Target, { app }: PrometheusOptions): readonly string[] {
  return Object.entries({ app, service, operation: subject, indicator, objective: id }).map(([name, value]) => `${name}: ${text(value)}`);
}

function record(name: string, expr: string, labels: readonly string[]): readonly string[] {
  return [`      - record: ${name}`, `        expr: ${text(expr)}`, "        labels:", ...labels.map((label) => `          ${label}`)];
}

/** A text in YAML: a double-quoted scalar, which reads what JSON writes. */
function text(value: string): string {
  return JSON.stringify(value);
}
