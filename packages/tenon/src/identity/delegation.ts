/**
 * For whom a service acts, as a token that travels with its call: the subject stays the person's (or program's), and
 * `act` names the services in between, as after an exchange by RFC 8693. The calling service signs it with the key of
 * its certificate, so there is nobody to ask, and nothing to fall over, between two services.
 *
 * A token is worth nothing by itself: it holds for one called service (`aud`), for a minute, and only over a
 * connection that was opened with the very certificate that signed it (`cnf`, RFC 8705). So one that is stolen, logged
 * or passed on to a third service opens nothing, and a list of those that were seen is not needed.
 *
 * What it carries was narrowed before: the scopes and roles that the called operation asks for.
 *
 * It says what the calling service says. A service that was taken over can name any subject towards the services that
 * it may call; what bounds it is `calledBy` in their contracts. A caller's own token that is bound to a key goes along:
 * an operation that is `senderConstrained` believes that one, and nothing else.
 */
import type { KeyObject } from "node:crypto";
import type { Caller } from "../contract/index.ts";
import { readToken, signToken } from "./signing.ts";

/** How long a token holds, in ms: longer than nearly every call, and short enough to need no list of withdrawn ones. */
export const delegationLifeMs = 60_000;
/** How far clocks may be apart, in ms. */
const skewMs = 5_000;
const type = "tenon-delegation+jwt";

/** Of the token that the person showed: they belong to its way here, or stand beside it, narrowed. */
const leftOut: ReadonlySet<string> = new Set(["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "act", "scope", "scp", "roles"]);

export interface DelegationStart {
  readonly caller: Caller;
  /** The caller's own token, where that is bound to a key: see `bound-token.ts` of the calls. */
  readonly boundToken?: string | undefined;
  /** SPIFFE id of the service that calls. */
  readonly issuer: string;
  /** SPIFFE id of the service that is called. */
  readonly audience: string;
  /** Of the issuer's certificate. */
  readonly thumbprint: string;
  readonly key: KeyObject;
  readonly nowMs: number;
  /** From a service to its SPIFFE id. */
  readonly idOf: (service: string) => string;
}

/** For `person`, `program` and `system`. An anonymous caller has no token. */
export function createDelegation({ audience, boundToken, caller, idOf, issuer, key, nowMs, thumbprint }: DelegationStart): string {
  const [, ...before] = caller.actors ?? []; // the first one is the issuer itself
  return signToken(type, {
    iss: issuer,
    sub: caller.subject,
    aud: audience,
    iat: Math.floor(nowMs / 1_000),
    exp: Math.floor((nowMs + delegationLifeMs) / 1_000),
    scope: [...caller.scopes].join(" "),
    roles: [...caller.roles],
    act: chainOf([issuer, ...before.map(idOf)]),
    cnf: { "x5t#S256": thumbprint },
    tenon: { kind: caller.kind, iss: caller.issuer, claims: ownOf(caller.claims), ...(boundToken === undefined ? {} : { token: boundToken }) },
  }, key);
}

export interface DelegationRules {
  readonly issuer: string;
  readonly audience: string;
  /** Of the certificate with which the connection was opened. */
  readonly thumbprint: string;
  /** Of that certificate. */
  readonly key: KeyObject;
  readonly nowMs: number;
  readonly serviceOf: (id: string) => string | undefined;
}

export interface Delegation {
  readonly caller: Caller;
  /** The caller's own, as the calling service says. Nobody has looked at it. */
  readonly boundToken: string | undefined;
  readonly expiresAtMs: number;
}

/** The caller that a token speaks for, or why it is refused. */
export function readDelegation(token: string, { audience, issuer, key, nowMs, serviceOf, thumbprint }: DelegationRules): Delegation | { readonly refusal: string } {
  const claims = readToken(type, token, key);
  if (claims === undefined) return { refusal: "not signed by the calling service" };
  const { act, aud, cnf, exp, iat, iss, roles, scope, sub, tenon } = claims;
  if (iss !== issuer) return { refusal: "of another service" };
  if (aud !== audience) return { refusal: "for another service" };
  if (!isRecord(cnf) || cnf["x5t#S256"] !== thumbprint) return { refusal: "bound to another certificate" };
  if (typeof exp !== "number" || typeof iat !== "number" || exp - iat > delegationLifeMs / 1_000) return { refusal: "holds for too long" };
  const expiresAtMs = exp * 1_000 + skewMs;
  if (nowMs >= expiresAtMs) return { refusal: "expired" };
  if (iat * 1_000 > nowMs + skewMs) return { refusal: "not valid yet" };
  const actors = actorsOf(act, serviceOf);
  if (actors === undefined || actors[0] !== serviceOf(issuer)) return { refusal: "no chain of services" };
  if (!isRecord(tenon) || typeof sub !== "string" || typeof scope !== "string" || !Array.isArray(roles)) return { refusal: "incomplete" };
  const { claims: own, iss: origin, kind, token: boundToken } = tenon;
  if ((kind !== "person" && kind !== "program" && kind !== "system") || typeof origin !== "string" || !isRecord(own)) return { refusal: "incomplete" };
  const caller: Caller = Object.freeze({
    kind,
    subject: sub,
    issuer: origin,
    scopes: new Set(scope.split(" ").filter((word) => word !== "")),
    roles: new Set(roles.filter((role) => typeof role === "string")),
    claims: Object.freeze(kind === "system" ? ownOf(own) : { ...ownOf(own), sub, iss: origin }),
    ...(kind === "system" ? {} : { actors }),
  });
  return { caller, boundToken: typeof boundToken === "string" ? boundToken : undefined, expiresAtMs };
}

function ownOf(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !leftOut.has(name)));
}

/** RFC 8693 section 4.1: the latest actor is outside, those before it are inside. */
function chainOf(ids: readonly string[]): object | undefined {
  return ids.reduceRight<object | undefined>((act, sub) => (act === undefined ? { sub } : { sub, act }), undefined);
}

/** A longer chain is a circle. */
const actorsMax = 32;

function actorsOf(act: unknown, serviceOf: (id: string) => string | undefined): readonly string[] | undefined {
  const actors: string[] = [];
  for (let at = act; at !== undefined; at = at["act"]) {
    if (!isRecord(at) || typeof at["sub"] !== "string" || actors.length === actorsMax) return undefined;
    const service = serviceOf(at["sub"]);
    if (service === undefined) return undefined;
    actors.push(service);
  }
  return Object.freeze(actors);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
