/** Documents of contracts: OpenAPI, AsyncAPI, the page that shows both, and files for Prometheus and Grafana. */
export type { GrafanaDashboard } from "./grafana-dashboard.ts";
export type { PrometheusOptions } from "./prometheus-rules.ts";
export { grafanaDashboardOf, prometheusRulesOf } from "./watch-files.ts";
export { type AsyncApiDocument, type AsyncApiInfo, type AsyncApiServer, type SubscriptionDescription, toAsyncApi } from "./asyncapi.ts";
export { docsPage, type DocsPageOptions, docsPagePolicy } from "./docs-page.ts";
export { type OpenApiDocument, type OpenApiInfo, toOpenApi } from "./openapi.ts";
