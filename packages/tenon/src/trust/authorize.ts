/**
 * Lets a call pass when the access rule of its operation grants it. Denied unless granted: a call that nobody has
 * identified is anonymous.
 *
 * In two stages, one on each side of `validate`. {@link authorizeCaller} decides what can be decided without the input:
 * somebody without the right must not be able to make the service read and parse a body. {@link authorize} decides the
 * rest: a predicate sees the validated input, and a relation is looked up by it. An operation without either has only the
 * first.
 */
import { type AccessGate, type Call, type Handler, isPromise, type Stage } from "../calls/index.ts";
import { type AccessRule, anonymous, isRelation, type Operation } from "../contract/index.ts";
import { DeclaredFault, Fault } from "../kernel/index.ts";
import { type AccessAsked, compileAccess, couldSignInHelp, explainAccess, grantedBy, missingFrom } from "./access.ts";
import type { RelationReader } from "./ports.ts";
import { compileRelations } from "./relations.ts";

/**
 * The stage before `validate`. Predicates and relations count as granted here.
 *
 * @throws {Fault} (in a call) `unauthenticated`: nobody is signed in, and signing in might help.
 * @throws {Fault} (in a call) `permission_denied`: the message names the scope or role that is missing.
 */
export function authorizeCaller(): Stage {
  return {
    name: "authorize caller",
    compile(operation: Operation, next: Handler): Handler {
      const rule = withoutQuestions(operation.access);
      return rule === "public" ? marking(operation, next) : refusing(operation, rule, next);
    },
  };
}

export interface AuthorizeOptions {
  /** Left out: the service has no rows, and no operation with a relation compiles. */
  readonly relations?: RelationReader | undefined;
}

/**
 * The stage after `validate`.
 *
 * @throws {Fault} (in a call) `unauthenticated` and `permission_denied`, as above; the message names predicates too.
 * @throws {Fault} (in a call) `not_found`, or the operation's own error of that status: a relation is missing.
 * @throws {Fault} (in a call) `internal`: a predicate threw, or answered with something else than a boolean.
 */
export function authorize({ relations }: AuthorizeOptions = {}): Stage {
  return {
    name: "authorize",
    compile(operation: Operation, next: Handler): Handler {
      const { access } = operation;
      if (!someRule(access, isRelation)) return hasQuestion(access) ? refusing(operation, access, next) : next;
      if (relations === undefined) throw new RangeError(`${operation.id} asks for a relation, and the service "${operation.service}" has no tables`);
      return relating(operation, compileRelations(access, relations), next);
    },
  };
}

/** A call that the platform itself makes, because the contract of the operation says so. What it calls in turn is no probe. */
function isOwnProbe(call: Call): boolean {
  return call.isProbe && call.parent === undefined;
}

function refusing(operation: Operation, rule: AccessRule, next: Handler): Handler {
  const grants = compileAccess(rule);
  const gate = gateOf(operation);
  return function authorize(call) {
    call.caller ??= anonymous;
    if (!grants(call as AccessAsked) && !isOwnProbe(call)) throw refusal(operation, rule, call);
    call.gate = gate;
    return next(call);
  };
}

function relating(operation: Operation, decide: (call: Call) => boolean | Promise<boolean>, next: Handler): Handler {
  const proceed = (call: Call, isGranted: boolean): unknown => {
    if (!isGranted) throw refusal(operation, operation.access, call);
    return next(call);
  };
  return function authorize(call) {
    if (isOwnProbe(call)) return next(call);
    const decided = decide(call);
    return isPromise(decided) ? decided.then((isGranted) => proceed(call, isGranted)) : proceed(call, decided);
  };
}

/** Nobody is refused here; still it can be asked what let the call in. */
function marking(operation: Operation, next: Handler): Handler {
  const gate = gateOf(operation);
  return function authorize(call) {
    call.caller ??= anonymous;
    call.gate = gate;
    return next(call);
  };
}

function gateOf({ access }: Operation): AccessGate {
  return {
    grantedBy(call) {
      if (isOwnProbe(call)) return "the contract's probe";
      const { caller = anonymous, from, input, relations } = call;
      return grantedBy(explainAccess(access, { caller, input, from, relations }));
    },
  };
}

/** What has to wait for the input. */
function hasQuestion(rule: AccessRule): boolean {
  return someRule(rule, (part) => isRelation(part) || (typeof part === "object" && "predicate" in part));
}

function someRule(rule: AccessRule, matches: (part: AccessRule) => boolean): boolean {
  if (typeof rule === "object" && "allOf" in rule) return rule.allOf.some((part) => someRule(part, matches));
  if (typeof rule === "object" && "anyOf" in rule) return rule.anyOf.some((part) => someRule(part, matches));
  return matches(rule);
}

/** The same rule with every predicate and relation granted, the latter to whoever is signed in: `public` where nothing else is asked. */
function withoutQuestions(rule: AccessRule): AccessRule {
  if (typeof rule === "string" || !hasQuestion(rule)) return rule;
  if ("anyOf" in rule) {
    const rules = rule.anyOf.map(withoutQuestions);
    return rules.includes("public") ? "public" : { anyOf: rules };
  }
  if ("allOf" in rule) {
    const rules = rule.allOf.map(withoutQuestions).filter((each) => each !== "public");
    return rules.length === 0 ? "public" : { allOf: rules };
  }
  return isRelation(rule) ? "signed-in" : "public";
}

function refusal(operation: Operation, rule: AccessRule, call: Call): Fault {
  const { caller = anonymous, input, from, relations } = call;
  const explanation = explainAccess(rule, { caller, input, from, relations });
  if (caller.kind === "anonymous" && couldSignInHelp(explanation)) {
    return new Fault("unauthenticated", `${operation.id} needs a bearer token`, { facts: { reason: "no_credentials" } });
  }
  const missing = missingFrom(explanation);
  if (hidesRow(rule, call)) return hidden(operation, missing);
  return new Fault("permission_denied", `${operation.id} needs ${missing}`, { facts: { reason: "insufficient_rights", missing } });
}

/** Whether a row was looked for that the caller is to know nothing of. */
function hidesRow(rule: AccessRule, { relations }: Call): boolean {
  if (relations === undefined) return false;
  return someRule(rule, (part) => isRelation(part) && part.denied === "not_found" && relations.get(part) === false);
}

/** As if the row were not there: in the operation's own words, where it has some. */
function hidden(operation: Operation, missing: string): Fault {
  const facts = { reason: "insufficient_rights", missing };
  const own = Object.entries(operation.errors).find(([, { data, status }]) => status === 404 && data === undefined);
  if (own === undefined) return new Fault("not_found", `${operation.id} has found nothing`, { facts });
  const [name, { message, status }] = own;
  return new DeclaredFault(name, undefined, status, { facts, ...(message === undefined ? {} : { message }) });
}
