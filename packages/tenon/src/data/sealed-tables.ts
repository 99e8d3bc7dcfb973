/** Which columns of a service are stored encrypted, read once from its tables. */
import { dataClassesOf, encryptedColumns, type Schema, type Table, toJsonSchema } from "../contract/index.ts";
import { toSnakeCase } from "./column-case.ts";
import { fittingTypes } from "./column-types.ts";
import { SealError } from "./field-vault.ts";
import type { Tables } from "./tables.ts";

export interface SealedColumn {
  /** As the service declares it. */
  readonly name: string;
  /** As SQL has it. */
  readonly sql: string;
  /** Number of the column among all of the service's. */
  readonly number: number;
  /** `accounts/addresses.street`. */
  readonly place: string;
  /** Whether the column in the database is `jsonb` or `json`, and the sealed text a JSON text in it. */
  readonly isJson: boolean;
  /** How the text of a value from before it was encrypted is read. */
  readonly fromText: (text: string) => unknown;
  /** Its blind index. */
  readonly index: { readonly name: string; readonly ignoresCase: boolean } | undefined;
}

export interface KnownTable {
  readonly name: string;
  /** `accounts/addresses`. */
  readonly place: string;
  readonly sql: string;
  /** All declared columns, in SQL, by which a name without a table is found. */
  readonly columns: ReadonlySet<string>;
  readonly table: Table;
  /** Columns of the key, in SQL. */
  readonly keySql: readonly string[];
  /** The column that says whose row it is, in SQL; empty where the table has none. */
  readonly subjectSql: string;
  /** By SQL name; empty for a table that holds nothing encrypted. */
  readonly sealed: ReadonlyMap<string, SealedColumn>;
}

export interface SealedTables {
  /** Every table of the service, by SQL name. */
  readonly tables: ReadonlyMap<string, KnownTable>;
  /** Sealed columns by number. */
  readonly columns: readonly SealedColumn[];
}

/** The SQL name of the column with the blind index of a column. */
export function blindIndexOf(column: string): string {
  return `${toSnakeCase(column)}_index`;
}

/** Columns of a table that are classified, encrypted or not. */
export function classifiedColumns({ columns }: Table): readonly string[] {
  return Object.keys(columns).filter((name) => dataClassesOf(toJsonSchema(columns[name] as Schema, "output")).size > 0);
}

/** Whether any column of a service is encrypted. */
export function hasSealedColumns(tables: Tables): boolean {
  return Object.values(tables).some((table) => encryptedColumns(table).size > 0);
}

/** Whether a column's sealed text stands in a column of JSON: where its plain values did. */
export function isJsonColumn(table: Table, name: string): boolean {
  const schema = table.columns[name];
  return schema !== undefined && fittingTypes(toJsonSchema(schema, "output")).types?.[0] === "jsonb";
}

export function sealedTablesOf(service: string, declared: Tables): SealedTables {
  const columns: SealedColumn[] = [];
  const tables = new Map<string, KnownTable>();
  for (const [name, table] of Object.entries(declared)) {
    const sealed = new Map<string, SealedColumn>();
    for (const column of encryptedColumns(table).keys()) {
      const how = table.blindIndex[column];
      const made: SealedColumn = {
        name: column,
        sql: toSnakeCase(column),
        number: columns.length,
        place: `${service}/${name}.${column}`,
        isJson: isJsonColumn(table, column),
        fromText: textReader(table.columns[column] as Schema),
        index: how === undefined ? undefined : { name: `${column}Index`, ignoresCase: how === "ignore-case" },
      };
      columns.push(made);
      sealed.set(made.sql, made);
    }
    if (sealed.size > 0) assertKey(`${service}.${name}`, table);
    tables.set(toSnakeCase(name), {
      name,
      place: `${service}/${name}`,
      sql: toSnakeCase(name),
      columns: new Set(Object.keys(table.columns).map(toSnakeCase)),
      table,
      keySql: table.key.map(toSnakeCase),
      subjectSql: toSnakeCase(table.subject ?? ""),
      sealed,
    });
  }
  return { tables, columns };
}

function textReader(schema: Schema): (text: string) => unknown {
  const first = fittingTypes(toJsonSchema(schema, "output")).types?.[0] ?? "";
  if (first === "jsonb") return parseLoosely;
  if (first === "bool") return (text) => text === "true" || text === "t";
  return /^(?:int|float)\d$/.test(first) ? Number : (text) => text;
}

/** A text in a column of JSON comes without its quotes. */
function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const keyTypes: ReadonlySet<string> = new Set(["text", "uuid", "int8", "int4", "int2"]);

/** A value is bound to its row by the text of the key, which has to be the same on both sides. */
function assertKey(at: string, { columns, key }: Table): void {
  for (const name of key) {
    const first = fittingTypes(toJsonSchema(columns[name] as Schema, "output")).types?.[0] ?? "";
    if (!keyTypes.has(first)) throw new SealError(`${at} has encrypted columns, and its key column ${name} is none of text, uuid and whole numbers: their texts are the same everywhere, which others' are not`);
  }
}

const uuidChars = 36;
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** A value of a key as PostgreSQL writes it: on both ways, so that what was bound is found again. */
export function toKeyText(value: unknown): string {
  const text = typeof value === "string" ? value : String(value);
  if (text.length !== uuidChars) return text;
  const lower = text.toLowerCase();
  return lower === text || !uuid.test(text) ? text : lower;
}
