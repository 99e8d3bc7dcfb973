/**
 * Who may call an operation, said in the contract. Denied unless granted: an operation without a rule does not compile.
 */

import type { MistakesAt } from "./mistakes.ts";
import { checkRelation, isRelation, type RelationRule } from "./relation.ts";
import type { JsonSchema } from "./schema.ts";

/** Who is calling, once known. */
export interface Caller {
  /**
   * `anonymous` has shown nothing; `person` and `program` have a verified token; `system` is a service that acts by itself:
   * a subscription, a schedule, a workflow.
   */
  readonly kind: "anonymous" | "person" | "program" | "system";
  /** The token's `sub`; empty for `anonymous`; `system:orders.checkout` for what acts by itself. Unique within `issuer`. */
  readonly subject: string;
  /** The token's `iss`; empty for `anonymous`. */
  readonly issuer: string;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  /** The verified claims, whole, for predicates and handlers. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The services that act for the caller, the one that called last before the others; missing where it came itself. */
  readonly actors?: readonly string[];
}

export const anonymous: Caller = Object.freeze({
  kind: "anonymous",
  subject: "",
  issuer: "",
  scopes: new Set<string>(),
  roles: new Set<string>(),
  claims: Object.freeze({}),
});

/** What a named predicate may look at: the input is validated by then. */
export interface AccessQuestion<Input> {
  readonly caller: Caller;
  readonly input: Input;
}

export interface ScopeRule {
  readonly scope: string;
}
export interface RoleRule {
  readonly role: string;
}
export interface CalledByRule {
  readonly calledBy: readonly string[];
}

/** A rule of your own over caller and input. Written as an object, so that the type of the input flows into it. */
export interface PredicateRule<Input> {
  /** What it asks, for documents and logs: "own account", not "check1". */
  readonly predicate: string;
  /** Pure and quick: it runs inside every call. */
  readonly allows: (question: AccessQuestion<Input>) => boolean;
}

/** Every rule has to grant. */
export interface AllOfRule<Input> {
  readonly allOf: readonly AccessRule<Input>[];
}

/** One rule that grants is enough. */
export interface AnyOfRule<Input> {
  readonly anyOf: readonly AccessRule<Input>[];
}

/**
 * `"public"`: anybody. `"signed-in"`: anybody with a valid token. {@link scope}, {@link role} and {@link calledBy}
 * make the simple rules, {@link owner} and {@link related} those about rows of the service; `{ predicate, allows }`,
 * `{ allOf: [...] }` and `{ anyOf: [...] }` are written as they stand.
 */
export type AccessRule<Input = never> =
  | "public"
  | "signed-in"
  | ScopeRule
  | RoleRule
  | CalledByRule
  | RelationRule
  | PredicateRule<Input>
  | AllOfRule<Input>
  | AnyOfRule<Input>;

/** The caller's token carries this scope (RFC 6749 section 3.3), by custom `resource:action`. */
export function scope(name: `${string}:${string}`): ScopeRule {
  return { scope: name };
}

/** The caller's token carries this role in its `roles` claim. */
export function role(name: string): RoleRule {
  return { role: name };
}

/** Only these services may call, on behalf of whoever called them. No face shows such an operation to the outside. */
export function calledBy(...services: readonly [string, ...string[]]): CalledByRule {
  return { calledBy: services };
}

/** A rule as it stands in documents: predicates by name. */
export type AccessDescription =
  | "public"
  | "signed-in"
  | ScopeRule
  | RoleRule
  | CalledByRule
  | RelationRule
  | { readonly predicate: string }
  | { readonly allOf: readonly AccessDescription[] }
  | { readonly anyOf: readonly AccessDescription[] };

export function describeAccess(rule: AccessRule): AccessDescription {
  if (typeof rule === "string") return rule;
  if ("predicate" in rule) return { predicate: rule.predicate };
  if ("allOf" in rule) return { allOf: rule.allOf.map(describeAccess) };
  if ("anyOf" in rule) return { anyOf: rule.anyOf.map(describeAccess) };
  return rule;
}

/** Whether a rule can only ever be met by another service, so that no face has to show the operation. */
export function isInternal(rule: AccessRule): boolean {
  if (typeof rule === "string") return false;
  if ("calledBy" in rule) return true;
  if ("allOf" in rule) return rule.allOf.some(isInternal);
  if ("anyOf" in rule) return rule.anyOf.every(isInternal);
  return false;
}

/** Every relation in a rule, in the order in which they stand there. */
export function relationsIn(rule: AccessRule): readonly RelationRule[] {
  if (typeof rule === "string") return [];
  if ("allOf" in rule) return rule.allOf.flatMap(relationsIn);
  if ("anyOf" in rule) return rule.anyOf.flatMap(relationsIn);
  return isRelation(rule) ? [rule] : [];
}

/** Adds what is wrong with a rule, and says whether it is whole enough to be described. */
export function checkAccess(rule: AccessRule, input: JsonSchema | undefined, mistakes: MistakesAt): boolean {
  if (rule === undefined || rule === null) {
    mistakes.add("has no access rule", 'say who may call: access: "public", "signed-in", scope("orders:read"), ...');
    return false;
  }
  if (rule === "public" || rule === "signed-in") return true;
  if (typeof rule !== "object") {
    mistakes.add(`the access rule "${String(rule)}" is not known`, `use ${knownRules}`);
    return false;
  }
  if ("allOf" in rule) return checkRules({ kind: "allOf", rules: rule.allOf }, input, mistakes);
  if ("anyOf" in rule) return checkRules({ kind: "anyOf", rules: rule.anyOf }, input, mistakes);
  if ("scope" in rule) checkName("scope", rule.scope, mistakes);
  else if ("role" in rule) checkName("role", rule.role, mistakes);
  else if ("calledBy" in rule) checkCalledBy(rule.calledBy, mistakes);
  else if ("predicate" in rule) checkPredicate(rule, mistakes);
  else if (isRelation(rule)) checkRelation(rule, input, mistakes);
  else {
    mistakes.add("the access rule is of no known form", `use ${knownRules}`);
    return false;
  }
  return true;
}

const knownRules = '"public", "signed-in", scope(), role(), calledBy(), owner(), related(), { predicate, allows }, { allOf } or { anyOf }';

const nameForms = {
  scope: { form: /^[a-z][a-z0-9._-]*:[a-z][a-z0-9._-]*$/, remedy: 'write resource:action in lower case: "orders:read"' },
  role: { form: /^[a-z][a-z0-9._-]*$/, remedy: 'lower case: "admin"' },
} as const;

function checkName(kind: "scope" | "role", name: unknown, mistakes: MistakesAt): void {
  const { form, remedy } = nameForms[kind];
  if (typeof name !== "string" || !form.test(name)) mistakes.add(`the ${kind} "${String(name)}" has an unknown form`, remedy);
}

interface RuleList {
  readonly kind: "allOf" | "anyOf";
  readonly rules: readonly AccessRule[];
}

function checkRules({ kind, rules }: RuleList, input: JsonSchema | undefined, mistakes: MistakesAt): boolean {
  if (!Array.isArray(rules) || rules.length === 0) {
    mistakes.add(`${kind} without a rule`, "name at least one");
    return false;
  }
  return rules.map((rule) => checkAccess(rule, input, mistakes)).every(Boolean); // each one is looked at, to tell all mistakes
}

function checkCalledBy(services: readonly string[], mistakes: MistakesAt): void {
  if (services.length === 0) mistakes.add("calledBy() names no service, so nobody may call", "name the services that call");
  for (const service of services) {
    if (!/^[a-z][a-z0-9-]*$/.test(service)) mistakes.add(`calledBy("${service}") is not a name for a service`, "the name in contract(...): lower case");
  }
}

function checkPredicate(rule: PredicateRule<never>, mistakes: MistakesAt): void {
  if (typeof rule.predicate !== "string" || rule.predicate.trim() === "") {
    mistakes.add("a predicate without a name", 'name it by what it asks: { predicate: "own account", ... }');
  }
  if (typeof rule.allows !== "function") {
    mistakes.add(`the predicate "${rule.predicate}" has no function`, "add allows: ({ caller, input }) => ...");
  }
}
