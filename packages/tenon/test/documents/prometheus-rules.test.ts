/** Rules for Prometheus, as `promtool` reads and runs them, and dashboards for Grafana over the same names. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as z from "zod";
import { contract, event, query } from "../../src/contract/index.ts";
import { systemClock } from "../../src/app/index.ts";
import { grafanaDashboardOf, prometheusRulesOf } from "../../src/documents/index.ts";
import { Metrics, toMetricsText } from "../../src/telemetry/index.ts";

const orders = contract("orders", {
  get: query({ access: "public", objective: { availability: 99.9, latency: { p99: "200ms" } }, probe: { every: "1m" } }),
  list: query({ access: "public" }),
  placed: event({ data: z.object({ id: z.string() }) }),
});
const service = { name: "orders", contract: orders, subscriptions: [{ name: "receipts", options: { objective: { lag: "30s" } as const } }] };
const rules = await prometheusRulesOf([service], { app: "shop" });

/** `/metrics` after one call. */
function metricsPage(): string {
  const metrics = new Metrics({ clock: systemClock });
  metrics.operation("orders.get", "query").observe("internal", 180);
  return toMetricsText(metrics.collect(), "prometheus");
}

describe("rules for Prometheus", () => {
  test("are about the series of /metrics, and count what the fault table lays at the service's door", () => {
    const text = metricsPage();
    for (const [, name = ""] of rules.matchAll(/\b(tenon_[a-z_]+)\{/g)) assert.ok(text.includes(`\n${name}{`), `${name} is in no /metrics`);
    for (const [, bound = ""] of rules.matchAll(/le=\\"([^\\]+)\\"/g)) assert.ok(text.includes(`le="${bound}"`), `no bucket ends at ${bound}`);
    assert.match(rules, /code=~\\"internal\|unimplemented\|overloaded\|unavailable\|deadline_exceeded\\"/);
  });

  test("leave out operations without an objective, and say what else is not in there", async () => {
    assert.doesNotMatch(rules, /orders\.list|probe:/);
    assert.match(rules, /^# orders\.receipts\/lag is not in here/m);
    assert.match(rules, /measured at 0\.25 s, the next bound of the histogram; promised are 0\.2 s/);
    assert.match(await prometheusRulesOf([], { app: "empty" }), /\ngroups: \[\]\n$/);
  });

  test("name one app's series alone where they are told to", async () => {
    assert.match(await prometheusRulesOf([service], { app: "shop", selector: 'job="shop"' }), /tenon_calls_total\{operation=\\"orders\.get\\",job=\\"shop\\",code/);
  });
});

const skip = spawnSync("promtool", ["--version"]).status === 0 ? false : "no promtool: apt-get install prometheus";

describe("promtool", { skip }, () => {
  function promtool(files: Readonly<Record<string, string>>, ...args: readonly string[]): { readonly status: number | null; readonly output: string } {
    const directory = mkdtempSync(join(tmpdir(), "tenon-promtool-"));
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
      const { status, stderr, stdout } = spawnSync("promtool", args, { cwd: directory, encoding: "utf8", timeout: 60_000 });
      return { status, output: `${stdout}${stderr}` };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  test("accepts the rules", () => {
    const { output, status } = promtool({ "rules.yml": rules }, "check", "rules", "rules.yml");
    assert.equal(status, 0, output);
    assert.match(output, /SUCCESS: 28 rules found/);
  });

  test("fires at the workbook's time, for the guilty objective alone, and not for five failures too few", () => {
    // 100 calls in each 10 s: three good hours, then one call in ten fails. By the workbook a page after 518 s. Callers'
    // mistakes do not count. The shares: 8 min × 10 % in 188 min (all there is of 3 days), 9 min in an hour, 9 min in 189.
    const good = 1_080;
    const labels = (severity: string): string => `{ app: shop, service: orders, operation: orders.get, indicator: availability, objective: orders.get/availability, severity: ${severity} }`;
    const tests = `
rule_files: [rules.yml]
evaluation_interval: 30s
tests:
  - interval: 10s
    input_series:
      - { series: 'tenon_calls_total{operation="orders.get",code="ok"}', values: '0+100x${good} ${good * 100 + 90}+90x60' }
      - { series: 'tenon_calls_total{operation="orders.get",code="internal"}', values: '0+0x${good} 10+10x60' }
      - { series: 'tenon_calls_total{operation="orders.get",code="invalid_argument"}', values: '0+50x1140' }
      - { series: 'tenon_call_duration_seconds_count{operation="orders.get"}', values: '0+100x1140' }
      - { series: 'tenon_call_duration_seconds_bucket{operation="orders.get",le="0.25"}', values: '0+100x1140' }
    alert_rule_test:
      - { eval_time: 180m, alertname: TenonErrorBudgetBurn, exp_alerts: [] }
      - { eval_time: 188m, alertname: TenonErrorBudgetBurn, exp_alerts: [{ exp_labels: ${labels("ticket")}, exp_annotations: { summary: 'orders.get: 0.4255% of calls fail, more than its error budget allows' } }] }
      - eval_time: 189m
        alertname: TenonErrorBudgetBurn
        exp_alerts:
          - { exp_labels: ${labels("page")}, exp_annotations: { summary: 'orders.get: 1.5% of calls fail, more than its error budget allows' } }
          - { exp_labels: ${labels("ticket")}, exp_annotations: { summary: 'orders.get: 0.4762% of calls fail, more than its error budget allows' } }
  - interval: 10s
    input_series:
      - { series: 'tenon_calls_total{operation="orders.get",code="ok"}', values: '0+0x360' }
      - { series: 'tenon_calls_total{operation="orders.get",code="internal"}', values: '0+0x100 1+0x100 2+0x160' }
    alert_rule_test:
      - { eval_time: 60m, alertname: TenonErrorBudgetBurn, exp_alerts: [] }
`;
    const { output, status } = promtool({ "rules.yml": rules, "tests.yml": tests }, "test", "rules", "tests.yml");
    assert.equal(status, 0, output);
  });
});

describe("a dashboard for Grafana", async () => {
  const dashboard = await grafanaDashboardOf(service, { app: "shop" });

  test("shows objectives first, then each operation, in panels that do not overlap", () => {
    assert.deepEqual(dashboard.panels.filter(({ type }) => type === "row").map(({ title }) => title), ["Objectives", "orders.get", "orders.list", "Process"]);
    const cells = dashboard.panels.flatMap(({ gridPos: { h, w, x, y } }) => Array.from({ length: h * w }, (_, i) => `${x + (i % w)}/${y + Math.floor(i / w)}`));
    assert.equal(new Set(cells).size, cells.length);
    assert.ok(dashboard.panels.every(({ gridPos: { w, x } }) => x + w <= 24));
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  });

  test("asks for series that /metrics has or the rules make", () => {
    const known = new Set([...metricsPage().matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? ""));
    const recorded = new Set([...rules.matchAll(/record: (\S+)/g)].map(([, name]) => name ?? ""));
    const asked = dashboard.panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => [...expr.matchAll(/\btenon[a-z0-9_:]+/g)].map(([name]) => name)));
    assert.ok(asked.length > 8);
    for (const name of asked) assert.ok(recorded.has(name) || known.has(name.replace(/_bucket$/, "")) || ["tenon_calls_underway", "tenon_concurrency_limit"].includes(name), name);
  });
});
