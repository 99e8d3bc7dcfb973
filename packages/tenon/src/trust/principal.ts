/**
 * Who acts where nobody called: each subscription, schedule and workflow is a principal of its own, named after its
 * service and itself. It has the rights that the app grants to it, and no others.
 *
 * No token of an issuer and no face for the outside can make a caller of the kind `system`. Another service of the app can
 * say that it acts as one; it is believed as far as its certificate lets it call.
 */
import type { Caller } from "../contract/index.ts";

/** Rights that an app grants to what acts by itself. */
export interface Grant {
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
}

/** By service (`orders`: everything that acts there) or by what acts (`orders.checkout`). */
export type Grants = Readonly<Record<string, Grant>>;

/** `iss` of callers that no issuer vouches for but this app itself. */
export const systemIssuer = "urn:tenon:system";

/** The principal of a reaction: `system:orders.checkout`, with what is granted to it and to its service. */
export function systemCaller(service: string, name: string, grants: Grants = {}): Caller {
  const id = `${service}.${name}`;
  const given = [grants[service], grants[id]].filter((grant) => grant !== undefined);
  return Object.freeze({
    kind: "system" as const,
    subject: `system:${id}`,
    issuer: systemIssuer,
    scopes: new Set(given.flatMap(({ scopes = [] }) => scopes)),
    roles: new Set(given.flatMap(({ roles = [] }) => roles)),
    claims: Object.freeze({ service }),
  });
}

const unrestricted = new WeakSet<Caller>();

/**
 * A caller whom every rule about callers lets in, for tests that are about something else. Known by its identity: a copy
 * of it, or one that came over a wire, has no rights at all.
 */
export function createUnrestrictedCaller(subject: string): Caller {
  const caller: Caller = Object.freeze({ kind: "system", subject, issuer: systemIssuer, scopes: new Set<string>(), roles: new Set<string>(), claims: Object.freeze({}) });
  unrestricted.add(caller);
  return caller;
}

export function isUnrestricted(caller: Caller): boolean {
  return caller.kind === "system" && unrestricted.has(caller);
}
