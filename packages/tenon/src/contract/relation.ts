/**
 * Relations as access rules: whether the caller stands in a row of the service's own tables that belongs to what is asked
 * for. The owner of an order, a member of the team that an order belongs to.
 *
 * A contract knows no tables, so a relation names them as text. `service()` holds the names against its tables, and says
 * at start what does not fit.
 */
import type { MistakesAt } from "./mistakes.ts";
import { scalarKindOf } from "./scalar-kind.ts";
import { objectShapeOf } from "./object-shape.ts";
import type { JsonSchema } from "./schema.ts";

/**
 * What a column must hold: a field of the input, by its name; a text that is always the same; or what a column of
 * another table holds: `{ table: "orders", column: "teamId", match: { id: "orderId" } }`.
 */
export type RelationMatch = string | { readonly value: string } | RelationLookup;

export interface RelationLookup {
  readonly table: string;
  /** Which of its columns is taken. */
  readonly column: string;
  /** Which of its rows. */
  readonly match: Readonly<Record<string, RelationMatch>>;
}

/** What a caller hears who is not related, where that is what it lacks. */
export type RelationDenial = "not_found" | "permission_denied";

export interface RelationRule {
  /** What documents and logs call it: "owner", "member of the team". */
  readonly relation: string;
  /** By its name in the service's `tables`. */
  readonly table: string;
  /** The column that names who is related: it equals the caller's `subject`. */
  readonly subject: string;
  /** The columns that say which rows are meant, each with what it must hold. */
  readonly match: Readonly<Record<string, RelationMatch>>;
  readonly denied: RelationDenial;
}

export interface RelationOptions extends Pick<RelationRule, "table" | "subject" | "match"> {
  /**
   * What a caller hears who is not related. `not_found`, the default: the same as if the row were not there, so that nobody
   * learns of rows that are not theirs; it is the operation's own error with status 404 where it declares one without data.
   * `permission_denied`: that it may not, for rows that everybody knows of.
   */
  readonly denied?: RelationDenial;
}

export interface OwnerOptions {
  readonly table: string;
  /** The column that the input names a row by, where the field is called alike. */
  readonly key: string;
  /** The column that says whose row it is. */
  readonly subject: string;
  /** As in {@link RelationOptions}. */
  readonly denied?: RelationDenial;
}

/** The caller stands in a row of the service's own: `related("member of the team", { table: "members", subject: "userId", match: { teamId: "teamId" } })`. */
export function related(relation: string, { denied = "not_found", match, subject, table }: RelationOptions): RelationRule {
  return { relation, table, subject, match, denied };
}

/** The row that the input names is the caller's own: `owner({ table: "orders", key: "id", subject: "customerId" })`. */
export function owner({ key, ...rest }: OwnerOptions): RelationRule {
  return related("owner", { ...rest, match: { [key]: key } });
}

/** Whether something is a relation among the parts of an access rule. */
export function isRelation(rule: unknown): rule is RelationRule {
  return typeof rule === "object" && rule !== null && "relation" in rule;
}

/** The tables that a relation reads, with the columns of each. */
function tablesOf({ match, subject, table }: RelationRule): readonly { readonly table: string; readonly columns: readonly string[] }[] {
  return [{ table, columns: [subject, ...Object.keys(match)] }, ...lookupsIn(match)];
}

function lookupsIn(match: Readonly<Record<string, RelationMatch>>): readonly { readonly table: string; readonly columns: readonly string[] }[] {
  return Object.values(match).flatMap((each) => (isLookup(each) ? [{ table: each.table, columns: [each.column, ...Object.keys(each.match)] }, ...lookupsIn(each.match)] : []));
}

export function isLookup(match: RelationMatch): match is RelationLookup {
  return typeof match === "object" && "table" in match;
}

/** What is wrong with the names in a relation, for whoever wrote it. */
export function relationProblems(relation: RelationRule, tables: Readonly<Record<string, { readonly columns: Readonly<Record<string, unknown>> }>>): readonly string[] {
  const problems: string[] = [];
  for (const { columns, table } of tablesOf(relation)) {
    const found = tables[table];
    if (found === undefined) {
      problems.push(`the relation "${relation.relation}" reads the table "${table}", and the service's tables are ${Object.keys(tables).join(", ") || "none"}`);
      continue;
    }
    for (const column of columns) {
      if (!Object.hasOwn(found.columns, column)) problems.push(`the relation "${relation.relation}" reads the column "${column}" of "${table}", which has ${Object.keys(found.columns).join(", ")}`);
    }
  }
  return problems;
}

/** A lookup in a lookup in a lookup is a mistake, or a slow rule. */
const lookupsMax = 3;

export function checkRelation(rule: RelationRule, input: JsonSchema | undefined, mistakes: MistakesAt): void {
  const { denied, match, relation, subject, table } = rule;
  if (typeof relation !== "string" || relation.trim() === "") mistakes.add("a relation without a name", 'name it by what it is: related("member of the team", { ... })');
  for (const [part, name] of [["table", table], ["subject", subject]] as const) {
    if (typeof name !== "string" || name === "") mistakes.add(`the relation "${relation}" has no ${part}`, `${part}: the name of ${part === "table" ? "one of the service's tables" : "the column that holds the caller's subject"}`);
  }
  if (denied !== "not_found" && denied !== "permission_denied") mistakes.add(`the relation "${relation}" has denied: "${String(denied)}"`, '"not_found" or "permission_denied"');
  checkMatch(rule, { match, depth: 0 }, input, mistakes);
}

function checkMatch(rule: RelationRule, { depth, match }: { readonly match: unknown; readonly depth: number }, input: JsonSchema | undefined, mistakes: MistakesAt): void {
  if (typeof match !== "object" || match === null || Object.keys(match).length === 0) {
    mistakes.add(`the relation "${rule.relation}" does not say which rows of ${rule.table} are meant`, "match: { column: \"field of the input\" }");
    return;
  }
  for (const [column, each] of Object.entries(match as Readonly<Record<string, RelationMatch>>)) {
    if (typeof each === "string") checkField(rule, { column, field: each }, input, mistakes);
    else if (isLookup(each) && depth < lookupsMax) checkMatch(rule, { match: each.match, depth: depth + 1 }, input, mistakes);
    else if (isLookup(each)) mistakes.add(`the relation "${rule.relation}" looks through more than ${lookupsMax} tables`, "keep what it needs in a nearer row");
    else if (typeof each?.value !== "string") mistakes.add(`the relation "${rule.relation}" has no value for the column ${column}`, 'a field of the input ("id"), { value: "text" } or { table, column, match }');
  }
}

function checkField({ relation }: RelationRule, { column, field }: { readonly column: string; readonly field: string }, input: JsonSchema | undefined, mistakes: MistakesAt): void {
  const shape = input === undefined ? undefined : objectShapeOf(input);
  const schema = shape?.fields.get(field);
  if (schema === undefined || input === undefined) {
    const fields = [...(shape?.fields.keys() ?? [])].join(", ");
    mistakes.add(`the relation "${relation}" matches ${column} with the input's "${field}", and there is no such field`, fields === "" ? "the operation takes no input" : `one of: ${fields}`);
  } else if (scalarKindOf(schema, input) === undefined) {
    mistakes.add(`the relation "${relation}" matches ${column} with the input's "${field}", which is not text or a number`, "match one value");
  }
}
