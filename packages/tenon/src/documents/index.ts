/** Documents of contracts: OpenAPI, AsyncAPI, and the page that shows both. */
export { type GrafanaDashboard, toGrafanaDashboard } from "./grafana-dashboard.ts";
export { type PrometheusOptions, toPrometheusRules } from "./prometheus-rules.ts";
export { type AsyncApiDocument, type AsyncApiInfo, type AsyncApiServer, type SubscriptionDescription, toAsyncApi } from "./asyncapi.ts";
export { docsPage, type DocsPageOptions, docsPagePolicy } from "./docs-page.ts";
export { type OpenApiDocument, type OpenApiInfo, toOpenApi } from "./openapi.ts";
