/** Traces in words: a list of them, and one as a tree with a bar for each span. */
import type { StoredSpan, TraceSummary } from "../../telemetry-store/index.ts";
import { alignColumns } from "../columns.ts";
import { countOf } from "../plural.ts";
import type { Terminal } from "../terminal.ts";
import { durationText, plainText, timeText } from "./measure-text.ts";

/** Columns of the bar. */
const barWidth = 32;

export function traceListText(traces: readonly TraceSummary[], terminal: Terminal): string {
  const heads = ["TRACE", "START", "OPERATION", "DURATION", "SPANS", "SERVICES", "ERRORS"].map((head) => terminal.style("bold", head));
  const rows = traces.map(({ durationMs, errors, operation, service, services, spans, startMs, traceId }) => [
    traceId,
    timeText(startMs),
    plainText(`${service} ${operation}`),
    durationText(durationMs),
    String(spans),
    plainText(services.join(", ")),
    errors === 0 ? "" : terminal.style("red", countOf(errors, "error")),
  ]);
  return alignColumns([heads, ...rows]);
}

export interface TreeOptions {
  readonly attributes: "shown" | "hidden";
  readonly terminal: Terminal;
}

export function traceTreeText(spans: readonly StoredSpan[], { attributes, terminal }: TreeOptions): string {
  const startMs = Math.min(...spans.map((span) => span.startMs));
  const endMs = Math.max(...spans.map((span) => span.endMs));
  const errors = spans.filter(({ status }) => status === "error").length;
  const services = new Set(spans.map(({ service }) => service)).size;
  const facts = [countOf(spans.length, "span"), countOf(services, "service"), durationText(endMs - startMs), ...(errors === 0 ? [] : [terminal.style("red", countOf(errors, "error"))])];
  const lines = treeOf(spans);
  const rows = lines.map(({ branch, span }) => [
    `${terminal.style("dim", branch)}${nameText(span, terminal)}`,
    span.kind,
    durationText(span.endMs - span.startMs).padStart(9),
    barText(span, { startMs, lengthMs: endMs - startMs, terminal }),
    noteText(span, terminal),
  ]);
  const table = alignColumns(rows).split("\n");
  const body = lines.flatMap(({ span, under }, at) => [table[at] ?? "", ...(attributes === "shown" ? detailLines(span).map((line) => terminal.style("dim", `${under}    ${line}`)) : [])]);
  return [`${terminal.style("bold", `trace ${spans[0]?.traceId ?? ""}`)}  ${timeText(startMs)}`, facts.join(", "), "", ...body].join("\n");
}

interface TreeLine {
  readonly span: StoredSpan;
  /** What stands in front of the name. */
  readonly branch: string;
  /** What stands in front of what belongs to the span, on further lines. */
  readonly under: string;
}

/** Depth first. A span whose parent is not here stands at the left, as a root does; so does one of a ring, which no sender makes on purpose. */
function treeOf(spans: readonly StoredSpan[]): readonly TreeLine[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = new Map<string, StoredSpan[]>();
  for (const span of spans) {
    const parent = known.has(span.parentSpanId) && span.parentSpanId !== span.spanId ? span.parentSpanId : "";
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const lines: TreeLine[] = [];
  const shown = new Set<StoredSpan>();
  // Pushed in reverse, so that the earliest is taken first. No recursion: a chain may be ten thousand deep.
  const waiting: TreeLine[] = [];
  const push = (parent: string, under: string): void => {
    const own = children.get(parent) ?? [];
    own.toReversed().forEach((span, fromEnd) => waiting.push(parent === "" ? { span, branch: "", under: "" } : { span, branch: `${under}${fromEnd === 0 ? "└ " : "├ "}`, under: `${under}${fromEnd === 0 ? "  " : "│ "}` }));
  };
  const drain = (): void => {
    for (let line = waiting.pop(); line !== undefined; line = waiting.pop()) {
      if (shown.has(line.span)) continue;
      shown.add(line.span);
      lines.push(line);
      push(line.span.spanId, line.under);
    }
  };
  push("", "");
  drain();
  for (const span of spans) {
    if (shown.has(span)) continue;
    waiting.push({ span, branch: "", under: "" });
    drain();
  }
  return lines;
}

function nameText({ name, service, status }: StoredSpan, terminal: Terminal): string {
  const text = plainText(`${service} ${name}`);
  return status === "error" ? terminal.style("red", text) : text;
}

function barText(span: StoredSpan, { lengthMs, startMs, terminal }: { readonly startMs: number; readonly lengthMs: number; readonly terminal: Terminal }): string {
  const scale = lengthMs === 0 ? 0 : barWidth / lengthMs;
  const from = Math.min(barWidth - 1, Math.floor((span.startMs - startMs) * scale));
  const length = Math.max(1, Math.min(barWidth - from, Math.round((span.endMs - span.startMs) * scale)));
  return `${" ".repeat(from)}${terminal.style(span.status === "error" ? "red" : "cyan", "█".repeat(length))}${" ".repeat(barWidth - from - length)}`;
}

function noteText({ links, message, status }: StoredSpan, terminal: Terminal): string {
  const linked = links.length === 0 ? [] : [terminal.style("dim", `linked to ${links.map(({ traceId }) => traceId).join(", ")}`)];
  return [...(status === "error" && message !== "" ? [terminal.style("red", plainText(message))] : []), ...linked].join("  ");
}

function detailLines({ attributes, events }: StoredSpan): readonly string[] {
  return [
    ...Object.entries(attributes).map(([name, value]) => plainText(`${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`)),
    ...events.map(({ attributes: more = {}, name, timeMs }) => plainText(`${timeText(timeMs)} ${name} ${Object.keys(more).length === 0 ? "" : JSON.stringify(more)}`).trimEnd()),
  ];
}
