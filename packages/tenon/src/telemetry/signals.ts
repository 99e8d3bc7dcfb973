/**
 * What telemetry is made of, as whoever exports or keeps it sees it. Nothing in here holds a personal value: what a
 * contract classes as personal, sensitive or secret is replaced by its class before it gets here.
 */

/** Numbers as OTLP has them: https://opentelemetry.io/docs/specs/otlp/ */
export const spanKinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;
export type SpanKind = keyof typeof spanKinds;

export type AttributeValue = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];
/** Names by the semantic conventions of OpenTelemetry where there is one, else `tenon.…`. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface SpanLink {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly attributes?: Attributes;
}

export interface SpanEvent {
  readonly name: string;
  /** Milliseconds since 1970, with fractions. */
  readonly timeMs: number;
  readonly attributes?: Attributes;
}

/** A span that has ended. Parts of it may be made when they are read. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Empty at the root. */
  readonly parentSpanId: string;
  /** As it came; empty when none did. */
  readonly traceState: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly status: "unset" | "ok" | "error";
  /** Why, where the status is `error`: a code or the words of the platform, never those of an input. */
  readonly message: string;
  readonly attributes: Attributes;
  readonly links: readonly SpanLink[];
  readonly events: readonly SpanEvent[];
}

/** One reading of all series of one name. */
export interface MetricFamily {
  /** As in OpenMetrics, without `_total`: `tenon_calls`. */
  readonly name: string;
  readonly help: string;
  /** `seconds`, `bytes`, … or empty. */
  readonly unit: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly series: readonly Series[];
}

export type Labels = Readonly<Record<string, string>>;

export interface Series {
  readonly labels: Labels;
  /** Of a counter or a gauge. */
  readonly value?: number;
  readonly histogram?: HistogramValue;
  /** When counting began, in milliseconds since 1970. */
  readonly sinceMs: number;
}

export interface HistogramValue {
  /** Upper bounds, ascending, without infinity. */
  readonly bounds: readonly number[];
  /** One per bound and one for what is above all of them; not cumulative. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
  readonly count: number;
  /** The latest of each bucket that has one, by its place. */
  readonly exemplars?: ReadonlyMap<number, Exemplar>;
}

/** A trace that stands for a bucket. */
export interface Exemplar {
  readonly value: number;
  readonly timeMs: number;
  readonly traceId: string;
  readonly spanId: string;
}

export interface LogRecord {
  readonly timeMs: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Of the call in which it was said; empty outside of any. */
  readonly traceId: string;
  readonly spanId: string;
}

/** Takes what has ended. Must not wait and must not throw; what it cannot keep it drops, and counts. */
export interface TelemetrySink {
  spans?(spans: readonly Span[]): void;
  logs?(records: readonly LogRecord[]): void;
  metrics?(families: readonly MetricFamily[]): void;
}
