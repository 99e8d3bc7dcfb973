/**
 * Inserts and updates of tables with encrypted columns: plain values become values to be sealed, and blind indexes are
 * written beside them. What would leave a plain value, or one that does not open at its row, is refused.
 */
import type {
  ColumnNode,
  ColumnUpdateNode,
  InsertQueryNode,
  OnConflictNode,
  OperationNode,
  ReferenceNode,
  UpdateQueryNode,
  ValueNode,
  ValuesItemNode,
  ValuesNode,
  WhereNode,
} from "kysely";
import { toSnakeCase } from "./column-case.ts";
import { SealError } from "./field-vault.ts";
import { type KnownTable, type SealedColumn, toKeyText } from "./sealed-tables.ts";
import { ValueToIndex, ValueToSeal } from "./sealed-values.ts";
import { nameOf } from "./sealing-scope.ts";

/** Stands for a value that only the database knows. */
const computed = Symbol("computed by the database");

/** Whose row it is, and which. */
interface RowPlace {
  readonly key: readonly string[];
  readonly subject: ValueToSeal["subject"];
}

function identifier(name: string): OperationNode {
  return { kind: "IdentifierNode", name } as OperationNode;
}

function columnNode(name: string): ColumnNode {
  return { kind: "ColumnNode", column: identifier(name) } as ColumnNode;
}

function valueNode(value: unknown): ValueNode {
  return { kind: "ValueNode", value };
}

/** @throws {SealError} */
export function sealInsert(node: InsertQueryNode, table: KnownTable): InsertQueryNode {
  const names = (node.columns ?? []).map((column) => nameOf(column) ?? "");
  const touched = names.filter((name) => table.sealed.has(name));
  const conflict = node.onConflict === undefined ? {} : { onConflict: sealConflict(node, node.onConflict, table) };
  if (node.values === undefined || (touched.length === 0 && node.columns !== undefined)) return { ...node, ...conflict };
  if (node.values.kind !== "ValuesNode") {
    throw new SealError(`${table.name} has encrypted columns (${[...table.sealed.values()].map(({ name }) => name).join(", ")}), and rows from another query cannot be encrypted: read them first, and insert them with .values(…)`);
  }
  const indexed = touched.map((name) => table.sealed.get(name) as SealedColumn).filter(({ index }) => index !== undefined);
  const parts: RowParts = { indexed, table, columns: names.map((name) => table.sealed.get(name)), at: placesIn(table, names) };
  const values = (node.values as ValuesNode).values.map((row) => sealRow(row, parts));
  const columns = [...(node.columns ?? []), ...indexed.map(({ index }) => columnNode(index?.name ?? ""))];
  return { ...node, ...conflict, columns, values: { ...node.values, values } as OperationNode };
}

/** What the rows of an insert have in common. */
interface RowParts {
  readonly table: KnownTable;
  /** By position among the values of a row; `undefined` for one that stays plain. */
  readonly columns: readonly (SealedColumn | undefined)[];
  readonly indexed: readonly SealedColumn[];
  readonly at: PlacePositions;
}

/** Where the values stand that say which row it is, and whose; -1: nowhere. */
interface PlacePositions {
  readonly key: readonly number[];
  readonly subject: number;
}

function placesIn({ keySql, subjectSql }: KnownTable, names: readonly string[]): PlacePositions {
  return { key: keySql.map((name) => names.indexOf(name)), subject: names.indexOf(subjectSql) };
}

function sealRow(row: ValuesItemNode, { at, columns, indexed, table }: RowParts): ValuesItemNode {
  const values = valuesOf(row);
  const place = placeIn(values, at);
  const indexes = indexed.map((column) => new ValueToIndex(column, knownOr(undefined, values[columns.indexOf(column)])));
  if (row.kind === "PrimitiveValueListNode") {
    const sealed = values.map((value, i) => (columns[i] === undefined ? value : toSeal(table, columns[i], { value, place })));
    return { kind: "PrimitiveValueListNode", values: [...sealed, ...indexes] };
  }
  const sealed = row.values.map((item, i) => {
    const column = columns[i];
    return column === undefined || item.kind === "DefaultInsertValueNode" ? item : valueNode(toSeal(table, column, { value: values[i], place }));
  });
  return { kind: "ValueListNode", values: [...sealed, ...indexes.map(valueNode)] };
}

/** By position; {@link computed} for those that only the database knows. */
function valuesOf(row: ValuesItemNode): readonly unknown[] {
  return row.kind === "PrimitiveValueListNode" ? row.values : row.values.map(valueIn);
}

function valueIn(node: OperationNode): unknown {
  return node.kind === "ValueNode" ? (node as ValueNode).value : computed;
}

function knownOr(other: unknown, value: unknown): unknown {
  return value === computed ? other : value;
}

/** `undefined` where the query does not say it. */
function placeIn(values: readonly unknown[], at: PlacePositions): RowPlace | undefined {
  const subject = values[at.subject];
  if (subject === undefined || subject === null || subject === computed) return undefined;
  const key = keyIn(values, at.key);
  return key === undefined ? undefined : { key, subject: toKeyText(subject) };
}

function keyIn(values: readonly unknown[], positions: readonly number[]): readonly string[] | undefined {
  const key: string[] = [];
  for (const position of positions) {
    const part = values[position];
    if (part === undefined || part === null || part === computed) return undefined;
    key.push(toKeyText(part));
  }
  return key;
}

function toSeal({ name, table }: KnownTable, column: SealedColumn, { place, value }: { readonly value: unknown; readonly place: RowPlace | undefined }): unknown {
  if (value === computed) throw new SealError(`${name}.${column.name} is encrypted, and SQL cannot compute it: give its value`);
  if (value === null || value === undefined) return null;
  if (place === undefined) {
    throw new SealError(`${name}.${column.name} is encrypted for one subject and one row, so the same statement has to give ${[...new Set([...table.key, table.subject])].join(" and ")} as values: a default of the database comes too late`);
  }
  return new ValueToSeal({ column, key: place.key, subject: place.subject, value });
}

function sealConflict(insert: InsertQueryNode, node: OnConflictNode, table: KnownTable): OnConflictNode {
  const columns = node.columns?.map((column) => {
    const sealed = table.sealed.get(nameOf(column) ?? "");
    if (sealed === undefined) return column;
    if (sealed.index === undefined) throw new SealError(`on conflict: ${table.name}.${sealed.name} is encrypted and never the same twice: give it a blindIndex, and a unique index on ${toSnakeCase(sealed.name)}_index`);
    return columnNode(sealed.index.name);
  });
  const updates = node.updates?.flatMap((update): readonly ColumnUpdateNode[] => {
    const column = table.sealed.get(nameOf(update.column) ?? "");
    return column === undefined ? [update] : sealConflictUpdate(insert, update, { column, conflict: node, table });
  });
  return { ...node, ...(columns === undefined ? {} : { columns }), ...(updates === undefined ? {} : { updates }) };
}

interface ConflictParts {
  readonly table: KnownTable;
  readonly column: SealedColumn;
  readonly conflict: OnConflictNode;
}

/** Only where the row that is in the way has the key of the row that was to be inserted. */
function sealConflictUpdate(insert: InsertQueryNode, update: ColumnUpdateNode, { column, conflict, table }: ConflictParts): readonly ColumnUpdateNode[] {
  const key = table.keySql.toSorted().join();
  const target = (conflict.columns ?? []).map((each) => nameOf(each) ?? "").toSorted().join();
  const isOfSubject = table.table.key.includes(table.table.subject ?? "") || (conflict.updates ?? []).some((each) => nameOf(each.column) === table.subjectSql);
  if (key !== target || !isOfSubject) {
    throw new SealError(`on conflict: ${table.name}.${column.name} is encrypted for one row and its subject, so it can be set only on a conflict of the key (${table.table.key.join(", ")}), with ${table.table.subject} set too`);
  }
  const excluded = update.value.kind === "ReferenceNode" ? (update.value as ReferenceNode) : undefined;
  if (excluded?.table !== undefined && nameOf(excluded.table) === "excluded" && nameOf(excluded) === column.sql) {
    const index = column.index === undefined ? [] : [{ kind: "ColumnUpdateNode", column: columnNode(column.index.name), value: { ...excluded, column: columnNode(column.index.name) } } as ColumnUpdateNode];
    return [update, ...index];
  }
  const rows = (insert.values as ValuesNode).values;
  const [row] = rows;
  if (row === undefined || rows.length !== 1) throw new SealError(`on conflict: ${table.name}.${column.name} is encrypted for each row by itself: set it to excluded.${column.name}`);
  const names = (insert.columns ?? []).map((each) => nameOf(each) ?? "");
  return sealUpdate(update, { table, column, place: placeIn(valuesOf(row), placesIn(table, names)) });
}

/** @throws {SealError} */
export function sealUpdates(node: UpdateQueryNode, table: KnownTable): UpdateQueryNode {
  const updates = node.updates ?? [];
  if (!updates.some((update) => table.sealed.has(nameOf(update.column) ?? ""))) {
    assertStays(updates, table);
    return node;
  }
  const place = placeOfUpdate(node, table);
  assertStays(updates, table);
  return {
    ...node,
    updates: updates.flatMap((update): readonly ColumnUpdateNode[] => {
      const column = table.sealed.get(nameOf(update.column) ?? "");
      return column === undefined ? [update] : sealUpdate(update, { table, column, place });
    }),
  };
}

/** Values are bound to their row and sealed for its subject, so neither may change under them. */
function assertStays(updates: readonly ColumnUpdateNode[], { keySql, name, subjectSql }: KnownTable): void {
  const moved = updates.find((update) => {
    const set = nameOf(update.column) ?? "";
    return set === subjectSql || keySql.includes(set);
  });
  if (moved !== undefined) throw new SealError(`${name} has encrypted columns, which belong to a row and its subject: an update cannot set ${nameOf(moved.column)}. Insert the row anew`);
}

function placeOfUpdate(node: UpdateQueryNode, { keySql, sql, subjectSql }: KnownTable): RowPlace | undefined {
  const equal = equalities(node.where);
  const key = keySql.map((name) => equal.get(name));
  if (key.some((part) => part === undefined || part === null)) return undefined;
  const texts = key.map(toKeyText);
  const known = equal.get(subjectSql);
  if (known !== undefined && known !== null) return { key: texts, subject: toKeyText(known) };
  return { key: texts, subject: { table: sql, subject: subjectSql, key: keySql } };
}

/** What a statement says of the rows that it changes: their key, where it names one, and whose they are. */
export function namedRow(where: WhereNode | undefined, { keySql, subjectSql }: KnownTable): { readonly key: readonly string[] | undefined; readonly subject: string | undefined } {
  const equal = equalities(where);
  const key = keySql.map((name) => equal.get(name) ?? undefined);
  const subject = equal.get(subjectSql) ?? undefined;
  return { key: key.includes(undefined) ? undefined : key.map(toKeyText), subject: subject === undefined ? undefined : toKeyText(subject) };
}

/** The key of each row that a statement inserts; `undefined` where it does not say it. */
export function insertedKeys({ columns = [], values }: InsertQueryNode, keySql: readonly string[]): readonly (readonly string[] | undefined)[] {
  if (values?.kind !== "ValuesNode") return [undefined];
  const names = columns.map((column) => nameOf(column) ?? "");
  const at = keySql.map((name) => names.indexOf(name));
  return (values as ValuesNode).values.map((row) => keyIn(valuesOf(row), at));
}

/** Columns that have one value in every row that a condition lets through, by SQL name. */
export function equalities(where: WhereNode | undefined): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const open: OperationNode[] = where === undefined ? [] : [where.where];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const { left, leftOperand, node: inner, operator, right, rightOperand } = node as OperationNode & { readonly [K in "left" | "right" | "node" | "leftOperand" | "rightOperand"]: OperationNode } & { readonly operator: { readonly operator: string } };
    if (node.kind === "AndNode") open.push(left, right);
    else if (node.kind === "ParensNode") open.push(inner);
    else if (node.kind === "BinaryOperationNode" && operator.operator === "=" && leftOperand.kind === "ReferenceNode" && rightOperand.kind === "ValueNode") {
      found.set(nameOf(leftOperand) ?? "", (rightOperand as ValueNode).value);
    }
  }
  return found;
}

interface UpdateParts {
  readonly table: KnownTable;
  readonly column: SealedColumn;
  readonly place: RowPlace | undefined;
}

function sealUpdate(update: ColumnUpdateNode, { column, place, table }: UpdateParts): readonly ColumnUpdateNode[] {
  if (update.value.kind === "ReferenceNode" && nameOf(update.value) === column.sql) return [update]; // it stays what it is
  const value = valueIn(update.value);
  if (value === computed) throw new SealError(`${table.name}.${column.name} is encrypted, and SQL cannot compute it: give its value`);
  if (value !== null && value !== undefined && place === undefined) {
    throw new SealError(`${table.name}.${column.name} is encrypted for each row by itself, so an update has to name its row: .where(…, "=", …) for ${table.table.key.join(" and ")}`);
  }
  const sealed = value === null || value === undefined ? null : new ValueToSeal({ column, ...(place as RowPlace), value });
  const index = column.index === undefined ? [] : [{ kind: "ColumnUpdateNode", column: columnNode(column.index.name), value: valueNode(new ValueToIndex(column, value)) } as ColumnUpdateNode];
  return [{ ...update, value: valueNode(sealed) }, ...index];
}
