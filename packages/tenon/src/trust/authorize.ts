/**
 * Lets a call pass when the access rule of its operation grants it. Denied unless granted: a call that nobody has
 * identified is anonymous.
 *
 * In two stages, one on each side of `validate`. {@link authorizeCaller} decides what can be decided without the input:
 * somebody without the right must not be able to make the service read and parse a body. {@link authorize} decides the
 * rest: a predicate sees the validated input. An operation without a predicate has only the first.
 */
import type { Call, Handler, Stage } from "../calls/index.ts";
import { type AccessRule, anonymous, type Operation } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { type AccessAsked, compileAccess, couldSignInHelp, explainAccess, missingFrom } from "./access.ts";

/**
 * The stage before `validate`. Predicates count as granted here.
 *
 * @throws {Fault} (in a call) `unauthenticated`: nobody is signed in, and signing in might help.
 * @throws {Fault} (in a call) `permission_denied`: the message names the scope or role that is missing.
 */
export function authorizeCaller(): Stage {
  return {
    name: "authorize caller",
    compile(operation: Operation, next: Handler): Handler {
      const rule = withoutPredicates(operation.access);
      return rule === "public" ? next : refusing(operation, rule, next);
    },
  };
}

/**
 * The stage after `validate`.
 *
 * @throws {Fault} (in a call) `unauthenticated` and `permission_denied`, as above; the message names predicates too.
 * @throws {Fault} (in a call) `internal`: a predicate threw, or answered with something else than a boolean.
 */
export function authorize(): Stage {
  return {
    name: "authorize",
    compile(operation: Operation, next: Handler): Handler {
      return hasPredicate(operation.access) ? refusing(operation, operation.access, next) : next;
    },
  };
}

function refusing(operation: Operation, rule: AccessRule, next: Handler): Handler {
  const grants = compileAccess(rule);
  return function authorize(call) {
    call.caller ??= anonymous;
    if (!grants(call as AccessAsked)) throw refusal(operation, rule, call);
    return next(call);
  };
}

function hasPredicate(rule: AccessRule): boolean {
  if (typeof rule === "string") return false;
  if ("allOf" in rule) return rule.allOf.some(hasPredicate);
  if ("anyOf" in rule) return rule.anyOf.some(hasPredicate);
  return "predicate" in rule;
}

/** The same rule with every predicate granted: `public` where nothing else is asked. */
function withoutPredicates(rule: AccessRule): AccessRule {
  if (typeof rule === "string" || !hasPredicate(rule)) return rule;
  if ("anyOf" in rule) {
    const rules = rule.anyOf.map(withoutPredicates);
    return rules.includes("public") ? "public" : { anyOf: rules };
  }
  if ("allOf" in rule) {
    const rules = rule.allOf.map(withoutPredicates).filter((each) => each !== "public");
    return rules.length === 0 ? "public" : { allOf: rules };
  }
  return "public";
}

function refusal(operation: Operation, rule: AccessRule, call: Call): Fault {
  const { caller = anonymous, input, from } = call;
  const explanation = explainAccess(rule, { caller, input, from });
  if (caller.kind === "anonymous" && couldSignInHelp(explanation)) {
    return new Fault("unauthenticated", `${operation.id} needs a bearer token`, { facts: { reason: "no_credentials" } });
  }
  const missing = missingFrom(explanation);
  return new Fault("permission_denied", `${operation.id} needs ${missing}`, { facts: { reason: "insufficient_rights", missing } });
}
