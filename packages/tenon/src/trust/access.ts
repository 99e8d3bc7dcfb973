/**
 * Decides whether a caller may do what an operation does, by the rule in its contract; and tells why.
 *
 * {@link compileAccess} is the decision, made of closures once per operation, and costs some nanoseconds.
 * {@link explainAccess} walks the rule a second time to say what each part answered; it runs only for refusals.
 *
 * What acts by itself (a schedule, a delivery) is a caller like any other: it has the scopes and roles that its app grants
 * to it (`principal.ts`), and predicates and relations are asked of it as of everybody.
 *
 * Relations are rows, which take a while to be read. A decision is told what is known of them (`relations`); `authorize.ts`
 * finds out what is not, and only where it matters.
 */
import { type AccessRule, type Caller, isRelation, type RelationRule } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { isUnrestricted } from "./principal.ts";

/** What a decision is about. A Call has all of it. */
export interface AccessAsked {
  /** Whoever called first: a call from service to service carries its caller along. */
  readonly caller: Caller;
  /** The validated input. */
  readonly input: unknown;
  /** The service that makes the call, where one does. */
  readonly from?: string | undefined;
  /** What is known of relations; a relation that is not among them counts as none. */
  readonly relations?: ReadonlyMap<RelationRule, boolean> | undefined;
}

export type AccessDecision = (asked: AccessAsked) => boolean;

/** What one part of a rule answered, and its own parts. */
export interface AccessExplanation {
  readonly kind: "public" | "signed-in" | "scope" | "role" | "calledBy" | "predicate" | "relation" | "allOf" | "anyOf";
  /** The name in the rule: a scope, a role, a predicate, a relation; empty for the other kinds. */
  readonly name: string;
  /** `not asked`: a predicate or relation whose answer could not change the decision any more. */
  readonly outcome: "granted" | "denied" | "not asked";
  /** Of `allOf` and `anyOf`; empty for the other kinds. */
  readonly parts: readonly AccessExplanation[];
}

/**
 * One function for a rule.
 *
 * @returns a function that throws a Fault `internal` when a predicate throws or answers with anything but a boolean.
 * @throws {TypeError} the rule is of no known form or an empty list: nobody was granted anything by it.
 */
export function compileAccess(rule: AccessRule): AccessDecision {
  if (rule === "public") return () => true;
  if (rule === "signed-in") return ({ caller }) => caller.kind !== "anonymous";
  if (typeof rule !== "object" || rule === null) throw unknownRule(rule);
  if ("scope" in rule) {
    const { scope } = rule;
    return ({ caller }) => caller.scopes.has(scope) || isUnrestricted(caller);
  }
  if ("role" in rule) {
    const { role } = rule;
    return ({ caller }) => caller.roles.has(role) || isUnrestricted(caller);
  }
  if ("calledBy" in rule) {
    const services = new Set(rule.calledBy);
    return ({ from }) => from !== undefined && services.has(from);
  }
  if ("predicate" in rule) return (asked) => isUnrestricted(asked.caller) || ask(rule, asked);
  if (isRelation(rule)) return ({ caller, relations }) => relations?.get(rule) === true || isUnrestricted(caller);
  if ("allOf" in rule) {
    const parts = compileParts(rule.allOf);
    return (asked) => parts.every((part) => part(asked));
  }
  if ("anyOf" in rule) {
    const parts = compileParts(rule.anyOf);
    return (asked) => parts.some((part) => part(asked));
  }
  throw unknownRule(rule);
}

/**
 * Why a rule grants or denies. Predicates are asked exactly where the decision asked them, so that one which relies on
 * an earlier part ("signed-in" before it) is not asked without it.
 *
 * @throws {Fault} `internal` when a predicate throws.
 */
export function explainAccess(rule: AccessRule, asked: AccessAsked): AccessExplanation {
  return explain(rule, asked, "ask");
}

/** What a caller lacks, in words: "the scope orders:write and the role admin". Empty when nothing is missing. */
export function missingFrom(explanation: AccessExplanation): string {
  const { kind, name, outcome, parts } = explanation;
  if (outcome === "granted") return "";
  switch (kind) {
    case "scope":
    case "role":
      return `the ${kind} ${name}`;
    case "predicate":
      return `"${name}"`;
    case "relation":
      return `to be ${name}`;
    case "calledBy":
      return "a call from another service"; // which ones is nothing for an outsider to know
    case "allOf":
      return joined(deniedOf(parts), " and ");
    case "anyOf":
      return joined(parts, " or ");
    default:
      return "a signed-in caller";
  }
}

/** What granted, in words: "the role admin", "owner", "signed-in and the scope orders:read". Empty when nothing did. */
export function grantedBy(explanation: AccessExplanation): string {
  const { kind, name, outcome, parts } = explanation;
  if (outcome !== "granted") return "";
  switch (kind) {
    case "scope":
    case "role":
      return `the ${kind} ${name}`;
    case "predicate":
    case "relation":
      return name;
    case "calledBy":
      return "the calling service";
    case "allOf":
      return parts.map(grantedBy).join(" and ");
    case "anyOf":
      return grantedBy(parts.find((part) => part.outcome === "granted") ?? explanation);
    default:
      return kind;
  }
}

/** Whether a caller who has shown nothing might get in by showing something: the difference between 401 and 403. */
export function couldSignInHelp({ kind, outcome, parts }: AccessExplanation): boolean {
  if (outcome === "granted") return true;
  if (kind === "calledBy") return false;
  if (kind === "allOf") return parts.every(couldSignInHelp);
  if (kind === "anyOf") return parts.some(couldSignInHelp);
  return true;
}

function explain(rule: AccessRule, asked: AccessAsked, predicates: "ask" | "skip"): AccessExplanation {
  if (typeof rule === "string") return leaf(rule, "", compileAccess(rule)(asked));
  if ("scope" in rule) return leaf("scope", rule.scope, compileAccess(rule)(asked));
  if ("role" in rule) return leaf("role", rule.role, compileAccess(rule)(asked));
  if ("calledBy" in rule) return leaf("calledBy", "", compileAccess(rule)(asked));
  if ("predicate" in rule) {
    if (predicates === "skip") return { kind: "predicate", name: rule.predicate, outcome: "not asked", parts: [] };
    return leaf("predicate", rule.predicate, compileAccess(rule)(asked));
  }
  if (isRelation(rule)) {
    if (asked.relations?.has(rule) !== true && !isUnrestricted(asked.caller)) return { kind: "relation", name: rule.relation, outcome: "not asked", parts: [] };
    return leaf("relation", rule.relation, compileAccess(rule)(asked));
  }
  return "allOf" in rule ? explainAllOf(rule.allOf, asked, predicates) : explainAnyOf(rule.anyOf, asked, predicates);
}

function explainAllOf(rules: readonly AccessRule[], asked: AccessAsked, predicates: "ask" | "skip"): AccessExplanation {
  const parts: AccessExplanation[] = [];
  for (const rule of rules) {
    const isDecided = parts.some((part) => part.outcome === "denied");
    parts.push(explain(rule, asked, isDecided ? "skip" : predicates));
  }
  return { kind: "allOf", name: "", outcome: firstOf(["denied", "not asked", "granted"], parts), parts };
}

function explainAnyOf(rules: readonly AccessRule[], asked: AccessAsked, predicates: "ask" | "skip"): AccessExplanation {
  const parts: AccessExplanation[] = [];
  for (const rule of rules) {
    const isDecided = parts.some((part) => part.outcome === "granted");
    parts.push(explain(rule, asked, isDecided ? "skip" : predicates));
  }
  return { kind: "anyOf", name: "", outcome: firstOf(["granted", "not asked", "denied"], parts), parts };
}

/** The first of these outcomes that any part had. */
function firstOf(order: readonly AccessExplanation["outcome"][], parts: readonly AccessExplanation[]): AccessExplanation["outcome"] {
  return order.find((outcome) => parts.some((part) => part.outcome === outcome)) ?? "denied";
}

function leaf(kind: AccessExplanation["kind"], name: string, isGranted: boolean): AccessExplanation {
  return { kind, name, outcome: isGranted ? "granted" : "denied", parts: [] };
}

/** A list inside of a list stands in brackets, where both have come to more than one part. */
function joined(parts: readonly AccessExplanation[], word: " and " | " or "): string {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return missingFrom(only);
  return parts.map((part) => (missingParts(part).length > 1 ? `(${missingFrom(part)})` : missingFrom(part))).join(word);
}

/** The parts of a list that are told of, down to where there is more than one. */
function missingParts(explanation: AccessExplanation): readonly AccessExplanation[] {
  const { kind, parts } = explanation;
  const told = kind === "allOf" ? deniedOf(parts) : parts;
  return told.length === 1 ? told.flatMap(missingParts) : told;
}

/** One lack is enough to be denied by `allOf`: what was not asked is not known to be missing. */
function deniedOf(parts: readonly AccessExplanation[]): readonly AccessExplanation[] {
  return parts.filter((part) => part.outcome === "denied");
}

function compileParts(rules: readonly AccessRule[]): readonly AccessDecision[] {
  // `every` of nothing is true: an empty list would let everybody in.
  if (!Array.isArray(rules) || rules.length === 0) throw new TypeError("allOf and anyOf need at least one rule");
  return rules.map(compileAccess);
}

type Predicate = Extract<AccessRule, { readonly predicate: string }>;

function ask(rule: Predicate, { caller, input }: AccessAsked): boolean {
  let answer: unknown;
  try {
    answer = rule.allows({ caller, input: input as never });
  } catch (cause) {
    throw new Fault("internal", "internal error", { cause, facts: { predicate: rule.predicate } });
  }
  if (typeof answer === "boolean") return answer;
  // A promise is true in an `if`: an async predicate would let everybody in.
  const cause = new TypeError(`the predicate "${rule.predicate}" answered with ${typeof answer}, not with a boolean`);
  throw new Fault("internal", "internal error", { cause, facts: { predicate: rule.predicate } });
}

function unknownRule(rule: unknown): TypeError {
  return new TypeError(`the access rule is of no known form: ${JSON.stringify(rule)}`);
}
