/** Runs of one service in its database: what a turn reads, and the transactions that it writes. */
import { type Database, DatabaseError, isRepeatable, type Rows, runStatement, type RunStatement, type Statement, withSession } from "../data/index.ts";
import type { RecordSeals } from "../privacy/index.ts";
import { ValueToKeep } from "./kept-value.ts";
import { type Run, runColumns, type Step, stepColumns, toRun, toStep } from "./run.ts";
import { isTurnLost, mailText, RunStatements } from "./statements.ts";

/** Another process has brought the run further: nothing of this turn was kept, and nothing is left to do in it. */
export class TurnLost extends Error {
  override readonly name = "TurnLost";
}

export interface Mail {
  readonly seq: number;
  /** Of the event. */
  readonly id: string;
  readonly version: number;
  readonly data: unknown;
}

export interface MailQuery {
  readonly run: string;
  readonly workflow: string;
  readonly type: string;
  readonly key: string | undefined;
  /** What other branches of this turn have taken. */
  readonly taken: ReadonlySet<number>;
}

/** A transaction that lost against another one is tried so often in all. */
const attemptsMax = 4;

export class RunStore {
  readonly service: string;
  readonly statements: RunStatements;
  readonly #database: Database;
  readonly #seals: RecordSeals | undefined;

  /** @param seals  Where anything of the app is encrypted. */
  constructor(database: Database, service: string, seals?: RecordSeals) {
    this.#database = database;
    this.service = service;
    this.#seals = seals;
    this.statements = new RunStatements(service, database.sessions, seals ?? "plain");
  }

  get sessions(): Database["sessions"] {
    return this.#database.sessions;
  }

  /**
   * @param query  Where to read, when not in a session of its own.
   * @throws {Fault} `permission_denied`: it tells of a person whose data is restricted.
   */
  async find(id: string, query: RunStore["read"] = (text, parameters) => this.read(text, parameters), restricted: "refused" | "marked" = "refused"): Promise<{ readonly run: Run; readonly steps: readonly Step[] } | undefined> {
    // In this order: steps that come in between are newer than the run, never older.
    const { rows: runs } = await query(`select ${runColumns} from tenon_runs where id = $1`, [id]);
    const [row] = runs;
    if (row === undefined) return undefined;
    const { rows } = await query(`select ${stepColumns} from tenon_steps where run = $1 order by seq`, [id]);
    const run: RunStatement = (statement) => query(statement.text, statement.parameters);
    const { isWhole, opened: [whole = row, ...steps] } = await this.#open([row, ...rows], run, restricted);
    return { run: toRun(whole, isWhole), steps: steps.map(toStep) };
  }

  /** Rows of runs, for people: each with what of it can be shown. */
  async toRuns(rows: Rows["rows"]): Promise<readonly Run[]> {
    const { opened } = await this.#open(rows, (statement) => this.read(statement.text, statement.parameters), "marked");
    return opened.map((row) => toRun(row, true));
  }

  /** Statements with what they keep sealed for these persons. @param run  Where to look for keys, when not in a session of its own. */
  async sealed(statements: readonly Statement[], persons: readonly string[], run: RunStatement = (statement) => runStatement(this.#database, { service: this.service, mode: "write", ...statement })): Promise<readonly Statement[]> {
    if (this.#seals === undefined || !statements.some(holdsValue)) return statements;
    const seal = await this.#seals.sealer(persons, run);
    const kept = (parameter: unknown): unknown => (parameter instanceof ValueToKeep ? seal(parameter.json) : parameter);
    return statements.map((statement) => (holdsValue(statement) ? { ...statement, parameters: statement.parameters.map(kept) } : statement));
  }

  async #open(rows: Rows["rows"], run: RunStatement, restricted: "refused" | "marked"): Promise<{ readonly opened: Rows["rows"]; readonly isWhole: boolean }> {
    if (this.#seals === undefined) return { opened: rows, isWhole: true };
    const places = rows.flatMap((row, i) => valueColumns.flatMap((column) => (row[column] === null || row[column] === undefined ? [] : [{ i, column }])));
    const { isWhole, values } = await this.#seals.open(places.map(({ column, i }) => rows[i]?.[column]), run, restricted);
    const opened = rows.map((row) => ({ ...row }));
    for (const [at, { column, i }] of places.entries()) (opened[i] as Record<string, unknown>)[column] = values[at];
    return { opened, isWhole };
  }

  async findMail({ key, run, taken, type, workflow }: MailQuery): Promise<Mail | undefined> {
    const { rows } = await this.read(`${mailText("$1", "$2", "$3", "$4")} limit ${taken.size + 1}`, [workflow, type, key ?? null, run]);
    return rows.map((row) => ({ seq: Number(row["seq"]), id: row["id"] as string, version: Number(row["version"]), data: row["data"] })).find(({ seq }) => !taken.has(seq));
  }

  /** Children that have not ended. */
  async openChildren(run: string): Promise<readonly { readonly id: string; readonly isAsked: boolean }[]> {
    const text = "select id, cancel_reason is not null as is_asked from tenon_runs where parent = $1 and state in ('running', 'compensating', 'parked') order by id";
    const { rows } = await this.read(text, [run]);
    return rows.map((row) => ({ id: row["id"] as string, isAsked: row["is_asked"] as boolean }));
  }

  /** How often a person of the run was erased; `undefined` where there is no such run. */
  async erasures(run: string): Promise<number | undefined> {
    const { rows } = await this.read("select erasures from tenon_runs where id = $1", [run]);
    return rows[0]?.["erasures"] as number | undefined;
  }

  async cancelReason(run: string): Promise<string | undefined> {
    const { rows } = await this.read("select cancel_reason from tenon_runs where id = $1", [run]);
    return (rows[0]?.["cancel_reason"] as string | null | undefined) ?? undefined;
  }

  read(text: string, parameters: readonly unknown[]): Promise<Rows> {
    return withSession(this.#database, { service: this.service, mode: "read" }, (session) => session.query(text, parameters));
  }

  /**
   * Writes statements in one transaction.
   *
   * @param persons  Of whom the run tells.
   * @throws {TurnLost}
   */
  async commit(given: readonly Statement[], persons: readonly string[]): Promise<void> {
    const statements = await this.sealed(given, persons);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#commitOnce(statements);
        return;
      } catch (thrown) {
        if (!(thrown instanceof DatabaseError)) throw thrown;
        if (isTurnLost(thrown)) throw new TurnLost("another process has brought the run further", { cause: thrown });
        if (!isRepeatable(thrown) || attempt === attemptsMax) throw thrown;
      }
    }
  }

  /** One statement by itself. @returns How many rows it touched. */
  async write([statement, ...rest]: readonly Statement[]): Promise<number> {
    let affected = 0;
    await withSession(this.#database, { service: this.service, mode: "write" }, async (session) => {
      try {
        ({ affected } = await session.batch([begin, statement as Statement]));
        await session.batch([...rest, end]);
      } catch (thrown) {
        await session.query("rollback", []).catch(() => undefined);
        throw thrown;
      }
    });
    return affected;
  }

  async #commitOnce(statements: readonly Statement[]): Promise<void> {
    await withSession(this.#database, { service: this.service, mode: "write" }, async (session) => {
      try {
        await session.batch([begin, ...statements, end]);
      } catch (thrown) {
        await session.query("rollback", []).catch(() => undefined);
        throw thrown;
      }
    });
  }
}

/** Of runs and of steps. */
const valueColumns = ["input", "output", "result", "detail"] as const;

function holdsValue({ parameters }: Statement): boolean {
  return parameters.some((parameter) => parameter instanceof ValueToKeep);
}

const begin: Statement = { text: "begin", parameters: [] };
const end: Statement = { text: "commit", parameters: [] };
