/**
 * The caller as a called service sees it: the same person or program, with the scopes and roles that the called
 * operation asks for and no others, and the services that act for it. So a service that is called cannot use a right
 * that was never meant for it, whether it runs in this process or elsewhere.
 *
 * A rule with a predicate may look at anything, so there nothing is taken away.
 */
import type { AccessRule, Caller, Operation } from "../contract/index.ts";
import { passBoundToken } from "./bound-token.ts";

interface Asked {
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
}

/** One for each service that calls. Remembers what it made for as long as somebody holds the caller. */
export class ActingCallers {
  readonly #service: string;
  readonly #asked = new Map<Operation, Asked | "anything">();
  readonly #made = new WeakMap<Caller, Map<Operation, Caller>>();

  constructor(service: string) {
    this.#service = service;
  }

  /** Who has no rights of its own, and the platform itself, are the same for everybody. */
  of(caller: Caller, operation: Operation): Caller {
    if (caller.kind === "anonymous" || caller.kind === "system") return caller;
    let made = this.#made.get(caller);
    if (made === undefined) this.#made.set(caller, (made = new Map()));
    const known = made.get(operation);
    if (known !== undefined) return known;
    const acting = passBoundToken(caller, this.#create(caller, operation));
    made.set(operation, acting);
    return acting;
  }

  #create(caller: Caller, operation: Operation): Caller {
    const asked = this.#askedBy(operation);
    const actors = Object.freeze([this.#service, ...(caller.actors ?? [])]);
    if (asked === "anything") return Object.freeze({ ...caller, actors });
    return Object.freeze({ ...caller, scopes: both(caller.scopes, asked.scopes), roles: both(caller.roles, asked.roles), actors });
  }

  #askedBy(operation: Operation): Asked | "anything" {
    const known = this.#asked.get(operation);
    if (known !== undefined) return known;
    const scopes = new Set<string>();
    const roles = new Set<string>();
    const asked = collect(operation.access, { scopes, roles }) ? { scopes, roles } : "anything";
    this.#asked.set(operation, asked);
    return asked;
  }
}

function both(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...one].filter((each) => other.has(each)));
}

/** Adds what a rule asks for. @returns false where that cannot be told. */
function collect(rule: AccessRule, into: { readonly scopes: Set<string>; readonly roles: Set<string> }): boolean {
  if (typeof rule === "string" || "calledBy" in rule) return true;
  if ("scope" in rule) into.scopes.add(rule.scope);
  else if ("role" in rule) into.roles.add(rule.role);
  else if ("allOf" in rule) return rule.allOf.every((part) => collect(part, into));
  else if ("anyOf" in rule) return rule.anyOf.every((part) => collect(part, into));
  else return !("predicate" in rule); // relations ask who somebody is, and not what he may
  return true;
}
