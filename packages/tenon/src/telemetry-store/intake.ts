/**
 * What the store takes: telemetry of one resource at a time, in the shapes of the room `telemetry` with what they leave
 * out, who it came from. Both ways in, the sink of this process and the OTLP receiver, end here.
 */
import type { Attributes, HistogramValue, Labels, LogRecord, MetricFamily, Span } from "../telemetry/index.ts";

/** Who produced it. `service.name` is what the store finds it by. */
export type Resource = Attributes;

/** One number, or one histogram, of one series at one time. */
export interface MetricPoint {
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly type: MetricFamily["type"];
  /** Whether a value adds to the ones before, or replaces them. */
  readonly temporality: "cumulative" | "delta";
  readonly labels: Labels;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly value?: number;
  readonly histogram?: Omit<HistogramValue, "exemplars">;
}

export interface Intake {
  readonly resource: Resource;
  readonly spans?: readonly Span[];
  readonly logs?: readonly LogRecord[];
  readonly points?: readonly MetricPoint[];
}

/** What became of what was taken. All numbers are of spans, records and points. */
export interface Kept {
  readonly kept: number;
  /** Refused one by one; the rest is kept. */
  readonly rejected: number;
  /** Why, of the first that was refused; empty where none was. */
  readonly reason: string;
}

/** The name under which a resource is found. `unknown_service` as OpenTelemetry has it. */
export function serviceOf(resource: Resource): string {
  const name = resource["service.name"];
  return typeof name === "string" && name !== "" ? name : "unknown_service";
}
