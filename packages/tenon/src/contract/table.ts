/** The rows of a service, in the same schema language as its contract. The SQL that builds them is in its migrations. */
import { type Duration, parseDuration } from "../kernel/index.ts";
import { MistakeList } from "./mistakes.ts";
import { isSchema, type Schema } from "./schema.ts";

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
  for (const [name, column] of Object.entries(columns)) {
    if (!isSchema(column)) mistakes.add(name, "is not a schema", "use a library with Standard Schema and Standard JSON Schema, such as Zod 4");
    if (!/^[a-z][A-Za-z0-9]*$/.test(name)) mistakes.add(name, "is not a name for a column", "camelCase; it is snake_case in SQL");
  }
  const named = [...key, ...(options.defaults ?? []), ...(options.subject === undefined ? [] : [options.subject])];
  for (const name of named) {
    if (!(name in columns)) mistakes.add(name, "is named as key, default or subject but is no column", `one of: ${Object.keys(columns).join(", ")}`);
  }
  if (key.length === 0) mistakes.add("key", "is empty", "name the column or columns of the primary key");
  if (options.retention !== undefined && parseDuration(options.retention) === undefined) {
    mistakes.add("retention", `"${options.retention}" is not a length of time`, 'a number and a unit: "30d", "7y"');
  }
  mistakes.assertNone();
  return Object.freeze({ columns, key, defaults: options.defaults ?? [], subject: options.subject, retention: options.retention });
}
