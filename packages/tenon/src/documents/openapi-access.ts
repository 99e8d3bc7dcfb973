/** Access rules as a document tells them to people outside. */
import type { AccessDescription } from "../contract/index.ts";

/** One way of being let in: a token that carries all of these scopes and roles, or nothing at all. */
interface Grant {
  readonly needsToken: boolean;
  readonly names: readonly string[];
}

export const securityScheme = {
  type: "http",
  scheme: "bearer",
  bearerFormat: "JWT",
  description: "A JSON Web Token of an issuer that this service trusts. Scopes and roles that an operation names have to be in it.",
} as const;

/**
 * The rule as an OpenAPI security requirement: a list of alternatives. Roles stand beside scopes, as OpenAPI 3.1 allows
 * for schemes other than OAuth. A predicate has no place here beyond "with a token": the whole rule is under `x-tenon-access`.
 */
export function securityOf(rule: AccessDescription): readonly Readonly<Record<string, readonly string[]>>[] {
  if (rule === "public") return [];
  const alternatives = grantsOf(rule).map(({ names, needsToken }) => (needsToken ? { bearer: [...new Set(names)] } : {}));
  const seen = new Map(alternatives.map((each) => [JSON.stringify(each), each]));
  return [...seen.values()];
}

/** The rule without the ways in that only other services have: which ones those are is nothing for an outsider to know. */
export function outwardAccess(rule: AccessDescription): AccessDescription {
  if (typeof rule === "string" || !("anyOf" in rule || "allOf" in rule)) return rule;
  if ("allOf" in rule) return { allOf: rule.allOf.map(outwardAccess) };
  const open = rule.anyOf.filter((each) => typeof each === "string" || !("calledBy" in each)).map(outwardAccess);
  return open.length === 1 ? (open[0] ?? rule) : { anyOf: open };
}

function grantsOf(rule: AccessDescription): readonly Grant[] {
  if (rule === "public") return [{ needsToken: false, names: [] }];
  if (rule === "signed-in" || "predicate" in rule) return [{ needsToken: true, names: [] }];
  if ("scope" in rule) return [{ needsToken: true, names: [rule.scope] }];
  if ("role" in rule) return [{ needsToken: true, names: [rule.role] }];
  if ("calledBy" in rule) return [];
  if ("anyOf" in rule) return rule.anyOf.flatMap(grantsOf);
  return rule.allOf.map(grantsOf).reduce(everyPair, [{ needsToken: false, names: [] }]);
}

function everyPair(left: readonly Grant[], right: readonly Grant[]): readonly Grant[] {
  return left.flatMap((a) => right.map((b) => ({ needsToken: a.needsToken || b.needsToken, names: [...a.names, ...b.names] })));
}
