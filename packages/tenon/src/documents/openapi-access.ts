/** Access rules as a document tells them to people outside. */
import { type AccessDescription, isRelation } from "../contract/index.ts";

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

/** Besides, where an operation takes no token that works for whoever has it. */
export const boundScheme = {
  type: "http",
  scheme: "dpop",
  bearerFormat: "JWT",
  description:
    "A JSON Web Token that is bound to a key of the caller, with a proof of possession in the header `DPoP` (RFC 9449). A token that is bound to a client certificate (RFC 8705) is shown as `Bearer`, over a connection with that certificate.",
} as const;

/**
 * The rule as an OpenAPI security requirement: a list of alternatives. Roles stand beside scopes, as OpenAPI 3.1 allows
 * for schemes other than OAuth. A predicate has no place here beyond "with a token": the whole rule is under `x-tenon-access`.
 */
export function securityOf(rule: AccessDescription, isSenderConstrained = false): readonly Readonly<Record<string, readonly string[]>>[] {
  if (rule === "public") return [];
  const alternatives = grantsOf(rule).map(({ names, needsToken }) => (needsToken ? { [isSenderConstrained ? "dpop" : "bearer"]: [...new Set(names)] } : {}));
  const seen = new Map(alternatives.map((each) => [JSON.stringify(each), each]));
  return [...seen.values()];
}

/** As the outside sees it: a relation is its name. */
type OutwardAccess =
  | Exclude<AccessDescription, { readonly table: string } | { readonly allOf: unknown } | { readonly anyOf: unknown }>
  | { readonly relation: string }
  | { readonly allOf: readonly OutwardAccess[] }
  | { readonly anyOf: readonly OutwardAccess[] };

/** The rule without the ways in that only other services have, and without names of tables: neither is anything for an outsider to know. */
export function outwardAccess(rule: AccessDescription): OutwardAccess {
  if (isRelation(rule)) return { relation: rule.relation };
  if (typeof rule === "string" || !("anyOf" in rule || "allOf" in rule)) return rule;
  if ("allOf" in rule) return { allOf: rule.allOf.map(outwardAccess) };
  const open = rule.anyOf.filter((each) => typeof each === "string" || !("calledBy" in each)).map(outwardAccess);
  const [only] = open;
  return open.length === 1 && only !== undefined ? only : { anyOf: open };
}

function grantsOf(rule: AccessDescription): readonly Grant[] {
  if (rule === "public") return [{ needsToken: false, names: [] }];
  if (rule === "signed-in" || "predicate" in rule || isRelation(rule)) return [{ needsToken: true, names: [] }];
  if ("scope" in rule) return [{ needsToken: true, names: [rule.scope] }];
  if ("role" in rule) return [{ needsToken: true, names: [rule.role] }];
  if ("calledBy" in rule) return [];
  if ("anyOf" in rule) return rule.anyOf.flatMap(grantsOf);
  return rule.allOf.map(grantsOf).reduce(everyPair, [{ needsToken: false, names: [] }]);
}

function everyPair(left: readonly Grant[], right: readonly Grant[]): readonly Grant[] {
  return left.flatMap((a) => right.map((b) => ({ needsToken: a.needsToken || b.needsToken, names: [...a.names, ...b.names] })));
}
