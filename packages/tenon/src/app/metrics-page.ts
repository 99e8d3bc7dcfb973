/** `/metrics`: what the app counts, in the format that whoever scrapes it likes best. */
import { type Page, preferredType } from "../rest/index.ts";
import { type Metrics, type TextFormat, textFormatTypes, toMetricsText } from "../telemetry/index.ts";

export function metricsPage(metrics: Metrics): Page {
  return {
    path: "/metrics",
    async answer(request) {
      const format = formatFor(request.header("accept"));
      await metrics.refresh();
      return { status: 200, headers: ["content-type", textFormatTypes[format], "cache-control", "no-store", "vary", "accept"], body: toMetricsText(metrics.collect(), format) };
    },
  };
}

/** OpenMetrics where it is asked for by name, in a version that we write; whoever takes anything gets the older text, which all can read. */
function formatFor(accept: string | undefined): TextFormat {
  const ranges = accept?.split(",").filter((range) => !range.includes("application/openmetrics-text") || !/version="?(?!1\.0\.0)/.test(range));
  return preferredType(ranges?.join(","), ["text/plain", "application/openmetrics-text"]) === "application/openmetrics-text" ? "openmetrics" : "prometheus";
}
