/** The rows of a service, in the same schema language as its contract. The SQL that builds them is in its migrations. */
import { type Duration, parseDuration } from "../kernel/index.ts";
import { MistakeList, type MistakesAt } from "./mistakes.ts";
import { describeSchema, type Schema } from "./schema.ts";

export type Columns = Readonly<Record<string, Schema>>;

export interface TableOptions<C extends Columns, D extends keyof C & string> {
  /** The primary key: one column, or several. */
  readonly key: (keyof C & string) | readonly (keyof C & string)[];
  /** Columns that the database fills in when an insert leaves them out. */
  readonly defaults?: readonly D[];
  /** The column that says whose personal data a row holds. */
  readonly subject?: keyof C & string;
  /** How long a row may be kept. */
  readonly retention?: Duration;
}

export interface Table<C extends Columns = Columns, D extends string = string> {
  readonly columns: C;
  readonly key: readonly string[];
  readonly defaults: readonly D[];
  readonly subject: string | undefined;
  readonly retention: Duration | undefined;
}

/**
 * Declares a table. A column is camelCase here and snake_case in SQL: `customerId` is `customer_id`.
 *
 * @throws {ContractMistakes} a key, default or subject that is no column, or a column that is no schema.
 */
export function table<C extends Columns, const D extends keyof C & string = never>(columns: C, options: TableOptions<C, D>): Table<C, D> {
  const mistakes = new MistakeList("a table");
  const key: readonly string[] = Array.isArray(options.key) ? options.key : [options.key];
  if (Object.keys(columns).length === 0) mistakes.add("a table", "has no columns", "give it at least its key");
  for (const [name, column] of Object.entries(columns)) checkColumn(name, column, mistakes.at(name));
  const named = { key, defaults: options.defaults ?? [], subject: options.subject === undefined ? [] : [options.subject] };
  for (const [role, names] of Object.entries(named)) {
    for (const name of names) {
      if (!Object.hasOwn(columns, name)) mistakes.add(name, `is named under ${role} but is no column`, `one of: ${Object.keys(columns).join(", ")}`);
    }
    if (new Set(names).size < names.length) mistakes.add(role, "names a column twice", "name each once");
  }
  if (key.length === 0) mistakes.add("key", "is empty", "name the column or columns of the primary key");
  if (options.retention !== undefined && !parseDuration(options.retention)) {
    mistakes.add("retention", `"${options.retention}" is not a length of time`, 'a number and a unit: "30d", "7y"');
  }
  mistakes.assertNone();
  return Object.freeze({ columns, key, defaults: options.defaults ?? [], subject: options.subject, retention: options.retention });
}

function checkColumn(name: string, column: unknown, mistakes: MistakesAt): void {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) mistakes.add("is not a name for a column", "camelCase; it is snake_case in SQL");
  describeSchema("column", column, "output", mistakes);
}
