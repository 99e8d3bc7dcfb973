/** From the claims of a verified token to the Caller that rules and handlers see. */
import type { Caller } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";

/**
 * The caller that a verified token speaks for.
 *
 * - scopes: `scope`, a space-separated text (RFC 8693 section 4.2), or else `scp` as text or list, as Microsoft Entra
 *   and Okta write it.
 * - roles: the list under `roles`. Anything in it that is not text is left out.
 * - kind: `program` where the token was given to a client for itself, `person` otherwise. See {@link isProgram}.
 *
 * The claims are frozen all through: one Caller serves every call that shows the same token.
 *
 * @throws {Fault} `unauthenticated` when the token does not say for whom (`sub`) and by whom (`iss`) it is.
 */
export function toCaller(claims: Readonly<Record<string, unknown>>): Caller {
  const { sub, iss } = claims;
  if (typeof sub !== "string" || sub === "" || typeof iss !== "string" || iss === "") {
    throw new Fault("unauthenticated", "the token is not valid", { facts: { reason: "no_subject_or_issuer" } });
  }
  return Object.freeze({
    kind: isProgram(claims) ? ("program" as const) : ("person" as const),
    subject: sub,
    issuer: iss,
    scopes: new Set(wordsOf(claims["scope"] ?? claims["scp"])),
    roles: new Set(Array.isArray(claims["roles"]) ? claims["roles"].filter(isText) : []),
    claims: freezeDeep(claims),
  });
}

/**
 * Whether nobody stands behind the client. No claim says so in every issuer's tokens: RFC 9068 section 2.2 lets `sub`
 * name the client itself, Entra writes `idtyp: "app"`, Auth0 `gty: "client-credentials"`. A token of an issuer that
 * does none of these counts as a person's, which grants nothing: no access rule asks for the kind.
 */
function isProgram(claims: Readonly<Record<string, unknown>>): boolean {
  const { sub, client_id: clientId, azp, idtyp, gty } = claims;
  return sub === clientId || sub === azp || idtyp === "app" || gty === "client-credentials";
}

function wordsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter(isText);
  return typeof value === "string" ? value.split(" ").filter((word) => word !== "") : [];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Safe from deep nesting: a token is short, and so is what it can hold. */
function freezeDeep<T>(value: T): T {
  if (value === null || typeof value !== "object" || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freezeDeep(inner);
  return Object.freeze(value);
}
