/**
 * Reads several ordered lists, of several files, as one: the newest first, row by row, and no further than somebody
 * asks. A place in it can be written down, so that the next page begins where this one ended.
 */
import type { Row } from "./read-segment.ts";

/** Where a row stands. Rows are ordered by time, then by the file they are in, then by when they came. */
export interface Place {
  readonly timeUs: number;
  readonly segment: number;
  readonly id: number;
}

/** One list. Its rows have `time`, `id` and whatever else, in falling order of both. */
export interface Source {
  readonly segment: number;
  /** No row is newer, in µs: until it is needed the list is not opened. */
  readonly newestUs: number;
  readonly open: () => Iterator<Row>;
}

export interface PlacedRow {
  readonly place: Place;
  readonly row: Row;
}

interface Opened {
  readonly source: Source;
  rows: Iterator<Row> | undefined;
  head: PlacedRow | undefined;
}

/** All rows in order. Closes what it opened when it is left early. */
export function* newestFirst(sources: readonly Source[]): Generator<PlacedRow, void> {
  const lists: Opened[] = sources.map((source) => ({ source, rows: undefined, head: undefined }));
  try {
    for (;;) {
      const first = lists.reduce<Opened | undefined>((best, list) => (best === undefined || isBefore(list, best) ? list : best), undefined);
      if (first === undefined) return;
      const { head } = first;
      advance(first);
      if (first.head === undefined) lists.splice(lists.indexOf(first), 1);
      if (head !== undefined) yield head;
    }
  } finally {
    for (const { rows } of lists) rows?.return?.();
  }
}

function advance(list: Opened): void {
  list.rows ??= list.source.open();
  const next = list.rows.next();
  list.head = next.done === true ? undefined : { row: next.value, place: { timeUs: Number(next.value["time"]), segment: list.source.segment, id: Number(next.value["id"]) } };
}

/** A list that is not open yet stands where its newest row may be. */
function isBefore(a: Opened, b: Opened): boolean {
  return compare(standing(a), standing(b)) < 0;
}

function standing({ head, source }: Opened): Place {
  return head?.place ?? { timeUs: source.newestUs, segment: source.segment, id: Number.MAX_SAFE_INTEGER };
}

/** Below 0 where `a` comes first. */
function compare(a: Place, b: Place): number {
  return b.timeUs - a.timeUs || b.segment - a.segment || b.id - a.id;
}

/** The place as text, to be given back with the next question. */
export function toCursor({ id, segment, timeUs }: Place): string {
  return `${timeUs}-${segment}-${id}`;
}

/** `undefined` for text that is none. */
export function fromCursor(text: string): Place | undefined {
  const match = /^(\d{1,16})-(\d{1,15})-(\d{1,15})$/.exec(text);
  return match === null ? undefined : { timeUs: Number(match[1]), segment: Number(match[2]), id: Number(match[3]) };
}

/** What rows of a file behind a place fulfil, or in front of it and at it. `time` is the name of the column. */
export function besidePlace(place: Place, segment: number, { side, time }: { readonly time: string; readonly side: "behind" | "before" }): { readonly sql: string; readonly values: readonly number[] } {
  const { id, timeUs } = place;
  if (side === "behind") {
    if (segment > place.segment) return { sql: `${time} < ?`, values: [timeUs] };
    if (segment < place.segment) return { sql: `${time} <= ?`, values: [timeUs] };
    return { sql: `${time} <= ? AND (${time} < ? OR id < ?)`, values: [timeUs, timeUs, id] };
  }
  if (segment > place.segment) return { sql: `${time} >= ?`, values: [timeUs] };
  if (segment < place.segment) return { sql: `${time} > ?`, values: [timeUs] };
  return { sql: `${time} >= ? AND (${time} > ? OR id >= ?)`, values: [timeUs, timeUs, id] };
}
