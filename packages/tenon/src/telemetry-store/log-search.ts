/**
 * Finds log records: the newest first in pages, or in the order of their arrival, to follow a log live. Looks at 50 000
 * records at most and then gives back what it has, with a cursor to go on from. Texts are looked for by reading, not by
 * an index of words: it would double what a record costs to write, for questions that are asked once a day.
 */
import type { LogRecord } from "../telemetry/index.ts";
import { besidePlace, fromCursor, newestFirst, type Place, type Source, toCursor } from "./newest-first.ts";
import type { Input, ReadSegment, Row } from "./read-segment.ts";
import { levels } from "./segment.ts";
import { toHex } from "./trace-search.ts";

export interface LogFilter {
  /** This level and those above. */
  readonly level?: LogRecord["level"];
  readonly service?: string;
  /** In the message or in the fields, in whatever case (of a to z). */
  readonly text?: string;
  /** 32 hexadecimal digits. */
  readonly traceId?: string;
  /** Ms since 1970. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Records in one page. Default 100, at most 1 000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

export interface StoredLog extends LogRecord {
  readonly service: string;
}

export interface LogPage {
  readonly logs: readonly StoredLog[];
  /** Where the next page begins; `undefined` where nothing is left. */
  readonly next: string | undefined;
}

/** Up to where somebody has followed a log. */
export interface LogEnd {
  readonly segment: number;
  readonly id: number;
}

const limitMax = 1_000;
const examinedMax = 50_000;
const columns = `l.id, l.time_us AS time, l.level, l.trace, l.span, l.message, l.fields, r.service FROM logs l LEFT JOIN resources r ON r.id = l.resource`;

/** @throws {RangeError} a limit or a cursor that is none. */
export function findLogs(segments: readonly ReadSegment[], filter: LogFilter): LogPage {
  const { cursor } = filter;
  const limit = limitOf(filter);
  const place = cursor === undefined ? undefined : fromCursor(cursor);
  if (cursor !== undefined && place === undefined) throw new RangeError(`"${cursor}" is not a cursor`);
  const byNumber = new Map(segments.map((segment) => [segment.number, segment]));
  const logs: StoredLog[] = [];
  let examined = 0;
  let last: Place | undefined;
  for (const { place: at, row } of newestFirst(segments.flatMap((segment) => sourceOf(segment, filter, place)))) {
    if (logs.length >= limit || examined >= examinedMax) return { logs, next: last === undefined ? undefined : toCursor(last) };
    examined += 1;
    last = at;
    if (row["hit"] !== 1) continue;
    const whole = byNumber.get(at.segment)?.get(`SELECT ${columns} WHERE l.id = ?`, at.id);
    if (whole !== undefined) logs.push(toLog(whole));
  }
  return { logs, next: undefined };
}

/** Where the log ends at the moment. */
export function endOfLogs(segments: readonly ReadSegment[]): LogEnd {
  const last = segments.at(-1);
  return { segment: last?.number ?? 0, id: Number(last?.get("SELECT max(id) AS id FROM logs")?.["id"] ?? 0) };
}

/** What has arrived since, in the order of arrival, and how far that goes. Takes of a filter all but its times and its cursor. */
export function followLogs(segments: readonly ReadSegment[], end: LogEnd, filter: LogFilter): { readonly logs: readonly StoredLog[]; readonly end: LogEnd } {
  const limit = limitOf(filter);
  const { sql, values } = conditionsOf(filter);
  const logs: StoredLog[] = [];
  let reached = end;
  for (const segment of segments.filter(({ number }) => number >= end.segment)) {
    const from = segment.number === end.segment ? end.id : 0;
    const rows = segment.all(`SELECT ${columns} WHERE l.id > ? AND l.id <= ? AND ${sql} ORDER BY l.id LIMIT ?`, from, from + examinedMax, ...values, limit - logs.length);
    logs.push(...rows.map(toLog));
    const newest = Number(segment.get("SELECT max(id) AS id FROM logs")?.["id"] ?? 0);
    const isCut = logs.length >= limit;
    reached = { segment: segment.number, id: isCut ? Number(rows.at(-1)?.["id"] ?? from) : Math.max(from, Math.min(newest, from + examinedMax)) };
    if (isCut || reached.id < newest) break;
  }
  return { logs, end: reached };
}

function limitOf({ limit = 100 }: LogFilter): number {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > limitMax) throw new RangeError(`limit must be a whole number from 1 to ${limitMax}, got ${limit}`);
  return limit;
}

function conditionsOf({ level, service, text, traceId }: LogFilter): { readonly sql: string; readonly values: readonly Input[] } {
  const conditions: { readonly sql: string; readonly values: readonly Input[] }[] = [];
  if (level !== undefined) conditions.push({ sql: "l.level >= ?", values: [levels.indexOf(level)] });
  if (traceId !== undefined) conditions.push({ sql: "l.trace = ?", values: [Buffer.from(traceId, "hex")] });
  if (service !== undefined) conditions.push({ sql: "l.resource IN (SELECT id FROM resources WHERE service = ?)", values: [service] });
  if (text !== undefined) conditions.push({ sql: "(instr(lower(l.message), lower(?)) > 0 OR instr(lower(l.fields), lower(?)) > 0)", values: [text, text] });
  return { sql: conditions.length === 0 ? "1" : conditions.map(({ sql }) => sql).join(" AND "), values: conditions.flatMap(({ values }) => values) };
}

function sourceOf(segment: ReadSegment, filter: LogFilter, place: Place | undefined): readonly Source[] {
  const bounds = segment.bounds("logs");
  const fromUs = Math.floor((filter.fromMs ?? 0) * 1_000);
  const toUs = filter.toMs === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(filter.toMs * 1_000);
  if (bounds === undefined || bounds.lastUs < fromUs || bounds.firstUs > toUs) return [];
  const { sql, values } = conditionsOf(filter);
  const beside = place === undefined ? { sql: "1", values: [] } : besidePlace(place, segment.number, { side: "behind", time: "l.time_us" });
  const { index, needs } = indexOf(filter, sql);
  const text = `SELECT l.id AS id, l.time_us AS time, (${sql}) AS hit FROM logs l INDEXED BY ${index}
    WHERE ${needs} AND l.time_us BETWEEN ? AND ? AND ${beside.sql.replace("OR id", "OR l.id")} ORDER BY l.time_us DESC, l.id DESC`;
  const needed = needs === sql ? values : [];
  return [{ segment: segment.number, newestUs: Math.min(bounds.lastUs, toUs, place?.timeUs ?? toUs), open: () => segment.iterate(text, ...values, ...needed, fromUs, toUs, ...beside.values) }];
}

/** By the trace where it is known: those are few, and are sorted. Else by time, of the bad ones where only they are asked for. */
function indexOf({ level, traceId }: LogFilter, all: string): { readonly index: string; readonly needs: string } {
  if (traceId !== undefined) return { index: "logs_trace", needs: all };
  return level === "warn" || level === "error" ? { index: "logs_bad", needs: "l.level >= 2" } : { index: "logs_time", needs: "1" };
}

function toLog(row: Row): StoredLog {
  return {
    timeMs: Number(row["time"]) / 1_000,
    level: levels[Number(row["level"])] ?? "info",
    message: String(row["message"]),
    fields: JSON.parse(String(row["fields"])) as LogRecord["fields"],
    traceId: toHex(row["trace"]),
    spanId: toHex(row["span"]),
    service: String(row["service"]),
  };
}
