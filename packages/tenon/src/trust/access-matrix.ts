/**
 * Who can call what, read from the access rules alone: operations by kinds of callers. Made for people who look at rights
 * as a whole, and to be compared with what was agreed.
 *
 * Kinds of callers are taken from the rules themselves: each way into an operation asks for some rights (a role, two scopes,
 * a calling service), and every set of rights that any operation asks for is a kind. What depends on a row or on the input
 * (relations, predicates) is a condition.
 */
import { type AccessRule, anonymous, type Caller, isRelation, type Operation } from "../contract/index.ts";
import { compileAccess } from "./access.ts";

/** The rights of a kind of callers. Empty: anybody. */
interface Rights {
  readonly isSignedIn: boolean;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** The service that makes the call. */
  readonly from: string | undefined;
}

export interface CallerKind {
  /** `anybody`, `signed in`, `role admin`, `service orders`. */
  readonly name: string;
  readonly rights: Rights;
}

/** `yes`, `no`, or the conditions that have to hold. */
export type MatrixCell = "yes" | "no" | { readonly if: readonly string[] };

export interface MatrixRow {
  readonly operation: string;
  /** The operation's answer to each kind, in the order of `callers`. */
  readonly cells: readonly MatrixCell[];
}

export interface AccessMatrix {
  readonly callers: readonly CallerKind[];
  readonly rows: readonly MatrixRow[];
}

export function accessMatrix(operations: readonly Operation[]): AccessMatrix {
  const kinds = new Map<string, CallerKind>();
  for (const rights of [nobody, { ...nobody, isSignedIn: true }, ...operations.flatMap(({ access }) => waysIn(access))]) {
    const name = nameOf(rights);
    if (!kinds.has(name)) kinds.set(name, { name, rights });
  }
  const callers = [...kinds.values()].toSorted((a, b) => rankOf(a) - rankOf(b) || a.name.localeCompare(b.name));
  return { callers, rows: operations.map(({ access, id }) => ({ operation: id, cells: callers.map(({ rights }) => cellOf(access, rights)) })) };
}

const nobody: Rights = { isSignedIn: false, scopes: [], roles: [], from: undefined };

/** Each set of rights by which somebody may come in, conditions left aside. */
function waysIn(rule: AccessRule): readonly Rights[] {
  if (rule === "public") return [nobody];
  if (rule === "signed-in" || isRelation(rule)) return [{ ...nobody, isSignedIn: true }];
  if ("predicate" in rule) return [nobody];
  if ("scope" in rule) return [{ ...nobody, isSignedIn: true, scopes: [rule.scope] }];
  if ("role" in rule) return [{ ...nobody, isSignedIn: true, roles: [rule.role] }];
  if ("calledBy" in rule) return rule.calledBy.map((from) => ({ ...nobody, from }));
  if ("anyOf" in rule) return rule.anyOf.flatMap(waysIn);
  return rule.allOf.map(waysIn).reduce<readonly Rights[]>((left, right) => left.flatMap((a) => right.flatMap((b) => both(a, b) ?? [])), [nobody]);
}

/** @returns `undefined` where nobody can have both: two services do not make one call. */
function both(a: Rights, b: Rights): Rights | undefined {
  if (a.from !== undefined && b.from !== undefined && a.from !== b.from) return undefined;
  return {
    isSignedIn: a.isSignedIn || b.isSignedIn,
    scopes: [...new Set([...a.scopes, ...b.scopes])].toSorted(),
    roles: [...new Set([...a.roles, ...b.roles])].toSorted(),
    from: a.from ?? b.from,
  };
}

function nameOf({ from, isSignedIn, roles, scopes }: Rights): string {
  const rights = [...roles.map((role) => `role ${role}`), ...scopes.map((scope) => `scope ${scope}`)];
  const who = rights.length > 0 ? rights : isSignedIn ? ["signed in"] : [];
  const through = from === undefined ? [] : [`service ${from}`];
  return [...through, ...who].join(" and ") || "anybody";
}

function rankOf({ rights: { from, isSignedIn, roles, scopes } }: CallerKind): number {
  if (from !== undefined) return 4;
  if (scopes.length > 0) return 3;
  if (roles.length > 0) return 2;
  return isSignedIn ? 1 : 0;
}

function cellOf(rule: AccessRule, rights: Rights): MatrixCell {
  const caller = callerWith(rights);
  const decide = (conditions: boolean): boolean => compileAccess(withConditions(rule, conditions))({ caller, input: undefined, from: rights.from });
  if (decide(false)) return "yes";
  return decide(true) ? { if: conditionsIn(rule, caller, rights.from) } : "no";
}

/** Somebody with these rights and no others. */
export function callerWith({ isSignedIn, roles, scopes }: Pick<Rights, "isSignedIn" | "roles" | "scopes">, subject = "somebody"): Caller {
  if (!isSignedIn) return anonymous;
  return { kind: "person", subject, issuer: "", scopes: new Set(scopes), roles: new Set(roles), claims: {} };
}

/** The rule with what depends on rows and input decided. A relation is of somebody who is signed in. */
function withConditions(rule: AccessRule, holds: boolean): AccessRule {
  if (typeof rule === "string") return rule;
  if ("anyOf" in rule) return { anyOf: rule.anyOf.map((part) => withConditions(part, holds)) };
  if ("allOf" in rule) return { allOf: rule.allOf.map((part) => withConditions(part, holds)) };
  if (isRelation(rule)) return holds ? "signed-in" : never;
  if ("predicate" in rule) return holds ? "public" : never;
  return rule;
}

const never: AccessRule = { predicate: "never", allows: () => false };

/** Those that stand in the way of somebody with these rights. */
function conditionsIn(rule: AccessRule, caller: Caller, from: string | undefined): readonly string[] {
  if (typeof rule === "string") return [];
  if (isRelation(rule)) return [rule.relation];
  if ("predicate" in rule) return [rule.predicate];
  const parts = "anyOf" in rule ? rule.anyOf : "allOf" in rule ? rule.allOf : [];
  const open = "anyOf" in rule ? parts.filter((part) => compileAccess(withConditions(part, true))({ caller, input: undefined, from })) : parts;
  return [...new Set(open.flatMap((part) => conditionsIn(part, caller, from)))];
}

/** The matrix as plain data, for a file that people read in reviews: what is refused is left out. */
export interface AccessRecord {
  /** Version of this format. */
  readonly tenon: 1;
  /** For each operation who gets in: `"signed in": "yes"`, `"signed in": "if owner"`. */
  readonly operations: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What acts by itself, with the rights that the app grants to it. */
  readonly principals: Readonly<Record<string, readonly string[]>>;
}

/** @param principals  Callers of the kind `system`. */
export function toAccessRecord({ callers, rows }: AccessMatrix, principals: readonly Caller[]): AccessRecord {
  const operations = rows.map(({ cells, operation }) => [operation, Object.fromEntries(callers.flatMap(({ name }, i) => (cells[i] === "no" ? [] : [[name, cellText(cells[i] ?? "no")]])))] as const);
  return {
    tenon: 1,
    operations: Object.fromEntries(operations.toSorted(([a], [b]) => a.localeCompare(b))),
    principals: Object.fromEntries(principals.map(({ roles, scopes, subject }) => [subject, [...[...roles].map((role) => `role ${role}`), ...[...scopes].map((scope) => `scope ${scope}`)].toSorted()] as const).toSorted(([a], [b]) => a.localeCompare(b))),
  };
}

export function cellText(cell: MatrixCell): string {
  return typeof cell === "string" ? cell : `if ${cell.if.join(" or ")}`;
}

/** What is not as it was agreed, a line each: `orders.refund: role admin was "yes", and is "no"`. */
export function accessChanges(agreed: AccessRecord, present: AccessRecord): readonly string[] {
  const changes: string[] = [];
  for (const operation of namesOf(agreed.operations, present.operations)) {
    const [before, now] = [agreed.operations[operation], present.operations[operation]];
    if (before === undefined || now === undefined) {
      const ways = Object.entries(before ?? now ?? {}).map(([who, how]) => (how === "yes" ? who : `${who} ${how}`));
      changes.push(`${operation}: ${before === undefined ? "is new" : "is gone"}; ${ways.join(", ") || "nobody"}`);
      continue;
    }
    for (const who of namesOf(before, now)) {
      if (before[who] !== now[who]) changes.push(`${operation}: ${who} was ${JSON.stringify(before[who] ?? "no")}, and is ${JSON.stringify(now[who] ?? "no")}`);
    }
  }
  for (const principal of namesOf(agreed.principals, present.principals)) {
    const [before, now] = [agreed.principals[principal], present.principals[principal]].map((rights) => (rights === undefined ? "not there" : rights.join(", ") || "without rights of its own"));
    if (before !== now) changes.push(`${principal} was ${before}, and is ${now}`);
  }
  return changes;
}

function namesOf(...records: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return [...new Set(records.flatMap(Object.keys))].toSorted();
}
