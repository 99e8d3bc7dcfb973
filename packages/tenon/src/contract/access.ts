/**
 * Who may call an operation, said in the contract. Denied unless granted: an operation without a rule does not compile.
 */

/** Who is calling, once known. */
export interface Caller {
  /** `anonymous` has shown nothing; `person` and `program` have a verified token; `system` is the platform itself. */
  readonly kind: "anonymous" | "person" | "program" | "system";
  /** The token's `sub`; empty for `anonymous`. Unique within `issuer`. */
  readonly subject: string;
  /** The token's `iss`; empty for `anonymous`. */
  readonly issuer: string;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  /** The verified claims, whole, for predicates and handlers. */
  readonly claims: Readonly<Record<string, unknown>>;
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
 * make the simple rules; `{ predicate, allows }`, `{ allOf: [...] }` and `{ anyOf: [...] }` are written as they stand.
 */
export type AccessRule<Input = never> =
  | "public"
  | "signed-in"
  | ScopeRule
  | RoleRule
  | CalledByRule
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
