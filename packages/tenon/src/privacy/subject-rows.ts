/** Rows of one person in the tables of one service: found, exported, removed. Which they are, the tables' `subject` says. */
import { encryptedColumns, type Table } from "../contract/index.ts";
import { blindIndexOf, createRowOpener, DatabaseError, quoteName, type RunStatement, SealError, type Tables, toCamelCase, toSnakeCase } from "../data/index.ts";
import type { Vault } from "./vault.ts";

export interface ServiceTables {
  /** Of the service. */
  readonly name: string;
  readonly tables: Tables;
}

export interface TableOutcome {
  readonly table: string;
  readonly found: number;
  readonly done: "deleted" | "kept without encrypted values" | "nothing";
  /** On which legal ground rows were kept. */
  readonly ground?: string;
}

type Row = Readonly<Record<string, unknown>>;

function tablesOf({ tables }: ServiceTables): readonly (readonly [string, Table])[] {
  return Object.entries(tables).filter(([, { subject }]) => subject !== undefined);
}

/** Every row that the service holds of a person, as it was entered. By table. */
export async function exportRows(service: ServiceTables, subject: string, { run, vault }: { readonly run: RunStatement; readonly vault: Vault }): Promise<Readonly<Record<string, readonly Row[]>>> {
  const found: Record<string, readonly Row[]> = {};
  for (const [name, table] of tablesOf(service)) {
    const columns = Object.keys(table.columns).map((column) => quoteName(toSnakeCase(column))).join(", ");
    const order = table.key.map((column) => quoteName(toSnakeCase(column))).join(", ");
    const { rows } = await run({ text: `select ${columns} from ${quoteName(toSnakeCase(name))} where ${subjectIs(table)} order by ${order}`, parameters: [subject] });
    const open = createRowOpener({ service: service.name, name, table, vault });
    const opened: Row[] = [];
    for (const row of rows) {
      const named = Object.fromEntries(Object.entries(row).map(([column, value]) => [toCamelCase(column), value]));
      opened.push(open === undefined ? named : await open(named, run));
    }
    if (opened.length > 0) found[name] = opened;
  }
  return found;
}

/**
 * Removes a person from the tables of a service, each as its `erase` says. To be run in a transaction of the service.
 *
 * @throws {SealError} rows of other tables point at rows that are to go.
 */
export async function eraseRows(service: ServiceTables, subject: string, run: RunStatement): Promise<readonly TableOutcome[]> {
  const outcomes: TableOutcome[] = [];
  let open = tablesOf(service);
  const counts = new Map<string, number>(); // before anything goes: a foreign key may take rows of another table along
  for (const [name, table] of open) {
    const { rows } = await run({ text: `select count(*)::int as count from ${quoteName(toSnakeCase(name))} where ${subjectIs(table)}`, parameters: [subject] });
    counts.set(name, Number(rows[0]?.["count"]));
  }
  let failure: DatabaseError | undefined;
  // A table whose rows others point at comes after those: the order is found by trying.
  while (open.length > 0) {
    const blocked: (readonly [string, Table])[] = [];
    for (const entry of open) {
      const outcome = await eraseTable(entry, { found: counts.get(entry[0]) ?? 0, run, subject });
      if (outcome instanceof DatabaseError) {
        failure = outcome;
        blocked.push(entry);
      } else outcomes.push(outcome);
    }
    if (blocked.length === open.length) {
      throw new SealError(`rows of ${blocked.map(([name]) => `${service.name}.${name}`).join(", ")} cannot be deleted, since other rows point at them: give the foreign key \`on delete cascade\`, or the table \`erase: { keep: "…" }\``, { cause: failure });
    }
    open = blocked;
  }
  return outcomes;
}

const foreignKeyViolation = "23503";

interface Erasure {
  readonly run: RunStatement;
  readonly subject: string;
  /** Rows of the table. */
  readonly found: number;
}

async function eraseTable([name, table]: readonly [string, Table], { found, run, subject }: Erasure): Promise<TableOutcome | DatabaseError> {
  if (found === 0) return { table: name, found, done: "nothing" };
  const sqlName = quoteName(toSnakeCase(name));
  if (table.erase !== "delete") {
    const columns = [...[...encryptedColumns(table).keys()].map(toSnakeCase), ...Object.keys(table.blindIndex).map(blindIndexOf)];
    if (columns.length > 0) await run({ text: `update ${sqlName} set ${columns.map((column) => `${quoteName(column)} = null`).join(", ")} where ${subjectIs(table)}`, parameters: [subject] });
    return { table: name, found, done: "kept without encrypted values", ground: table.erase.keep };
  }
  await run({ text: "savepoint tenon_erase", parameters: [] });
  try {
    await run({ text: `delete from ${sqlName} where ${subjectIs(table)}`, parameters: [subject] });
    await run({ text: "release savepoint tenon_erase", parameters: [] });
    return { table: name, found, done: "deleted" };
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError) || thrown.sqlState !== foreignKeyViolation) throw thrown;
    await run({ text: "rollback to savepoint tenon_erase", parameters: [] });
    return thrown;
  }
}

function subjectIs({ subject }: Table): string {
  return `${quoteName(toSnakeCase(subject ?? ""))}::text = $1`;
}
