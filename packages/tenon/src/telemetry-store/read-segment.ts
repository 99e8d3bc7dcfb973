/** One file of the store, opened for reading. Reads while another process writes. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { schemaVersion } from "./segment-schema.ts";
import type { SegmentFile } from "./segment-files.ts";

/** A reader has some forty files open. */
const cacheKiB = 256;
/** How long a question waits for a writer that is just beginning or closing a file, in ms. */
const busyMs = 1_000;

export type Row = Readonly<Record<string, string | number | Uint8Array | null>>;
export type Input = SQLInputValue;

/** The times of the first and the last of something, in µs. */
export interface Bounds {
  readonly firstUs: number;
  readonly lastUs: number;
}

export class ReadSegment {
  readonly number: number;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(number: number, database: DatabaseSync) {
    this.number = number;
    this.#database = database;
  }

  /** `undefined` where the file is gone, is not whole, or is of another version. */
  static open({ number, path }: SegmentFile): ReadSegment | undefined {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { readOnly: true, timeout: busyMs });
      database.exec(`PRAGMA cache_size = -${cacheKiB}`);
      const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
      if (version === schemaVersion) return new ReadSegment(number, database);
      database.close();
    } catch {
      database?.close();
    }
    return undefined;
  }

  all(sql: string, ...values: readonly Input[]): readonly Row[] {
    return this.#prepared(sql).all(...values) as unknown as readonly Row[];
  }

  get(sql: string, ...values: readonly Input[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined;
  }

  /** Row by row, for as long as somebody asks. Several may be under way at once, so each has a statement of its own. */
  iterate(sql: string, ...values: readonly Input[]): Iterator<Row> {
    return this.#database.prepare(sql).iterate(...values) as Iterator<Row>;
  }

  /** `undefined` where there is nothing. */
  bounds(table: "spans" | "logs"): Bounds | undefined {
    const time = table === "spans" ? "start_us" : "time_us";
    const row = this.get(`SELECT (SELECT min(${time}) FROM ${table}) AS first, (SELECT max(${time}) FROM ${table}) AS last`);
    return typeof row?.["first"] === "number" ? { firstUs: row["first"], lastUs: row["last"] as number } : undefined;
  }

  close(): void {
    this.#database.close();
  }

  /** The texts of statements are few: what varies in them is which conditions there are. */
  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    if (this.#statements.size < statementsMax) this.#statements.set(sql, statement);
    return statement;
  }
}

const statementsMax = 100;
