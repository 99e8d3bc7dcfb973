/**
 * A dashboard of one service for Grafana, over the metrics of `/metrics` and the recording rules of `tenon export
 * prometheus`: error budgets, burn rates, and for each operation its calls, failures and durations.
 *
 * @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
 */
import { operationsOf } from "../contract/index.ts";
import { type PromisingService, targetsOf } from "../objectives/index.ts";

export interface GrafanaDashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly GrafanaPanel[];
  readonly [key: string]: unknown;
}

export interface GrafanaPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
  readonly [key: string]: unknown;
}

interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface PanelSpec {
  readonly type: "timeseries" | "stat" | "row";
  readonly title: string;
  readonly w: number;
  readonly h: number;
  readonly unit?: string;
  readonly queries?: readonly Query[];
  /** Below it is red; for a share of what is left. */
  readonly redBelow?: number;
}

/** Width of a dashboard in Grafana's columns. */
const columns = 24;
/** Chosen by whoever looks, since nobody here knows what their Prometheus is called. */
const datasource = { type: "prometheus", uid: "${datasource}" };

/** Grafana's own limit on the length of a uid. */
const uidMaxLength = 40;

export function toGrafanaDashboard(service: PromisingService, { app }: { readonly app: string }): GrafanaDashboard {
  return {
    uid: `tenon-${app}-${service.name}`.slice(0, uidMaxLength),
    title: `${app}: ${service.name}`,
    tags: ["tenon", app],
    timezone: "browser",
    schemaVersion: 39,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    templating: { list: [{ name: "datasource", type: "datasource", query: "prometheus", label: "Prometheus" }] },
    annotations: { list: [] },
    panels: arrange([...objectivePanels(service), ...operationPanels(service), ...processPanels()]),
  };
}

function objectivePanels(service: PromisingService): readonly PanelSpec[] {
  const targets = targetsOf(service).filter(({ source }) => source === "calls");
  if (targets.length === 0) return [];
  const own = `{service="${service.name}"}`;
  const burns = targets.flatMap(({ id, share }) => ["1h", "6h"].map((window): Query => ({ expr: `tenon:objective_errors:ratio_rate${window}{objective="${id}"} / ${Number((1 - share).toPrecision(12))}`, legend: `${id} ${window}` })));
  return [
    { type: "row", title: "Objectives", w: columns, h: 1 },
    { type: "stat", title: "Error budget left (28 days)", w: 12, h: 8, unit: "percentunit", redBelow: 0.1, queries: [{ expr: `tenon:objective_budget:left${own}`, legend: "{{objective}}" }] },
    { type: "timeseries", title: "Burn rates: a page from 14.4 over 1h, and from 6 over 6h", w: 12, h: 8, queries: burns },
  ];
}

function operationPanels(service: PromisingService): readonly PanelSpec[] {
  return operationsOf(service.contract).flatMap(({ id }): readonly PanelSpec[] => {
    const own = `operation="${id}"`;
    const quantiles = [0.5, 0.95, 0.99].map((q): Query => ({ expr: `histogram_quantile(${q}, sum by (le) (rate(tenon_call_duration_seconds_bucket{${own}}[$__rate_interval])))`, legend: `p${q * 100}` }));
    return [
      { type: "row", title: id, w: columns, h: 1 },
      { type: "timeseries", title: `${id}: calls by code`, w: 12, h: 7, unit: "reqps", queries: [{ expr: `sum by (code) (rate(tenon_calls_total{${own}}[$__rate_interval]))`, legend: "{{code}}" }] },
      { type: "timeseries", title: `${id}: durations`, w: 12, h: 7, unit: "s", queries: quantiles },
    ];
  });
}

function processPanels(): readonly PanelSpec[] {
  return [
    { type: "row", title: "Process", w: columns, h: 1 },
    { type: "timeseries", title: "Calls under way, and how many may be", w: 12, h: 7, queries: [{ expr: "tenon_calls_underway", legend: "under way {{instance}}" }, { expr: "tenon_concurrency_limit", legend: "limit {{instance}}" }] },
  ];
}

/** From left to right, and down where there is no more room. */
function arrange(specs: readonly PanelSpec[]): readonly GrafanaPanel[] {
  let [x, y, rowH] = [0, 0, 0];
  return specs.map(({ h, queries, redBelow, title, type, unit, w }, index) => {
    if (x + w > columns) [x, y, rowH] = [0, y + rowH, 0];
    const gridPos = { x, y, w, h };
    x += w;
    rowH = Math.max(rowH, h);
    if (queries === undefined) return { id: index + 1, type, title, gridPos, collapsed: false, panels: [] };
    const steps = redBelow === undefined ? [{ color: "green", value: null }] : [{ color: "red", value: null }, { color: "green", value: redBelow }];
    return {
      id: index + 1,
      type,
      title,
      gridPos,
      datasource,
      fieldConfig: { defaults: { ...(unit === undefined ? {} : { unit }), thresholds: { mode: "absolute", steps } }, overrides: [] },
      options: type === "stat" ? { reduceOptions: { calcs: ["lastNotNull"] }, textMode: "value_and_name" } : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
      targets: queries.map(({ expr, legend }, at) => ({ refId: String.fromCodePoint(65 + at), expr, legendFormat: legend, datasource })),
    };
  });
}
