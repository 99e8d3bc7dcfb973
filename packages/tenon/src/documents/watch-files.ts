/** Files for tools that watch an app. Loaded when somebody asks for one: an app that answers with its documents needs none. */
import type { PromisingService } from "../objectives/index.ts";
import type { GrafanaDashboard } from "./grafana-dashboard.ts";
import type { PrometheusOptions } from "./prometheus-rules.ts";

/** Recording and alerting rules for Prometheus, as YAML. */
export async function prometheusRulesOf(services: readonly PromisingService[], options: PrometheusOptions): Promise<string> {
  const { toPrometheusRules } = await import("./prometheus-rules.ts");
  return toPrometheusRules(services, options);
}

/** A dashboard of one service for Grafana. */
export async function grafanaDashboardOf(service: PromisingService, options: { readonly app: string }): Promise<GrafanaDashboard> {
  const { toGrafanaDashboard } = await import("./grafana-dashboard.ts");
  return toGrafanaDashboard(service, options);
}
