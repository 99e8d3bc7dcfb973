/**
 * Statements that meet classified data which no vault sees: in tables that name no subject, where nothing is encrypted, and
 * by raw SQL, in which only the names of tables are looked for. Whose data it is nobody knows then; which table it stands
 * in, and which rows the statement names, is known, and put on record.
 *
 * Rather too much is noted than too little: a column counts also where it is only compared, and a name in raw SQL wherever
 * it stands. A query of a table that takes none of its classified columns (`count(*)`) has met nothing.
 */
import type { CompiledQuery, DeleteQueryNode, InsertQueryNode, OperationNode, RawNode, ReferenceNode, SelectionNode, SelectQueryNode, TableNode, UpdateQueryNode } from "kysely";
import { encryptedColumns } from "../contract/index.ts";
import { toSnakeCase } from "./column-case.ts";
import type { SealedPlace } from "./field-vault.ts";
import { classifiedColumns, toKeyText } from "./sealed-tables.ts";
import { equalities, insertedKeys } from "./sealing-rows.ts";
import { nameOf } from "./sealing-scope.ts";
import type { Tables } from "./tables.ts";

/** Rows that a statement has met, where any came back or were changed. */
export interface MetRows {
  readonly place: SealedPlace;
  /** Where the statement names the person. */
  readonly subject: string | undefined;
}

interface ClassifiedTable {
  /** `accounts/addresses`. */
  readonly place: string;
  readonly keySql: readonly string[];
  readonly subjectSql: string | undefined;
  /** Classified columns that are stored as they are, in SQL. */
  readonly columns: ReadonlySet<string>;
  /** Has encrypted columns: what the compiler sees of it is noted by the vault. */
  readonly isSealed: boolean;
}

const nothing: readonly MetRows[] = [];

/** What a text of SQL says of classified tables, whatever its parameters are. */
interface TextFacts {
  readonly tables: readonly ClassifiedTable[];
  /** Whether conditions can be about no other table. */
  readonly isAlone: boolean;
  /** Tables that raw SQL in it names. */
  readonly named: readonly MetRows[];
}

/** Texts come from code, and most services have fewer; what lists of changing lengths make beyond them is looked at each time. */
const textsMax = 1_000;

export class ClassifiedRows {
  /** By SQL name. */
  readonly #tables: ReadonlyMap<string, ClassifiedTable>;
  readonly #facts = new Map<string, TextFacts>();

  constructor(service: string, tables: Tables) {
    this.#tables = classifiedTablesOf(service, tables);
  }

  metBy({ query, sql }: CompiledQuery): readonly MetRows[] {
    let facts = this.#facts.get(sql);
    if (facts === undefined) {
      facts = this.#factsOf(query, sql);
      if (this.#facts.size < textsMax) this.#facts.set(sql, facts);
    }
    const { isAlone, named, tables } = facts;
    if (tables.length === 0) return named;
    return [...tables.flatMap((table) => placesIn(table, query, isAlone)), ...named];
  }

  #factsOf(query: OperationNode, sql: string): TextFacts {
    if (query.kind === "RawNode") return { tables: [], isAlone: false, named: this.#namedIn(sql.toLowerCase()) };
    if (!this.#mayMeet(sql)) return { tables: [], isAlone: false, named: nothing };
    const seen = lookThrough(query);
    const tables: ClassifiedTable[] = [];
    for (const name of seen.tables) {
      const table = this.#tables.get(name);
      if (table !== undefined && !table.isSealed && (query.kind !== "SelectQueryNode" || seen.takes(table.columns))) tables.push(table);
    }
    return { tables, isAlone: seen.tables.size === 1, named: seen.raw === "" ? nothing : this.#namedIn(seen.raw.toLowerCase()) };
  }

  #mayMeet(sql: string): boolean {
    for (const name of this.#tables.keys()) if (sql.includes(name)) return true;
    return false;
  }

  #namedIn(text: string): readonly MetRows[] {
    const words = new Set(text.split(/\W+/));
    const named: MetRows[] = [];
    for (const [name, { place }] of this.#tables) if (words.has(name)) named.push({ place: { column: place, key: ["*"] }, subject: undefined });
    return named;
  }
}

function classifiedTablesOf(service: string, tables: Tables): ReadonlyMap<string, ClassifiedTable> {
  const found = new Map<string, ClassifiedTable>();
  for (const [name, table] of Object.entries(tables)) {
    const columns = classifiedColumns(table);
    if (columns.length === 0) continue;
    found.set(toSnakeCase(name), {
      place: `${service}/${name}`,
      keySql: table.key.map(toSnakeCase),
      subjectSql: table.subject === undefined ? undefined : toSnakeCase(table.subject),
      columns: new Set(columns.map(toSnakeCase)),
      isSealed: encryptedColumns(table).size > 0,
    });
  }
  return found;
}

/** @param isAlone  Whether conditions can be about no other table. */
function placesIn({ keySql, place, subjectSql }: ClassifiedTable, query: OperationNode, isAlone: boolean): readonly MetRows[] {
  if (query.kind === "InsertQueryNode") return insertedKeys(query as InsertQueryNode, keySql).map((key) => ({ place: { column: place, key: key ?? ["*"] }, subject: undefined }));
  const equal = isAlone ? equalities((query as DeleteQueryNode | SelectQueryNode | UpdateQueryNode).where) : undefined;
  const key = keySql.map((name) => equal?.get(name) ?? undefined);
  const subject = subjectSql === undefined ? undefined : (equal?.get(subjectSql) ?? undefined);
  return [{ place: { column: place, key: key.includes(undefined) ? ["*"] : key.map(toKeyText) }, subject: subject === undefined ? undefined : toKeyText(subject) }];
}

interface Seen {
  /** Tables that the statement names, in SQL. */
  readonly tables: ReadonlySet<string>;
  /** Text of raw SQL in it. */
  readonly raw: string;
  takes(columns: ReadonlySet<string>): boolean;
}

function lookThrough(root: OperationNode): Seen {
  const [tables, columns] = [new Set<string>(), new Set<string>()];
  let hasStar = false;
  let raw = "";
  const open: unknown[] = [root];
  while (open.length > 0) {
    const at = open.pop();
    if (at === null || typeof at !== "object") continue;
    const { kind } = at as { readonly kind?: unknown };
    if (kind === "ValueNode" || kind === "PrimitiveValueListNode") continue; // what callers send, not what the code says
    if (kind === "TableNode") tables.add(nameOf(at as TableNode) ?? "");
    else if (kind === "ColumnNode") columns.add(nameOf(at as OperationNode) ?? "");
    else if (kind === "SelectQueryNode" || kind === "ReturningNode") hasStar ||= (at as SelectQueryNode).selections?.some(isStar) === true;
    else if (kind === "RawNode") raw += `${(at as RawNode).sqlFragments.join(" ")} `;
    open.push(...Object.values(at));
  }
  // Raw SQL may take any column of the tables around it.
  return { tables, raw, takes: (classified) => hasStar || raw !== "" || [...classified].some((name) => columns.has(name)) };
}

/** `*` and `notices.*`; the one in `count(*)` is none. */
function isStar({ selection }: SelectionNode): boolean {
  return selection.kind === "SelectAllNode" || (selection as ReferenceNode).column?.kind === "SelectAllNode";
}
