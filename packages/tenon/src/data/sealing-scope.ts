/**
 * Which table a name in a query means, as far as encrypted columns are concerned: tables by their aliases, and what inner
 * queries hand on under names of their own.
 */
import type { AliasNode, IdentifierNode, OperationNode, ReferenceNode, SelectQueryNode, TableNode } from "kysely";
import { NameCache, toSnakeCase } from "./column-case.ts";
import type { KnownTable, SealedColumn, SealedTables } from "./sealed-tables.ts";

/** One source of rows in a query. */
export interface Source {
  /** What it is called in the query, in SQL. */
  readonly alias: string;
  /** A table of the service. */
  readonly table: KnownTable | undefined;
  /** Of an inner query: names under which it hands on encrypted values. */
  readonly carried: ReadonlySet<string>;
}

export type Found =
  | { readonly kind: "column"; readonly source: Source; readonly column: SealedColumn }
  /** A value that an inner query has taken out of its column, with its place. */
  | { readonly kind: "carried" }
  | undefined;

/** Remembers what it computes, and no more than so many. */
const snakeNames = new NameCache(toSnakeCase);
const nothing: ReadonlySet<string> = new Set();
const noTables: ReadonlyMap<string, ReadonlySet<string>> = new Map();
/** Aliases come from code, and there are only so many. */
const sourcesMax = 1_000;

export class SealingScopes {
  readonly #sealed: SealedTables;
  readonly #scopes: (readonly Source[])[] = [];
  readonly #commonTables: ReadonlyMap<string, ReadonlySet<string>>[] = [];
  /** Tables under their aliases: the same source each time. */
  readonly #sources = new Map<string, Map<string, Source>>();

  constructor(sealed: SealedTables) {
    this.#sealed = sealed;
  }

  reset(): void {
    this.#scopes.length = 0;
    this.#commonTables.length = 0;
  }

  /** Queries around this place. */
  get depth(): number {
    return this.#scopes.length;
  }

  /** Sources of all queries around this place. */
  get all(): readonly Source[] {
    return this.#scopes.flat();
  }

  /** Sources of the innermost query. */
  get here(): readonly Source[] {
    return this.#scopes.at(-1) ?? [];
  }

  /** @param froms  Tables, aliases of them, inner queries. */
  within(node: { readonly with?: OperationNode | undefined }, froms: readonly OperationNode[], task: () => void): void {
    if (node.with === undefined) this.#commonTables.push(noTables);
    else {
      const common = new Map<string, ReadonlySet<string>>();
      this.#commonTables.push(common);
      for (const each of commonTablesOf(node.with)) common.set(each.name, this.#exposedBy(each.expression));
    }
    this.#scopes.push(froms.map((from) => this.#sourceOf(from)));
    try {
      task();
    } finally {
      this.#scopes.pop();
      this.#commonTables.pop();
    }
  }

  find(node: ReferenceNode): Found {
    const name = nameOf(node.column);
    if (name === undefined) return undefined;
    const alias = node.table === undefined ? undefined : nameOf(node.table);
    for (let depth = this.#scopes.length - 1; depth >= 0; depth--) {
      for (const source of this.#scopes[depth] ?? []) {
        if (alias !== undefined && source.alias !== alias) continue;
        const column = source.table?.sealed.get(name);
        if (column !== undefined) return { kind: "column", source, column };
        if (source.carried.has(name)) return { kind: "carried" };
        if (alias !== undefined || source.table?.columns.has(name) === true) return undefined;
      }
    }
    return undefined;
  }

  /** The table that a node names, unless a common table expression hides it. */
  tableOf(node: OperationNode | undefined): KnownTable | undefined {
    const name = node === undefined ? undefined : nameOf(node);
    if (name === undefined || this.#commonTables.some((each) => each.has(name))) return undefined;
    return this.#sealed.tables.get(name);
  }

  #sourceOf(from: OperationNode): Source {
    switch (from.kind) {
      case "TableNode": {
        const name = nameOf(from) ?? "";
        const common = this.#commonTables.findLast((each) => each.has(name))?.get(name);
        return common === undefined ? this.#tableAs(name, this.#sealed.tables.get(name)) : { alias: name, table: undefined, carried: common };
      }
      case "AliasNode": {
        const { alias, node } = from as AliasNode;
        const { carried, table } = this.#sourceOf(node);
        const name = nameOf(alias) ?? "";
        return carried === nothing ? this.#tableAs(name, table) : { alias: name, table, carried };
      }
      case "ParensNode":
        return this.#sourceOf((from as unknown as { readonly node: OperationNode }).node);
      default:
        return { alias: "", table: undefined, carried: this.#exposedBy(from) };
    }
  }

  #tableAs(alias: string, table: KnownTable | undefined): Source {
    const known = this.#sources.get(alias)?.get(table?.sql ?? "");
    if (known !== undefined) return known;
    const source: Source = { alias, table, carried: nothing };
    if (this.#sources.size >= sourcesMax) return source;
    const ofAlias = this.#sources.get(alias) ?? new Map<string, Source>();
    this.#sources.set(alias, ofAlias.set(table?.sql ?? "", source));
    return source;
  }

  /** Names under which a query hands on encrypted values. One too many makes an error where there is none, and hides none. */
  #exposedBy(node: OperationNode): ReadonlySet<string> {
    const names = new Set<string>();
    const query = node as SelectQueryNode;
    const selections = node.kind === "SelectQueryNode" ? query.selections : (node as { readonly returning?: { readonly selections: SelectQueryNode["selections"] } }).returning?.selections;
    if (selections === undefined) return names;
    this.within(query, sourcesOf(node), () => {
      for (const { selection } of selections) {
        const inner = selection.kind === "AliasNode" ? selection.node : selection;
        if (inner.kind === "SelectAllNode" || (inner as ReferenceNode).column?.kind === "SelectAllNode") {
          for (const { carried, table } of this.here) for (const name of [...carried, ...(table?.sealed.keys() ?? [])]) names.add(name);
        } else if (inner.kind === "ReferenceNode" && this.find(inner as ReferenceNode) !== undefined) {
          names.add(selection.kind === "AliasNode" ? (nameOf(selection.alias) ?? "") : (nameOf((inner as ReferenceNode).column) ?? ""));
        }
      }
    });
    return names;
  }
}

/** What a query takes rows from, or writes them to. */
export function sourcesOf(node: OperationNode): readonly OperationNode[] {
  const { from, into, joins, table, using } = node as {
    readonly from?: { readonly froms: readonly OperationNode[] };
    readonly into?: OperationNode;
    readonly joins?: readonly { readonly table: OperationNode }[];
    readonly table?: OperationNode & { readonly items?: readonly OperationNode[] };
    readonly using?: { readonly tables: readonly OperationNode[] };
  };
  if (from !== undefined && into === undefined && table === undefined && using === undefined && joins === undefined) return from.froms;
  return [...(from?.froms ?? []), ...(into === undefined ? [] : [into]), ...(table === undefined ? [] : (table.items ?? [table])), ...(using?.tables ?? []), ...(joins ?? []).map((join) => join.table)];
}

interface CommonTable {
  readonly name: string;
  readonly expression: OperationNode;
}

function commonTablesOf(node: OperationNode | undefined): readonly CommonTable[] {
  const { expressions = [] } = (node ?? {}) as { readonly expressions?: readonly { readonly name: { readonly table: OperationNode }; readonly expression: OperationNode }[] };
  return expressions.map(({ expression, name }) => ({ name: nameOf(name.table) ?? "", expression }));
}

/** The name that a node comes down to, in SQL. */
export function nameOf(node: OperationNode): string | undefined {
  switch (node.kind) {
    case "IdentifierNode":
      return snakeNames.get((node as IdentifierNode).name);
    case "ColumnNode":
      return nameOf((node as unknown as { readonly column: OperationNode }).column);
    case "ReferenceNode":
      return nameOf((node as ReferenceNode).column);
    case "TableNode":
      return nameOf((node as TableNode).table.identifier);
    case "AliasNode":
      return nameOf((node as AliasNode).node);
    default:
      return undefined;
  }
}
