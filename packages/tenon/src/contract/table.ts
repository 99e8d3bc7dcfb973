/** The rows of a service, in the same schema language as its contract. The SQL that builds them is in its migrations. */
import { type Duration, parseDuration } from "../kernel/index.ts";
import { type DataClass, dataClassesOf, strictness } from "./data-class.ts";
import { MistakeList, type MistakesAt } from "./mistakes.ts";
import { describeSchema, type Schema, toJsonSchema } from "./schema.ts";

export type Columns = Readonly<Record<string, Schema>>;

export interface TableOptions<C extends Columns, D extends keyof C & string> {
  /** The primary key: one column, or several. */
  readonly key: (keyof C & string) | readonly (keyof C & string)[];
  /** Columns that the database fills in when an insert leaves them out. */
  readonly defaults?: readonly D[];
  /**
   * The column that says whose personal data a row holds. With it, columns marked `personal` or `sensitive` are stored
   * encrypted under a key of that subject; columns of the key and this one itself are not.
   */
  readonly subject?: keyof C & string;
  /** How long a row may be kept, from the instant in `retentionFrom`. */
  readonly retention?: Duration;
  /** The column with the instant that `retention` counts from. Default `createdAt`, where there is one. */
  readonly retentionFrom?: keyof C & string;
  /**
   * Encrypted columns that can be looked up: `where("email", "=", …)` and `in` go by a keyed digest in a column beside it,
   * `email_index text`. `ignore-case` takes `A@b.c` and `a@b.c` for one.
   */
  readonly blindIndex?: Readonly<{ [K in keyof C & string]?: "exact" | "ignore-case" }>;
  /**
   * What an erasure does with rows of the subject. Default `delete`. `keep` says on which legal ground rows stay: without
   * their encrypted values, which become null.
   */
  readonly erase?: "delete" | { readonly keep: string };
}

export interface Table<C extends Columns = Columns, D extends string = string> {
  readonly columns: C;
  readonly key: readonly string[];
  readonly defaults: readonly D[];
  readonly subject: string | undefined;
  readonly retention: Duration | undefined;
  readonly retentionFrom: string | undefined;
  readonly blindIndex: Readonly<Record<string, "exact" | "ignore-case">>;
  readonly erase: "delete" | { readonly keep: string };
}

/**
 * Columns whose values are stored encrypted: those that tell of the subject, without the columns that rows are found by.
 * A column counts as classified where its schema is, or any field inside of it.
 */
export function encryptedColumns({ columns, key, subject }: Pick<Table, "columns" | "key" | "subject">): ReadonlyMap<string, DataClass> {
  const found = new Map<string, DataClass>();
  if (subject === undefined) return found;
  for (const [name, schema] of Object.entries(columns)) {
    if (name === subject || key.includes(name)) continue;
    const classes = [...dataClassesOf(toJsonSchema(schema, "output")).values()].toSorted((a, b) => strictness[b] - strictness[a]);
    const [strictest] = classes;
    if (strictest !== undefined) found.set(name, strictest);
  }
  return found;
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
  const { blindIndex = {}, defaults = [], erase = "delete", retention, subject } = options;
  const retentionFrom = options.retentionFrom ?? (Object.hasOwn(columns, "createdAt") ? "createdAt" : undefined);
  const made: Table<C, D> = Object.freeze({ columns, key, defaults, subject, retention, retentionFrom, blindIndex, erase });
  checkPrivacy(made, mistakes);
  mistakes.assertNone();
  return made;
}

/** What the options say of encrypted columns has to fit them. */
function checkPrivacy(table: Table, mistakes: MistakeList): void {
  const { blindIndex, columns, erase, retentionFrom } = table;
  const encrypted = encryptedColumns(table);
  for (const name of Object.keys(blindIndex)) {
    if (!encrypted.has(name)) mistakes.add(name, "is named under blindIndex and is not encrypted", "mark it personal(…) or sensitive(…) and name the table's subject, or look it up by an ordinary index");
    if (Object.hasOwn(columns, `${name}Index`)) mistakes.add(`${name}Index`, `is a column, and the blind index of ${name} has this name`, "name the column otherwise");
  }
  if (retentionFrom !== undefined && !Object.hasOwn(columns, retentionFrom)) mistakes.add("retentionFrom", `"${retentionFrom}" is no column`, `one of: ${Object.keys(columns).join(", ")}`);
  if (erase === "delete") return;
  if (erase.keep.trim() === "") mistakes.add("erase.keep", "says no ground", 'name the law or the contract that asks for it: "HGB § 257"');
  for (const name of encrypted.keys()) {
    const schema = columns[name] as Schema;
    if (!isNullable(schema)) mistakes.add(name, "is encrypted, not nullable, and its row outlives an erasure", "declare it .nullable(): it is null once its subject was erased");
  }
}

function isNullable(schema: Schema): boolean {
  const result = schema["~standard"].validate(null);
  return !(result instanceof Promise) && result.issues === undefined;
}

function checkColumn(name: string, column: unknown, mistakes: MistakesAt): void {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) mistakes.add("is not a name for a column", "camelCase; it is snake_case in SQL");
  describeSchema("column", column, "output", mistakes);
}
