/**
 * The difference between the tables that a service declares and those that its migrations have built. Looks only; a
 * difference is a sentence with what to do about it.
 */
import { isPromise } from "../calls/index.ts";
import { encryptedColumns, type Mistake, type Schema, type Table, toJsonSchema } from "../contract/index.ts";
import { toCamelCase, toSnakeCase } from "./column-case.ts";
import { fittingTypes } from "./column-types.ts";
import { schemaOf } from "./names.ts";
import type { Database, Session } from "./ports.ts";
import { blindIndexOf, isJsonColumn } from "./sealed-tables.ts";
import type { Tables } from "./tables.ts";

/** How long to wait for a session, in ms. */
const sessionWaitMs = 10_000;

interface BuiltColumn {
  readonly table: string;
  readonly column: string;
  /** As PostgreSQL writes it: `character varying(20)`. */
  readonly type: string;
  /** `pg_type.typname`, or `enum`. */
  readonly kind: string;
  readonly is_nullable: boolean;
  readonly has_default: boolean;
  /** Computed by the database, and refused in an insert. */
  readonly is_computed: boolean;
  readonly is_view: boolean;
  /** Whether an index, a foreign key or a check speaks of it. */
  readonly is_compared: boolean;
}

interface BuiltTable {
  readonly columns: ReadonlyMap<string, BuiltColumn>;
  readonly key: readonly string[];
  readonly isView: boolean;
}

/**
 * @param service  Its name.
 * @returns Empty when the declaration and the database agree.
 */
export async function compareTables(database: Database, service: string, tables: Tables): Promise<readonly Mistake[]> {
  const built = await readTables(database, service);
  const differences: Mistake[] = [];
  for (const [name, table] of Object.entries(tables)) {
    const sqlName = toSnakeCase(name);
    const found = built.get(sqlName);
    if (found === undefined) differences.push({ at: `${service}.${name}`, problem: "is declared and no migration builds it", remedy: `add a migration that creates the table ${sqlName}` });
    else differences.push(...compareTable(`${service}.${name}`, table, found));
  }
  const declared = new Set(Object.keys(tables).map(toSnakeCase));
  for (const [name, { isView }] of built) {
    if (declared.has(name) || isView || name.startsWith("tenon_")) continue;
    differences.push({ at: `${service}.${name}`, problem: "is built by the migrations and not declared", remedy: `declare it in tables as ${toCamelCase(name)}, or drop it in a new migration` });
  }
  return differences;
}

function compareTable(at: string, table: Table, built: BuiltTable): readonly Mistake[] {
  const differences: Mistake[] = [];
  const declared = new Set<string>(Object.keys(table.blindIndex).map(blindIndexOf));
  const encrypted = encryptedColumns(table);
  for (const name of Object.keys(table.blindIndex)) differences.push(...compareBlindIndex(at, name, built));
  for (const [name, schema] of Object.entries(table.columns)) {
    const sqlName = toSnakeCase(name);
    declared.add(sqlName);
    const column = built.columns.get(sqlName);
    if (column !== undefined && encrypted.has(name) && !built.isView) {
      differences.push(...compareEncrypted(`${at}.${name}`, { column, isJson: isJsonColumn(table, name), schema }));
      continue;
    }
    if (column === undefined) {
      const type = encrypted.has(name) ? encryptedType(schema, isJsonColumn(table, name)) : suggestedType(schema);
      differences.push({ at: `${at}.${name}`, problem: "is declared and no migration builds it", remedy: `add a migration: alter table ${toSnakeCase(at.split(".")[1] ?? "")} add column ${sqlName} ${type}` });
      continue;
    }
    differences.push(...compareColumn(`${at}.${name}`, schema, column));
    if (!built.isView) differences.push(...compareDefault(`${at}.${name}`, table.defaults.includes(name), column));
  }
  for (const column of built.columns.values()) {
    if (!declared.has(column.column)) differences.push(extraColumn(at, column));
  }
  const key = table.key.map(toSnakeCase);
  if (!built.isView && !isSameKey(key, built.key)) {
    const is = built.key.length === 0 ? "the table has no primary key" : `the primary key of the table is (${built.key.join(", ")})`;
    differences.push({ at, problem: `${is}, and (${key.join(", ")}) is declared`, remedy: "change `key`, or the primary key in a new migration" });
  }
  return differences;
}

/** A sealed value is a text; in the place of JSON it is a text in JSON. */
function encryptedType(schema: Schema, isJson: boolean): string {
  return `${isJson ? "jsonb" : "text"}${fittingTypes(toJsonSchema(schema, "output")).isNullable ? "" : " not null"}`;
}

interface EncryptedColumn {
  readonly column: BuiltColumn;
  readonly isJson: boolean;
  readonly schema: Schema;
}

function compareEncrypted(at: string, { column, isJson, schema }: EncryptedColumn): readonly Mistake[] {
  const differences: Mistake[] = [];
  const sqlName = column.column;
  const fits = isJson ? ["jsonb", "json"] : ["text"];
  if (!fits.includes(column.kind)) {
    differences.push({ at, problem: `is encrypted, and ${column.type} in the database does not hold that`, remedy: `add a migration: alter table ${column.table} alter column ${sqlName} type ${fits[0]}${isJson ? ` using to_jsonb(${sqlName})` : ` using ${sqlName}::text`}` });
  }
  const { isNullable } = fittingTypes(toJsonSchema(schema, "output"));
  if (isNullable && !column.is_nullable) differences.push({ at, problem: "is declared nullable and is NOT NULL in the database", remedy: "take .nullable() away, or drop NOT NULL in a new migration" });
  if (!isNullable && column.is_nullable) differences.push({ at, problem: "can be null in the database and not as declared", remedy: "add NOT NULL in a new migration, or declare it .nullable()" });
  if (column.is_compared) differences.push({ at, problem: "is encrypted, and an index or a constraint of the database compares it, which finds nothing", remedy: `drop it in a new migration; to look values up, declare blindIndex: { ${toCamelCase(sqlName)}: "exact" }` });
  return differences;
}

function compareBlindIndex(at: string, name: string, { columns, isView }: BuiltTable): readonly Mistake[] {
  const sqlName = blindIndexOf(name);
  const table = toSnakeCase(at.split(".")[1] ?? "");
  const column = columns.get(sqlName);
  if (isView || (column?.kind === "text" && column.is_nullable)) return [];
  if (column !== undefined) return [{ at: `${at}.${name}`, problem: `has a blind index, and ${sqlName} is not a text that may be null`, remedy: `change it in a new migration: text, without NOT NULL` }];
  return [{ at: `${at}.${name}`, problem: "has a blind index, and no migration builds its column", remedy: `add a migration: alter table ${table} add column ${sqlName} text; create index ${table}_${sqlName} on ${table} (${sqlName})` }];
}

/** The order of a key's columns matters to its index, not to what it means. */
function isSameKey(declared: readonly string[], built: readonly string[]): boolean {
  return declared.length === built.length && declared.every((column) => built.includes(column));
}

function compareColumn(at: string, schema: Schema, column: BuiltColumn): readonly Mistake[] {
  const differences: Mistake[] = [];
  const { isNullable, types } = fittingTypes(toJsonSchema(schema, "output"));
  if (types !== undefined && acceptsUndefined(schema)) {
    differences.push({ at, problem: "is declared optional, and a row always has every column", remedy: "use .nullable(), which is what a column without a value is" });
  }
  if (types !== undefined && !types.includes(column.kind)) {
    differences.push({
      at,
      problem: `is ${column.type} in the database, which does not read back as what is declared`,
      remedy: `change the type of the column to ${toSqlName(types[0] ?? "")} in a new migration${column.kind === "numeric" ? ", or declare it as text: numeric is too exact for a number" : ", or change the declaration"}`,
    });
  }
  if (isNullable && !column.is_nullable) {
    differences.push({ at, problem: "is declared nullable and is NOT NULL in the database", remedy: "take .nullable() away, or drop NOT NULL in a new migration" });
  }
  if (!isNullable && types !== undefined && column.is_nullable && !column.is_view) {
    differences.push({ at, problem: "can be null in the database and not as declared", remedy: "add NOT NULL in a new migration, or declare it .nullable()" });
  }
  return differences;
}

function compareDefault(at: string, isDeclared: boolean, column: BuiltColumn): readonly Mistake[] {
  if (isDeclared && !column.has_default) {
    return [{ at, problem: "is declared under `defaults` and has no default in the database", remedy: "add a default in a new migration, or take it out of `defaults`" }];
  }
  if (!isDeclared && column.is_computed) {
    return [{ at, problem: "is computed by the database, which refuses an insert that names it", remedy: "name it under `defaults`" }];
  }
  return [];
}

function extraColumn(at: string, column: BuiltColumn): Mistake {
  const isInTheWay = !column.is_nullable && !column.has_default && !column.is_view;
  return {
    at: `${at}.${column.column}`,
    problem: `is built by the migrations and not declared${isInTheWay ? "; as NOT NULL without a default it makes every insert fail" : ""}`,
    remedy: `declare it as ${toCamelCase(column.column)}, or drop it in a new migration`,
  };
}

function acceptsUndefined(schema: Schema): boolean {
  const result = schema["~standard"].validate(undefined);
  return !isPromise(result) && "value" in result && result.value === undefined;
}

function suggestedType(schema: Schema): string {
  const { isNullable, types } = fittingTypes(toJsonSchema(schema, "output"));
  const type = toSqlName(types?.[0] ?? "jsonb");
  return isNullable ? type : `${type} not null`;
}

const sqlNames: Readonly<Record<string, string>> = {
  bool: "boolean",
  float4: "real",
  float8: "double precision",
  int2: "smallint",
  int4: "integer",
  int8: "bigint",
  varchar: "character varying",
};

function toSqlName(type: string): string {
  return type.startsWith("_") ? `${toSqlName(type.slice(1))}[]` : (sqlNames[type] ?? type);
}

async function readTables(database: Database, service: string): Promise<ReadonlyMap<string, BuiltTable>> {
  const session = await database.acquire({ service, mode: "admin", timeoutMs: sessionWaitMs });
  try {
    return toTables(await readColumns(session, schemaOf(service)), await readKeys(session, schemaOf(service)));
  } finally {
    session.release();
  }
}

async function readColumns(session: Session, schema: string): Promise<readonly BuiltColumn[]> {
  const { rows } = await session.query(
    `select c.relname as "table", a.attname as "column", format_type(a.atttypid, a.atttypmod) as type,
      case when base.typtype = 'e' then 'enum' when item.typtype = 'e' then '_enum' else base.typname end as kind,
      not (a.attnotnull or t.typnotnull) as is_nullable,
      a.atthasdef or a.attidentity <> '' or t.typdefault is not null as has_default,
      a.attgenerated <> '' or a.attidentity = 'a' as is_computed,
      c.relkind in ('v', 'm') as is_view,
      exists (
        select from pg_depend as d where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum
          and (d.classid = 'pg_constraint'::regclass and exists (select from pg_constraint where oid = d.objid and contype <> 'n')
            or d.classid = 'pg_class'::regclass and exists (select from pg_class where oid = d.objid and relkind in ('i', 'I')))
      ) as is_compared
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_type t on t.oid = a.atttypid
    join pg_type base on base.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
    left join pg_type item on item.oid = base.typelem and base.typcategory = 'A'
    where n.nspname = $1 and c.relkind in ('r', 'p', 'f', 'v', 'm') and not c.relispartition
      and a.attnum > 0 and not a.attisdropped
    order by c.relname, a.attnum`,
    [schema],
  );
  return rows as unknown as readonly BuiltColumn[];
}

async function readKeys(session: Session, schema: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await session.query(
    `select c.relname as "table", array_agg(a.attname::text order by array_position(i.indkey::int2[], a.attnum)) as columns
    from pg_index i
    join pg_class c on c.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
    where n.nspname = $1 and i.indisprimary
    group by c.relname`,
    [schema],
  );
  return new Map(rows.map((row) => [row["table"] as string, row["columns"] as readonly string[]]));
}

function toTables(columns: readonly BuiltColumn[], keys: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, BuiltTable> {
  const tables = new Map<string, BuiltTable & { readonly columns: Map<string, BuiltColumn> }>();
  for (const column of columns) {
    let table = tables.get(column.table);
    if (table === undefined) {
      table = { columns: new Map(), key: keys.get(column.table) ?? [], isView: column.is_view };
      tables.set(column.table, table);
    }
    table.columns.set(column.column, column);
  }
  return tables;
}
