/**
 * The promise: operations and events under the name of a service. A contract is a plain frozen value; whoever imports
 * it, a browser included, gets types and description and no code of the service.
 */
import type { ContractDescription, EventDescription, OperationDescription } from "./description.ts";
import { describeEvent, describeOperation, semanticVersion } from "./member-description.ts";
import { MistakeList, type MistakesAt } from "./mistakes.ts";
import type { ContractEvent, EventSpec, Operation, OperationKind, OperationSpec } from "./operation.ts";

/**
 * What `query`, `command` and `event` make. Loose on purpose: were the whole specification named here, the compiler
 * would infer an output or errors that an operation leaves out from this type, and not from their defaults.
 */
export type ContractMembers = Readonly<Record<string, { readonly kind: OperationKind | "event" }>>;

/** A member once the contract has named it. */
export type Named<M> = M extends OperationSpec<infer K, infer I, infer O, infer E>
  ? Operation<K, I, O, E>
  : M extends EventSpec<infer D>
    ? ContractEvent<D>
    : never;

/** Where a contract keeps its description, out of the way of the names of its members. */
export const descriptionKey: unique symbol = Symbol.for("tenon.contract.description");

export type Contract<M extends ContractMembers = ContractMembers> = {
  readonly [K in keyof M]: Named<M[K]>;
} & { readonly [descriptionKey]: ContractDescription };

/** A contract whose members are not known to the compiler. */
export type AnyContract = { readonly [descriptionKey]: ContractDescription };

export interface ContractOptions {
  /** Semantic version of the promise. Default `"0.1.0"`. */
  readonly version?: string;
  readonly description?: string;
}

/**
 * Makes a contract and checks it whole.
 *
 * @param name     The service's name: lower case, as it stands in URLs, schemas of the database and traces.
 * @param members  Operations and events by name.
 * @throws {ContractMistakes} with everything that is wrong, each with its remedy.
 */
export function contract<const M extends ContractMembers>(name: string, members: M, options: ContractOptions = {}): Contract<M> {
  const mistakes = new MistakeList(`the contract "${name}"`);
  const version = options.version ?? "0.1.0";
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) {
    mistakes.add(name, "is not a name for a service", "lower-case letters, digits and -, starting with a letter, 41 at most");
  }
  if (!semanticVersion.test(version)) {
    mistakes.add(name, `the version "${version}" is not semantic`, 'write three numbers: "1.0.0"');
  }

  const named: Record<string | symbol, unknown> = {};
  const operations: OperationDescription[] = [];
  const events: EventDescription[] = [];
  for (const [memberName, member] of Object.entries(members)) {
    const id = `${name}.${memberName}`;
    const here = mistakes.at(id);
    checkMemberName(memberName, here);
    if (!isMember(member)) {
      here.add("is not a query, a command or an event", "make it with query(), command() or event(); if it is, two files import each other in a circle");
    } else if (member.kind === "event") {
      events.push(describeEvent(id, memberName, member, here));
      named[memberName] = Object.freeze({ ...member, upcasts: Object.freeze({ ...member.upcasts }), service: name, name: memberName, id });
    } else {
      const operation = describeOperation(id, memberName, member, here);
      operations.push(operation);
      named[memberName] = Object.freeze({ ...member, service: name, name: memberName, id, deadlineMs: operation.deadlineMs });
    }
  }
  findRouteClashes(operations, mistakes);
  mistakes.assertNone();

  const description = { tenon: 1, name, version, description: options.description, operations, events };
  Object.defineProperty(named, descriptionKey, { value: freezePlain(description), enumerable: false });
  return Object.freeze(named) as Contract<M>;
}

/** Clients have a method for each member, and an object with a method `then` cannot be awaited. */
function checkMemberName(name: string, mistakes: MistakesAt): void {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) {
    mistakes.add("is not a name for an operation or event", "camelCase: letters and digits, starting with a lower-case letter");
  } else if (name === "then" || name in Object.prototype) {
    mistakes.add(`"${name}" has a meaning of its own in JavaScript`, "choose another name");
  }
}

function isMember(member: unknown): member is OperationSpec | EventSpec {
  if (member === null || typeof member !== "object" || !("kind" in member)) return false;
  return member.kind === "query" || member.kind === "command" || member.kind === "event";
}

/** A frozen copy that JSON carries unchanged: everything made from it, on either side of a wire, is made from the same. */
function freezePlain(description: unknown): ContractDescription {
  return JSON.parse(JSON.stringify(description), (_key, value: unknown) => Object.freeze(value)) as ContractDescription;
}

/** The contract as plain data, from which every document and binding is made. */
export function describe(contract: AnyContract): ContractDescription {
  return contract[descriptionKey];
}

/** The operations of a contract, in the order in which they were written. */
export function operationsOf(contract: AnyContract): readonly Operation[] {
  const members = contract as unknown as Readonly<Record<string, Operation>>;
  return describe(contract).operations.map((operation) => members[operation.name] as Operation);
}

/** The events of a contract, in the order in which they were written. */
export function eventsOf(contract: AnyContract): readonly ContractEvent[] {
  const members = contract as unknown as Readonly<Record<string, ContractEvent>>;
  return describe(contract).events.map((event) => members[event.name] as ContractEvent);
}

/** One operation's description. */
export function describeOperationOf(contract: AnyContract, name: string): OperationDescription {
  const found = describe(contract).operations.find((operation) => operation.name === name);
  if (found === undefined) throw new RangeError(`the contract "${describe(contract).name}" has no operation "${name}"`);
  return found;
}

/** Something that a request can mean. */
export interface Routed {
  readonly id: string;
  readonly http?: { readonly method: string; readonly path: string };
}

/**
 * Two operations that one request could mean. Also used across the contracts of an app.
 *
 * Two paths clash when they are the same but for the names of their parameters; a fixed segment beats a parameter,
 * so `/orders/recent` and `/orders/{id}` live side by side.
 */
export function findRouteClashes(operations: readonly Routed[], mistakes: MistakeList): void {
  const first = new Map<string, string>();
  for (const { id, http } of operations) {
    if (http === undefined) continue;
    const shape = `${http.method} ${http.path.replaceAll(/\{[^}]*\}/g, "{}").replace(/(.)\/$/, "$1")}`;
    const taken = first.get(shape);
    if (taken === undefined) first.set(shape, id);
    else mistakes.add(id, `has the same route as ${taken}: ${http.method} ${http.path}`, "give one of them another path or method");
  }
}
