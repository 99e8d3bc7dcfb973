/**
 * Finds traces: those that have a span with all that is asked for, the newest first by their newest such span.
 *
 * Walks one index from the present backwards: that of the operations asked for, of failed spans, of slow ones, or of
 * all; the rest of the question is put to each row. It looks at 50 000 spans at most and then gives back what it has,
 * with a cursor to go on from, so no question takes longer than that, however much is stored.
 */
import type { Span } from "../telemetry/index.ts";
import { besidePlace, fromCursor, newestFirst, type Place, type Source, toCursor } from "./newest-first.ts";
import type { Input, ReadSegment, Row } from "./read-segment.ts";
import { slowUs } from "./segment-schema.ts";

export interface TraceFilter {
  readonly service?: string;
  /** The name of a span, whole. */
  readonly operation?: string;
  readonly status?: "error";
  /** Shortest duration of the span, in ms. */
  readonly minMs?: number;
  /** Earliest start of the span, in ms since 1970. */
  readonly fromMs?: number;
  /** Latest start of the span, in ms since 1970. */
  readonly toMs?: number;
  /** Attributes that the span has, each with this value. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Traces in one page. Default 20, at most 500. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

export interface TraceSummary {
  readonly traceId: string;
  /** Of the root, or of the earliest span where the root is not here. */
  readonly service: string;
  readonly operation: string;
  readonly startMs: number;
  /** From the first start to the last end. */
  readonly durationMs: number;
  readonly spans: number;
  readonly errors: number;
  readonly services: readonly string[];
}

export interface TracePage {
  readonly traces: readonly TraceSummary[];
  /** Where the next page begins; `undefined` where nothing is left. */
  readonly next: string | undefined;
}

const limitMax = 500;
const examinedMax = 50_000;
/** Operations whose indexes are walked side by side; with more, that of all spans is. */
const operationsMax = 64;
/** Spans of one file that the summaries of a page are made of. */
const summaryMax = 50_000;

/** @throws {RangeError} a limit, a cursor or the name of an attribute that is none. */
export function findTraces(segments: readonly ReadSegment[], filter: TraceFilter): TracePage {
  const { cursor, limit = 20 } = filter;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > limitMax) throw new RangeError(`limit must be a whole number from 1 to ${limitMax}, got ${limit}`);
  const place = cursor === undefined ? undefined : fromCursor(cursor);
  if (cursor !== undefined && place === undefined) throw new RangeError(`"${cursor}" is not a cursor`);
  const conditions = rowConditions(filter);
  // A trace of an earlier page has a span that is newer than where this one begins: few files have any.
  const newer = place === undefined ? [] : segments.filter((segment) => (segment.bounds("spans")?.lastUs ?? 0) >= place.timeUs);
  const found = new Set<string>();
  let examined = 0;
  let last: Place | undefined;
  for (const { place: at, row } of newestFirst(segments.flatMap((segment) => sourcesOf(segment, { filter, conditions, place })))) {
    if (found.size >= limit || examined >= examinedMax) return { traces: summaries(segments, found), next: last === undefined ? undefined : toCursor(last) };
    examined += 1;
    last = at;
    if (row["hit"] !== 1) continue;
    const traceId = toHex(row["trace"]);
    if (found.has(traceId)) continue;
    if (place === undefined || !wasShown(newer, traceId, { filter, conditions, place })) found.add(traceId);
  }
  return { traces: summaries(segments, found), next: undefined };
}

interface Condition {
  readonly sql: string;
  readonly values: readonly Input[];
}

interface Question {
  readonly filter: TraceFilter;
  /** What each row is asked, besides what its index answers. */
  readonly conditions: readonly Condition[];
  readonly place: Place | undefined;
}

function rowConditions({ attributes = {}, minMs, operation, service, status }: TraceFilter): readonly Condition[] {
  const conditions: Condition[] = [];
  if (status === "error") conditions.push({ sql: "status = 2", values: [] });
  if (minMs !== undefined) conditions.push({ sql: "duration_us >= ?", values: [Math.round(minMs * 1_000)] });
  // Spans whose operation was one too many for its file have the number 0 and say it themselves.
  if (operation !== undefined) conditions.push({ sql: "(operation IN (SELECT id FROM operations WHERE name = ?) OR (operation = 0 AND body ->> '$.name' = ?))", values: [operation, operation] });
  if (service !== undefined) conditions.push({ sql: "resource IN (SELECT id FROM resources WHERE service = ?)", values: [service] });
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "" || name.includes('"')) throw new RangeError(`${JSON.stringify(name)} is not the name of an attribute`);
    conditions.push({ sql: "body -> ? IN (?, ?)", values: [`$.attributes."${name}"`, JSON.stringify(value), value] });
  }
  return conditions;
}

function sourcesOf(segment: ReadSegment, question: Question): readonly Source[] {
  const { filter, place } = question;
  const bounds = segment.bounds("spans");
  if (bounds === undefined || bounds.lastUs < fromUs(filter) || bounds.firstUs > toUs(filter)) return [];
  const newestUs = Math.min(bounds.lastUs, toUs(filter), place?.timeUs ?? Number.MAX_SAFE_INTEGER);
  return walksOf(segment, filter).map((walk) => ({ segment: segment.number, newestUs, open: () => rowsOf(segment, walk, question) }));
}

/** The index to walk, with the conditions that make it the right one. */
interface Walk extends Condition {
  readonly index: string;
}

function walksOf(segment: ReadSegment, { minMs = 0, operation, service, status }: TraceFilter): readonly Walk[] {
  if (operation !== undefined || service !== undefined) {
    const rows = segment.all("SELECT id FROM operations WHERE coalesce(name = ?, 1) AND coalesce(service = ?, 1) LIMIT ?", operation ?? null, service ?? null, operationsMax + 1);
    if (rows.length <= operationsMax) return [0, ...rows.map(({ id }) => Number(id))].map((id) => ({ index: "spans_operation", sql: "operation = ?", values: [id] }));
  }
  // Literals, by which SQLite sees that the index holds all that is asked for.
  if (status === "error") return [{ index: "spans_failed", sql: "status = 2", values: [] }];
  if (minMs * 1_000 >= slowUs) return [{ index: "spans_slow", sql: `duration_us >= ${slowUs}`, values: [] }];
  return [{ index: "spans_start", sql: "1", values: [] }];
}

function rowsOf(segment: ReadSegment, walk: Walk, { conditions, filter, place }: Question): Iterator<Row> {
  const beside = place === undefined ? { sql: "1", values: [] } : besidePlace(place, segment.number, { time: "start_us", side: "behind" });
  const hit = conditions.length === 0 ? "1" : conditions.map(({ sql }) => sql).join(" AND ");
  const sql = `SELECT id, start_us AS time, trace, (${hit}) AS hit FROM spans INDEXED BY ${walk.index}
    WHERE ${walk.sql} AND start_us BETWEEN ? AND ? AND ${beside.sql} ORDER BY start_us DESC, id DESC`;
  return segment.iterate(sql, ...conditions.flatMap(({ values }) => values), ...walk.values, fromUs(filter), toUs(filter), ...beside.values);
}

/** A trace is where its newest matching span is; the older ones of a trace on an earlier page are not news. */
function wasShown(segments: readonly ReadSegment[], traceId: string, { conditions, filter, place }: Question & { readonly place: Place }): boolean {
  return segments.some((segment) => {
    const beside = besidePlace(place, segment.number, { time: "start_us", side: "before" });
    const all = [...conditions.map(({ sql }) => sql), "start_us BETWEEN ? AND ?", beside.sql].join(" AND ");
    const values = [...conditions.flatMap((each) => each.values), fromUs(filter), toUs(filter), ...beside.values];
    return segment.get(`SELECT 1 FROM spans INDEXED BY spans_trace WHERE trace = ? AND ${all} LIMIT 1`, Buffer.from(traceId, "hex"), ...values) !== undefined;
  });
}

/** All at once from each file: a question costs more than what it reads. */
const summarySql = `SELECT s.trace, s.span, s.parent, s.start_us AS start, s.start_us + s.duration_us AS finish, s.status, r.service, coalesce(o.name, s.body ->> '$.name', '') AS name
  FROM json_each(?) asked CROSS JOIN spans s INDEXED BY spans_trace ON s.trace = unhex(asked.value)
  LEFT JOIN operations o ON o.id = s.operation LEFT JOIN resources r ON r.id = s.resource LIMIT ?`;

function summaries(segments: readonly ReadSegment[], traceIds: ReadonlySet<string>): readonly TraceSummary[] {
  const byTrace = new Map<string, Row[]>([...traceIds].map((traceId) => [traceId, []]));
  const asked = JSON.stringify([...traceIds]);
  for (const segment of traceIds.size === 0 ? [] : segments) {
    for (const row of segment.all(summarySql, asked, summaryMax)) byTrace.get(toHex(row["trace"]))?.push(row);
  }
  return [...byTrace].flatMap(([traceId, rows]) => summaryOf(traceId, rows) ?? []);
}

function summaryOf(traceId: string, rows: readonly Row[]): TraceSummary | undefined {
  const known = new Set(rows.map(({ span }) => toHex(span)));
  const byStart = rows.toSorted((a, b) => Number(a["start"]) - Number(b["start"]));
  const root = byStart.find(({ parent }) => toHex(parent) === "") ?? byStart.find(({ parent }) => !known.has(toHex(parent))) ?? byStart[0];
  if (root === undefined) return undefined; // its file went away meanwhile
  const startUs = Number(byStart[0]?.["start"]);
  const endUs = rows.reduce((latest, { finish }) => Math.max(latest, Number(finish)), startUs);
  return {
    traceId,
    service: String(root["service"]),
    operation: String(root["name"]),
    startMs: startUs / 1_000,
    durationMs: (endUs - startUs) / 1_000,
    spans: rows.length,
    errors: rows.filter(({ status }) => status === 2).length,
    services: [...new Set(byStart.map(({ service }) => String(service)))],
  };
}

function fromUs({ fromMs = 0 }: TraceFilter): number {
  return Math.floor(fromMs * 1_000);
}

function toUs({ toMs }: TraceFilter): number {
  return toMs === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(toMs * 1_000);
}

export function toHex(bytes: Row[string] | undefined): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex") : "";
}

/** A span with who made it. */
export interface StoredSpan extends Span {
  readonly service: string;
  readonly resource: Readonly<Record<string, unknown>>;
}
