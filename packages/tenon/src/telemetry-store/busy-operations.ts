/** What runs: operations by how often they ran lately, how often they failed, and how long they took. */
import { type SpanKind, spanKinds } from "../telemetry/index.ts";
import { addTo, type DurationCounts, fromText, quantileMs } from "./duration-histogram.ts";
import { slotS } from "./operation-rates.ts";
import type { ReadSegment } from "./read-segment.ts";

export interface BusyQuery {
  /** From here on, in ms since 1970; times are rounded to slots of ten seconds. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly service?: string;
  /** Default `entries`: what was called from outside or began by itself. `all` has calls to others and inner work besides. */
  readonly which?: "entries" | "all";
  readonly sortBy?: "rate" | "errors" | "p99" | "time";
  /** Default 50, at most 1 000. */
  readonly limit?: number;
}

export interface BusyOperation {
  readonly service: string;
  readonly operation: string;
  readonly kind: SpanKind;
  readonly count: number;
  readonly errors: number;
  /** Per second. */
  readonly rate: number;
  /** Part of all, from 0 to 1. */
  readonly errorRate: number;
  /** Right to 4.5 %. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

const kinds = new Map(Object.entries(spanKinds).map(([name, number]) => [number as number, name as SpanKind]));
const others = "(others)";

interface Sum {
  readonly service: string;
  readonly operation: string;
  readonly kind: SpanKind;
  count: number;
  errors: number;
  readonly durations: DurationCounts;
}

/** @throws {RangeError} a limit that is none. */
export function busyOperations(segments: readonly ReadSegment[], query: BusyQuery): readonly BusyOperation[] {
  const { fromMs, limit = 50, service, sortBy = "rate", toMs, which = "entries" } = query;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1_000) throw new RangeError(`limit must be a whole number from 1 to 1000, got ${limit}`);
  const [fromS, toS] = [fromMs, toMs].map((ms) => Math.floor(ms / 1_000 / slotS) * slotS) as [number, number];
  const sums = new Map<string, Sum>();
  for (const segment of segments) {
    const rows = segment.all(
      `SELECT r.count, r.errors, r.durations, o.service, o.name, o.kind FROM rates r LEFT JOIN operations o ON o.id = r.operation
       WHERE r.slot_s BETWEEN ? AND ? AND coalesce(o.service = ?, 1) AND (? OR coalesce(o.is_entry, 1))`,
      fromS, toS, service ?? null, which === "all" ? 1 : 0,
    );
    for (const row of rows) {
      const operation = { service: String(row["service"] ?? others), operation: String(row["name"] ?? others), kind: kinds.get(Number(row["kind"])) ?? "internal" };
      const key = JSON.stringify(operation);
      const sum = sums.get(key) ?? { ...operation, count: 0, errors: 0, durations: new Map() };
      sums.set(key, sum);
      sum.count += Number(row["count"]);
      sum.errors += Number(row["errors"]);
      for (const [bucket, count] of fromText(String(row["durations"]))) addTo(sum.durations, bucket, count);
    }
  }
  const seconds = Math.max(1, toMs / 1_000 - fromS); // from the beginning of a slot: all of it was counted
  return [...sums.values()].map((sum) => toOperation(sum, seconds)).sort(orders[sortBy]).slice(0, limit);
}

const orders: Readonly<Record<NonNullable<BusyQuery["sortBy"]>, (a: BusyOperation, b: BusyOperation) => number>> = {
  rate: (a, b) => b.count - a.count,
  errors: (a, b) => b.errors - a.errors || b.count - a.count,
  p99: (a, b) => b.p99Ms - a.p99Ms,
  time: (a, b) => b.count * b.p50Ms - a.count * a.p50Ms,
};

function toOperation({ count, durations, errors, kind, operation, service }: Sum, seconds: number): BusyOperation {
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((part) => quantileMs(durations, part)) as [number, number, number];
  return { service, operation, kind, count, errors, rate: count / seconds, errorRate: count === 0 ? 0 : errors / count, p50Ms, p95Ms, p99Ms };
}
