/**
 * Encrypts values that were there before their columns were: in portions, each in a transaction of its own, while the app
 * runs. It goes by what the values look like, so it can be stopped and started again at any time. Rows that somebody else
 * has locked are left for the next round.
 */
import { type Database, type KnownTable, quoteName, type SealedColumn, sealedTablesOf, type Session, toKeyText, toSnakeCase, withSession } from "../data/index.ts";
import { isSealed, sealedPrefix } from "./envelope.ts";
import type { ServiceTables } from "./subject-rows.ts";
import type { Vault } from "./vault.ts";

export interface EncryptedTable {
  readonly service: string;
  readonly table: string;
  /** Rows in which something was encrypted. */
  readonly encrypted: number;
  /** Rows with plain values that name no subject. */
  readonly ownerless: number;
}

export interface EncryptRowsOptions {
  readonly database: Database;
  readonly vault: Vault;
  /** Rows of one transaction. Default 200: a tenth of a second. */
  readonly portion?: number;
  /** Called after each portion. */
  readonly onPortion?: (table: string, encrypted: number) => void;
}

type Row = Readonly<Record<string, unknown>>;

export async function encryptRows(service: ServiceTables, options: EncryptRowsOptions): Promise<readonly EncryptedTable[]> {
  const done: EncryptedTable[] = [];
  for (const table of sealedTablesOf(service.name, service.tables).tables.values()) {
    if (table.sealed.size === 0) continue;
    let encrypted = 0;
    for (;;) {
      const count = await encryptPortion(service.name, table, options);
      encrypted += count;
      options.onPortion?.(`${service.name}.${table.name}`, encrypted);
      if (count === 0) break;
    }
    done.push({ service: service.name, table: table.name, encrypted, ownerless: await countOwnerless(service.name, table, options.database) });
  }
  return done;
}

async function encryptPortion(service: string, table: KnownTable, { database, portion = 200, vault }: EncryptRowsOptions): Promise<number> {
  return withSession(database, { service, mode: "write" }, async (session) => {
    await session.query("begin", []);
    try {
      const columns = [...table.table.key, table.table.subject ?? ""].map(toSnakeCase).concat(...table.sealed.keys());
      const text = `select ${[...new Set(columns)].map(quoteName).join(", ")} from ${quoteName(table.sql)} where ${quoteName(toSnakeCase(table.table.subject ?? ""))} is not null and (${unfinished(table)}) limit $1 for update skip locked`;
      const { rows } = await session.query(text, [portion]);
      for (const row of rows) await encryptRow(session, row, { table, vault });
      await session.query("commit", []);
      return rows.length;
    } catch (thrown) {
      await session.query("rollback", []);
      throw thrown;
    }
  });
}

async function encryptRow(session: Session, row: Row, { table, vault }: { readonly table: KnownTable; readonly vault: Vault }): Promise<void> {
  const run = ({ parameters, text }: { readonly text: string; readonly parameters: readonly unknown[] }) => session.query(text, parameters);
  const keyColumns = table.table.key.map(toSnakeCase);
  const key = keyColumns.map((column) => toKeyText(row[column]));
  const subject = String(row[toSnakeCase(table.table.subject ?? "")]);
  const sets: string[] = [];
  const parameters: unknown[] = [...key];
  const set = (column: string, value: unknown): void => void sets.push(`${quoteName(column)} = $${parameters.push(value)}`);
  for (const column of table.sealed.values()) {
    const stored = row[column.sql];
    if (stored === null || stored === undefined) continue;
    const plain = await plainOf(stored, { column, key, run, vault });
    if (!(typeof stored === "string" && isSealed(stored))) {
      const [sealed] = await vault.seal([{ column: column.place, key, subject, value: plain }], run);
      set(column.sql, column.isJson ? JSON.stringify(sealed) : sealed);
    }
    if (column.index === undefined || plain === null) continue;
    const text = typeof plain === "string" ? plain : JSON.stringify(plain);
    set(toSnakeCase(column.index.name), vault.blindIndex(column.place, column.index.ignoresCase ? text.toLowerCase() : text));
  }
  if (sets.length === 0) return;
  const where = keyColumns.map((column, i) => `${quoteName(column)}::text = $${i + 1}`).join(" and ");
  await session.query(`update ${quoteName(table.sql)} set ${sets.join(", ")} where ${where}`, parameters);
}

interface StoredValue {
  readonly column: SealedColumn;
  readonly key: readonly string[];
  readonly vault: Vault;
  readonly run: Parameters<Vault["open"]>[1];
}

async function plainOf(stored: unknown, { column, key, run, vault }: StoredValue): Promise<unknown> {
  if (typeof stored !== "string") return stored;
  if (!isSealed(stored)) return column.isJson ? stored : column.fromText(stored);
  const [opened] = await vault.open([{ column: column.place, key, sealed: stored }], run);
  return opened;
}

/** Rows in which a value is plain, or has no blind index. */
function unfinished(table: KnownTable): string {
  const conditions = [...table.sealed.values()].flatMap((column) => {
    const name = quoteName(column.sql);
    const text = column.isJson ? `(to_jsonb(${name}) #>> '{}')` : name;
    const plain = `(${name} is not null and not starts_with(${text}, '${sealedPrefix}'))`;
    return column.index === undefined ? [plain] : [plain, `(${name} is not null and ${quoteName(toSnakeCase(column.index.name))} is null)`];
  });
  return conditions.join(" or ");
}

async function countOwnerless(service: string, table: KnownTable, database: Database): Promise<number> {
  const text = `select count(*)::int as count from ${quoteName(table.sql)} where ${quoteName(toSnakeCase(table.table.subject ?? ""))} is null and (${unfinished(table)})`;
  const { rows } = await withSession(database, { service, mode: "read" }, (session) => session.query(text, []));
  return Number(rows[0]?.["count"]);
}
