/**
 * Metrics as text, in the two formats that are scraped: OpenMetrics 1.0, with units, exemplars and the instants at which
 * counting began, and the format of Prometheus before it.
 *
 * @see https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Exemplar, HistogramValue, Labels, MetricFamily, Series } from "./signals.ts";

export type TextFormat = "openmetrics" | "prometheus";

/** What stands in `content-type`. */
export const textFormatTypes: Readonly<Record<TextFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
};

export function toMetricsText(families: readonly MetricFamily[], format: TextFormat): string {
  const lines: string[] = [];
  for (const family of families) pushFamily(lines, family, format);
  if (format === "openmetrics") lines.push("# EOF");
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function pushFamily(lines: string[], family: MetricFamily, format: TextFormat): void {
  const { help, name, series, type, unit } = family;
  // In OpenMetrics a family is named without what its samples have behind; before, a counter was named by its sample.
  const shown = format === "prometheus" && type === "counter" ? `${name}_total` : name;
  lines.push(`# HELP ${shown} ${escapeHelp(help, format)}`, `# TYPE ${shown} ${type}`);
  if (format === "openmetrics" && unit !== "") lines.push(`# UNIT ${shown} ${unit}`);
  for (const each of series) {
    const labels = labelTexts(each.labels);
    if (each.histogram !== undefined) pushHistogram(lines, name, { labels, histogram: each.histogram, format });
    else lines.push(`${type === "counter" ? `${name}_total` : name}${inBraces(labels)} ${numberText(each.value ?? 0)}`);
    if (format === "openmetrics" && type !== "gauge") lines.push(createdLine(name, labels, each));
  }
}

/** A gauge has no beginning that matters; of the others, it tells a restart from a value that went down. */
function createdLine(name: string, labels: readonly string[], { sinceMs }: Series): string {
  return `${name}_created${inBraces(labels)} ${secondsText(sinceMs)}`;
}

interface HistogramText {
  readonly labels: readonly string[];
  readonly histogram: HistogramValue;
  readonly format: TextFormat;
}

function pushHistogram(lines: string[], name: string, { format, histogram, labels }: HistogramText): void {
  const { bounds, count, counts, exemplars, sum } = histogram;
  let total = 0;
  for (let at = 0; at <= bounds.length; at++) {
    total += counts[at] as number;
    const bound = at === bounds.length ? "+Inf" : boundText(bounds[at] as number, format);
    const exemplar = format === "openmetrics" ? exemplarText(exemplars?.get(at)) : "";
    lines.push(`${name}_bucket${inBraces([...labels, `le="${bound}"`])} ${total}${exemplar}`);
  }
  lines.push(`${name}_sum${inBraces(labels)} ${numberText(sum)}`, `${name}_count${inBraces(labels)} ${count}`);
}

/** The identifiers take 63 of the 128 characters that the labels of an exemplar may have. */
function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  const { spanId, timeMs, traceId, value } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${numberText(value)} ${secondsText(timeMs)}`;
}

function labelTexts(labels: Labels): readonly string[] {
  return Object.entries(labels).map(([name, value]) => `${name}="${escapeQuoted(value)}"`);
}

function inBraces(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labels.join(",")}}`;
}

function escapeQuoted(text: string): string {
  return text.replaceAll(/[\\"\n]/g, (char) => (char === "\n" ? String.raw`\n` : `\\${char}`));
}

/** Only OpenMetrics has quotes escaped here. */
function escapeHelp(text: string, format: TextFormat): string {
  return format === "openmetrics" ? escapeQuoted(text) : text.replaceAll(/[\\\n]/g, (char) => (char === "\n" ? String.raw`\n` : `\\${char}`));
}

/** OpenMetrics writes bounds as floating-point numbers, so that all who expose the same bound name the same series. */
function boundText(bound: number, format: TextFormat): string {
  const text = numberText(bound);
  return format === "openmetrics" && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

function secondsText(ms: number): string {
  return (ms / 1000).toFixed(3);
}
