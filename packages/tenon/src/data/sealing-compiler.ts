/**
 * The compiler of a service with encrypted columns. Where a query takes such a column, it takes along where the value
 * stands; where it writes one, the value is sealed first; where it compares one, the blind index is asked instead. Every
 * other use of an encrypted column is refused, because it would read or leave something else than it says.
 */
import {
  type AliasNode,
  type BinaryOperationNode,
  type CompiledQuery,
  type DeleteQueryNode,
  type IdentifierNode,
  type InsertQueryNode,
  type MergeQueryNode,
  type OperationNode,
  type OperatorNode,
  PostgresQueryCompiler,
  type PrimitiveValueListNode,
  type QueryId,
  type RawNode,
  type ReferenceNode,
  type RootOperationNode,
  type SelectAllNode,
  type SelectQueryNode,
  type UpdateQueryNode,
  type ValueListNode,
  type ValueNode,
} from "kysely";
import { type NameCache, toSnakeCase } from "./column-case.ts";
import { SealError } from "./field-vault.ts";
import { quoteName } from "./names.ts";
import type { KnownTable, SealedColumn, SealedTables } from "./sealed-tables.ts";
import { ValueToIndex } from "./sealed-values.ts";
import { namedRow, sealInsert, sealUpdates } from "./sealing-rows.ts";
import { type Found, nameOf, SealingScopes, type Source, sourcesOf } from "./sealing-scope.ts";

/** What has to be done around a query. */
export interface QueryFacts {
  /** It writes or looks for encrypted values. */
  readonly seals: boolean;
  /** It takes encrypted values. */
  readonly opens: boolean;
  /** The columns of its result that may hold them, in SQL; `undefined`: they may be anywhere, also inside of JSON. */
  readonly columns?: readonly string[] | undefined;
  /** Nobody looked into it. */
  readonly isRaw: boolean;
  /** It changes or removes rows of a table with encrypted columns. */
  readonly writes?: WrittenRows | undefined;
}

/** Rows that a statement changes or removes, as far as it names them. */
export interface WrittenRows {
  /** `accounts/addresses`. */
  readonly table: string;
  /** `undefined`: there may be many. */
  readonly key: readonly string[] | undefined;
  /** `asked`: the one row that it touches gives it back, as `tenon_subject`. */
  readonly subject: { readonly is: string } | "asked" | undefined;
}

interface Star {
  readonly text: string;
  /** Columns that hold sealed texts. */
  readonly sealed: readonly string[];
}

/** Aliases come from code, and there are only so many. */
const starsMax = 1_000;

const comparisons: ReadonlySet<string> = new Set(["=", "==", "!=", "<>", "in", "not in", "is distinct from", "is not distinct from"]);

/** A query with what is known about it, which no copy of it takes along. */
class SealingQuery implements CompiledQuery {
  readonly query: CompiledQuery["query"];
  readonly queryId: QueryId;
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly #facts: QueryFacts;
  readonly #compiler: SealingCompiler;

  constructor({ parameters, query, queryId, sql }: CompiledQuery, facts: QueryFacts, compiler: SealingCompiler) {
    this.query = query;
    this.queryId = queryId;
    this.sql = sql;
    this.parameters = parameters;
    this.#facts = facts;
    this.#compiler = compiler;
    Object.freeze(this); // as Kysely's own: the facts are about this text
  }

  /** `undefined` for a query of another compiler. */
  static factsOf(query: CompiledQuery, compiler: SealingCompiler): QueryFacts | undefined {
    return #facts in query && query.#compiler === compiler ? query.#facts : undefined;
  }
}

export class SealingCompiler extends PostgresQueryCompiler {
  readonly #quoted: NameCache;
  readonly #sealed: SealedTables;
  readonly #mark: string;
  readonly #scopes: SealingScopes;
  #seals = false;
  #opens = false;
  #bare = 0;
  #columns: readonly string[] = [];
  #isDeep = false;
  #writes: WrittenRows | undefined = undefined;
  /** What stands for `*` of a table under an alias: the same each time. */
  readonly #stars = new Map<Source, Star>();

  constructor(options: { readonly quoted: NameCache; readonly sealed: SealedTables; readonly mark: string }) {
    super();
    this.#quoted = options.quoted;
    this.#sealed = options.sealed;
    this.#mark = options.mark;
    this.#scopes = new SealingScopes(options.sealed);
  }

  override compileQuery(node: RootOperationNode, queryId: QueryId): CompiledQuery {
    this.#scopes.reset();
    this.#seals = false;
    this.#opens = false;
    this.#bare = 0;
    this.#columns = [];
    this.#isDeep = false;
    this.#writes = undefined;
    const query: CompiledQuery = super.compileQuery(node, queryId);
    const isRaw = node.kind === "RawNode";
    if (isRaw) this.#assertRaw(query.sql);
    return new SealingQuery(query, { seals: this.#seals, opens: this.#opens, columns: this.#isDeep ? undefined : this.#columns, isRaw, writes: this.#writes }, this);
  }

  /** Of a query of this compiler; any other one may do anything. */
  factsOf(query: CompiledQuery): QueryFacts {
    return SealingQuery.factsOf(query, this) ?? { seals: true, opens: true, isRaw: true };
  }

  protected override visitIdentifier(node: IdentifierNode): void {
    this.append(this.#quoted.get(node.name));
  }

  protected override visitSelectQuery(node: SelectQueryNode): void {
    this.#scopes.within(node, sourcesOf(node), () => super.visitSelectQuery(node));
  }

  protected override visitInsertQuery(node: InsertQueryNode): void {
    this.#scopes.within(node, sourcesOf(node), () => {
      const table = this.#scopes.tableOf(node.into);
      if (table === undefined || table.sealed.size === 0) return super.visitInsertQuery(node);
      this.#seals = true;
      super.visitInsertQuery(sealInsert(node, table));
    });
  }

  protected override visitUpdateQuery(node: UpdateQueryNode): void {
    this.#scopes.within(node, sourcesOf(node), () => {
      const table = this.#scopes.tableOf(node.table);
      if (table === undefined || table.sealed.size === 0) return super.visitUpdateQuery(node);
      super.visitUpdateQuery(sealUpdates(node, table));
      this.#noteWrite(node, table);
    });
  }

  protected override visitDeleteQuery(node: DeleteQueryNode): void {
    this.#scopes.within(node, sourcesOf(node), () => {
      super.visitDeleteQuery(node);
      const [from] = node.from.froms;
      const table = node.from.froms.length === 1 ? this.#scopes.tableOf(from) : undefined;
      if (table !== undefined && table.sealed.size > 0) this.#noteWrite(node, table);
    });
  }

  /** A statement that names its one row, and not whose it is, gives that back: Kysely looks at no rows that were not asked for. */
  #noteWrite(node: DeleteQueryNode | UpdateQueryNode, table: KnownTable): void {
    if (this.#scopes.depth > 1 || node.explain !== undefined) return;
    const { key, subject } = namedRow(node.where, table);
    const source = this.#scopes.here.find((each) => each.table === table);
    const asks = key !== undefined && subject === undefined && node.returning === undefined && node.endModifiers === undefined && source !== undefined;
    if (asks) this.append(` returning ${quoteName(source.alias)}.${quoteName(table.subjectSql)}::text as tenon_subject`);
    this.#writes = { table: table.place, key, subject: subject === undefined ? (asks ? "asked" : undefined) : { is: subject } };
  }

  protected override visitMergeQuery(node: MergeQueryNode): void {
    const table = this.#scopes.tableOf(node.into);
    if (table !== undefined && table.sealed.size > 0) throw new SealError(`${table.name} has encrypted columns, and \`merge\` cannot write them: use insert … on conflict, or update`);
    super.visitMergeQuery(node);
  }

  protected override visitValue(node: ValueNode): void {
    this.#note(node.value);
    super.visitValue(node);
  }

  #note(value: unknown): void {
    if (value !== null && typeof value === "object") this.#seals = true; // a value to be sealed, or a plain object: cheap to look again
  }

  protected override visitReference(node: ReferenceNode): void {
    if (node.column.kind === "SelectAllNode") return this.#isSelected() ? this.#selectAll(nameOf(node.table as OperationNode)) : super.visitReference(node);
    const found = this.#bare > 0 ? undefined : this.#scopes.find(node);
    if (found === undefined || this.#isOwnUpdate(node, found)) return super.visitReference(node);
    if (!this.#isSelected()) throw this.#refused(node, found);
    this.#assertNotDistinct(node);
    if (found.kind === "carried") {
      this.#opens = true;
      this.#isDeep = true;
      return super.visitReference(node);
    }
    const { parentNode } = this;
    const alias = parentNode?.kind === "AliasNode" ? nameOf((parentNode as AliasNode).alias) : undefined;
    this.#give([alias ?? found.column.sql]);
    this.append(this.#taken(found.source, found.column));
    if (parentNode?.kind !== "AliasNode") this.append(` as ${quoteName(found.column.sql)}`);
  }

  protected override visitSelectAll(node: SelectAllNode): void {
    if (this.#isSelected()) this.#selectAll(undefined);
    else super.visitSelectAll(node);
  }

  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const left = node.leftOperand.kind === "ReferenceNode" ? this.#scopes.find(node.leftOperand as ReferenceNode) : undefined;
    if (left === undefined) return super.visitBinaryOperation(node);
    const operator = node.operator.kind === "OperatorNode" ? (node.operator as OperatorNode).operator : "";
    if ((operator === "is" || operator === "is not") && isNullValue(node.rightOperand)) {
      this.#bare += 1;
      super.visitBinaryOperation(node);
      this.#bare -= 1;
      return;
    }
    if (left.kind !== "column" || left.column.index === undefined || !comparisons.has(operator)) throw this.#refused(node.leftOperand as ReferenceNode, left);
    const value = indexed(node.rightOperand, left.column);
    if (value === undefined) throw this.#refused(node.leftOperand as ReferenceNode, left);
    this.#seals = true;
    this.append(`${quoteName(left.source.alias)}.${this.#quoted.get(left.column.index.name)} `);
    this.visitNode(node.operator);
    this.append(" ");
    this.visitNode(value);
  }

  protected override visitRaw(node: RawNode): void {
    if (this.parentNode !== undefined) for (const fragment of node.sqlFragments) this.#assertFragment(fragment);
    super.visitRaw(node);
  }

  /** `email = email` in an update, and `excluded.email`, which the row holds as it was sealed. */
  #isOwnUpdate(node: ReferenceNode, found: Found): boolean {
    const { parentNode } = this;
    if (parentNode?.kind !== "ColumnUpdateNode" || found?.kind !== "column") return false;
    const { column } = parentNode as unknown as { readonly column: OperationNode };
    return nameOf(column) === nameOf(node);
  }

  /** Whether a value goes straight into a row of the query: `count(*)` has a selection in it too. */
  #isSelected(): boolean {
    let at = this.nodeStack.length - 2;
    if (this.nodeStack[at]?.kind === "AliasNode") at--;
    if (this.nodeStack[at]?.kind !== "SelectionNode") return false;
    const holder = this.nodeStack[at - 1]?.kind;
    return holder === "SelectQueryNode" || holder === "ReturningNode";
  }

  #assertNotDistinct(node: ReferenceNode): void {
    const query = this.nodeStack.findLast((each) => each.kind === "SelectQueryNode") as SelectQueryNode | undefined;
    const isDistinct = query?.frontModifiers?.some((each) => each.modifier === "Distinct") === true;
    const isMerged = this.nodeStack.some((each) => each.kind === "SetOperationNode" && !(each as unknown as { readonly all: boolean }).all) || query?.setOperations?.some((each) => !each.all) === true;
    if (isDistinct || isMerged) throw new SealError(`${nameOf(node)} is encrypted, and each of its values differs from every other: \`distinct\`, \`union\` and the like cannot compare it`);
  }

  /** Every column by name: the one with an encrypted value takes its place along. */
  #selectAll(alias: string | undefined): void {
    const { here } = this.#scopes;
    const sources = alias === undefined ? here : here.filter((source) => source.alias === alias);
    if (sources.some(({ carried }) => carried.size > 0)) {
      this.#opens = true;
      this.#isDeep = true;
    }
    if (sources.every(({ table }) => table === undefined || table.sealed.size === 0)) {
      this.append(alias === undefined ? "*" : `${quoteName(alias)}.*`);
      return;
    }
    const stars = sources.map((source) => this.#starOf(source));
    for (const { sealed } of stars) this.#give(sealed);
    this.append(stars.length === 1 ? (stars[0] as Star).text : stars.map(({ text }) => text).join(", "));
  }

  #starOf(source: Source): Star {
    const { alias, table } = source;
    if (table === undefined) return { text: alias === "" ? "*" : `${quoteName(alias)}.*`, sealed: [] };
    const known = this.#stars.get(source);
    if (known !== undefined) return known;
    const columns = [...table.columns].map((name) => {
      const column = table.sealed.get(name);
      return column === undefined ? `${quoteName(alias)}.${quoteName(name)}` : `${this.#taken(source, column)} as ${quoteName(name)}`;
    });
    const star = { text: columns.join(", "), sealed: [...table.sealed.keys()] };
    if (this.#stars.size < starsMax) this.#stars.set(source, star);
    return star;
  }

  /** Columns of a result hold sealed texts: of the outermost query, or somewhere inside. */
  #give(names: readonly string[]): void {
    if (names.length === 0) return;
    this.#opens = true;
    if (this.#scopes.depth > 1) this.#isDeep = true;
    else this.#columns = this.#columns.length === 0 ? names : [...this.#columns, ...names];
  }

  /** The sealed text behind its place; null stays null. */
  #taken({ alias, table }: Source, column: SealedColumn): string {
    const of = quoteName(alias);
    const sealed = `${of}.${quoteName(column.sql)}`;
    const key = (table as KnownTable).table.key.map((each) => `${of}.${quoteName(toSnakeCase(each))}::text || '${this.#mark}'`);
    return `('${this.#mark}${column.number}${this.#mark}' || ${[...key, column.isJson ? `(to_jsonb(${sealed}) #>> '{}')` : sealed].join(" || ")})`;
  }

  #refused(node: ReferenceNode, found: Found): SealError {
    const name = nameOf(node) ?? "";
    if (found?.kind === "carried") return new SealError(`${name} is an encrypted value that an inner query has taken: it can be handed on, and not be compared or computed with`);
    const index = found?.column.index;
    const how = index === undefined ? "give the table a blindIndex for it, and it can be looked up by =, != and in" : "it can be looked up by =, != and in, with values from outside of SQL";
    return new SealError(`${found?.column.place ?? name} is encrypted, and the database cannot compare it, order by it or compute with it: ${how}`);
  }

  /** A piece of raw SQL in a query: it must not speak of encrypted columns. */
  #assertFragment(fragment: string): void {
    const words = wordsOf(fragment);
    const here = new Set(this.#scopes.all.flatMap(({ table }) => table ?? []));
    for (const table of this.#sealed.tables.values()) {
      if (!here.has(table) && !words.has(table.sql)) continue;
      for (const column of table.sealed.values()) if (words.has(column.sql)) throw rawRefused(column);
    }
  }

  #assertRaw(sql: string): void {
    const words = wordsOf(sql);
    for (const table of this.#sealed.tables.values()) {
      if (!words.has(table.sql)) continue;
      for (const column of table.sealed.values()) if (words.has(column.sql)) throw rawRefused(column);
    }
  }
}

function rawRefused(column: SealedColumn): SealError {
  return new SealError(`${column.place} is encrypted, and raw SQL speaks of ${column.sql}, which would read or write it as it is: use db.selectFrom(…), insertInto(…) or updateTable(…) for it`);
}

/** Words of a text of SQL, without what stands in quotes as a value. */
function wordsOf(sql: string): ReadonlySet<string> {
  return new Set(sql.replaceAll(/'(?:[^']|'')*'/g, " ").toLowerCase().match(/[a-z_][a-z0-9_$]*/g) ?? []);
}

function isNullValue(node: OperationNode): boolean {
  return node.kind === "ValueNode" && (node as ValueNode).value === null;
}

/** The right side of a comparison, by the blind index. */
function indexed(node: OperationNode, column: SealedColumn): OperationNode | undefined {
  const toIndex = (value: unknown): unknown => new ValueToIndex(column, value);
  switch (node.kind) {
    case "ValueNode":
      return { kind: "ValueNode", value: toIndex((node as ValueNode).value) } as OperationNode;
    case "PrimitiveValueListNode":
      return { kind: "PrimitiveValueListNode", values: (node as PrimitiveValueListNode).values.map(toIndex) } as OperationNode;
    case "ValueListNode": {
      const { values } = node as ValueListNode;
      if (values.some((value) => value.kind !== "ValueNode")) return undefined;
      return { kind: "ValueListNode", values: values.map((value) => ({ kind: "ValueNode", value: toIndex((value as ValueNode).value) })) } as OperationNode;
    }
    default:
      return undefined;
  }
}
