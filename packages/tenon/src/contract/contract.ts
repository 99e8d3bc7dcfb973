/**
 * The promise: operations and events under the name of a service. A contract is a plain frozen value; whoever imports
 * it, a browser included, gets types and description and no code of the service.
 */
import { faultTable, parseDuration } from "../kernel/index.ts";
import { type AccessRule, describeAccess, isInternal } from "./access.ts";
import type { ContractDescription, EventDescription, HttpDescription, OperationDescription, OutputDescription } from "./description.ts";
import { toHttpDescription } from "./http-binding.ts";
import { MistakeList } from "./mistakes.ts";
import type { ContractEvent, ErrorSpecs, EventSpec, Operation, OperationSpec } from "./operation.ts";
import { type AnyOutput, isBytesOutput, isStreamOutput } from "./output.ts";
import { isSchema, type JsonSchema, type Schema, toJsonSchema } from "./schema.ts";

export type ContractMembers = Readonly<Record<string, OperationSpec | EventSpec>>;

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
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    mistakes.add(name, `the version "${version}" is not semantic`, 'write three numbers: "1.0.0"');
  }

  const named: Record<string | symbol, unknown> = {};
  const operations: OperationDescription[] = [];
  const events: EventDescription[] = [];
  for (const [memberName, member] of Object.entries(members)) {
    const id = `${name}.${memberName}`;
    if (!/^[a-z][A-Za-z0-9]*$/.test(memberName)) {
      mistakes.add(id, "is not a name for an operation or event", "camelCase: letters and digits, starting with a lower-case letter");
    }
    if (member.kind === "event") {
      events.push(describeEvent(id, memberName, member, mistakes));
      named[memberName] = Object.freeze({ ...member, service: name, name: memberName, id });
    } else {
      const deadlineMs = parseDuration(member.deadline) ?? 0;
      operations.push(describeOperation(id, memberName, member, deadlineMs, mistakes));
      named[memberName] = Object.freeze({ ...member, service: name, name: memberName, id, deadlineMs });
    }
  }
  findRouteClashes(operations, mistakes);
  mistakes.assertNone();

  const description: ContractDescription = {
    tenon: 1,
    name,
    version,
    ...present("description", options.description),
    operations,
    events,
  };
  Object.defineProperty(named, descriptionKey, { value: Object.freeze(description), enumerable: false });
  return Object.freeze(named) as Contract<M>;
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

/** One operation's description. */
export function describeOperationOf(contract: AnyContract, name: string): OperationDescription {
  const found = describe(contract).operations.find((operation) => operation.name === name);
  if (found === undefined) throw new RangeError(`the contract "${describe(contract).name}" has no operation "${name}"`);
  return found;
}

/**
 * Two operations that one request could mean. Also used across the contracts of an app.
 *
 * Two paths clash when they are the same but for the names of their parameters; a fixed segment beats a parameter,
 * so `/orders/recent` and `/orders/{id}` live side by side.
 */
export function findRouteClashes(operations: readonly OperationDescription[], mistakes: MistakeList): void {
  const first = new Map<string, string>();
  for (const { id, http } of operations) {
    if (http === undefined) continue;
    const shape = `${http.method} ${http.path.replaceAll(/\{[^}]*\}/g, "{}").replace(/(.)\/$/, "$1")}`;
    const taken = first.get(shape);
    if (taken === undefined) first.set(shape, id);
    else mistakes.add(id, `has the same route as ${taken}: ${http.method} ${http.path}`, "give one of them another path or method");
  }
}

function describeOperation(
  id: string,
  name: string,
  spec: OperationSpec,
  deadlineMs: number,
  mistakes: MistakeList,
): OperationDescription {
  const input = jsonOf(id, "input", spec.input, "input", mistakes);
  if (input !== undefined && input["type"] !== "object") {
    mistakes.add(id, "the input is not an object", "wrap it: z.object({ value: ... }), so that a field can be added later");
  }
  checkDuration(id, "deadline", spec.deadline, mistakes);
  for (const [percentile, limit] of Object.entries(spec.objective?.latency ?? {})) {
    checkDuration(id, `objective.latency.${percentile}`, limit, mistakes);
  }
  const availability = spec.objective?.availability;
  if (availability !== undefined && !(availability > 0 && availability < 100)) {
    mistakes.add(id, `an availability of ${availability} percent cannot be held`, "a number above 0 and below 100, such as 99.9");
  }
  if (spec.rateLimit !== undefined) {
    checkDuration(id, "rateLimit.per", spec.rateLimit.per, mistakes);
    if (!Number.isSafeInteger(spec.rateLimit.calls) || spec.rateLimit.calls < 1) {
      mistakes.add(id, `a rate limit of ${spec.rateLimit.calls} calls lets nobody in`, "a whole number from 1");
    }
  }
  checkAccess(id, spec.access, mistakes);
  checkErrors(id, spec.errors, mistakes);
  const { sunset } = spec.deprecated ?? {};
  if (sunset !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(sunset)) {
    mistakes.add(id, `the sunset "${sunset}" is not a date`, 'write it as "2027-01-31"');
  }
  const http = toHttpDescription(id, spec, input, mistakes);
  if (http !== undefined && isInternal(spec.access)) {
    mistakes.add(id, "has a route, but its access rule lets only services in", "take `http` away, or let people in with { anyOf: [...] }");
  }
  checkOutput(id, spec, http, mistakes);

  return {
    name,
    id,
    kind: spec.kind,
    ...present("summary", spec.summary),
    ...present("description", spec.description),
    ...present("deprecated", spec.deprecated),
    access: describeAccess(spec.access),
    ...present("http", http),
    ...present("input", input),
    ...present("body", spec.body && { mediaTypes: spec.body.mediaTypes, maxBytes: spec.body.maxBytes }),
    output: describeOutput(id, spec.output, mistakes),
    errors: Object.entries(spec.errors).map(([errorName, error]) => ({
      name: errorName,
      status: error.status,
      ...present("message", error.message),
      ...present("data", jsonOf(id, `errors.${errorName}.data`, error.data, "output", mistakes)),
    })),
    deadlineMs,
    ...present("objective", spec.objective),
    ...present("rateLimit", spec.rateLimit),
  };
}

function describeEvent(id: string, name: string, spec: EventSpec, mistakes: MistakeList): EventDescription {
  const data = jsonOf(id, "data", spec.data, "output", mistakes) ?? {};
  const properties = (data["properties"] ?? {}) as Record<string, unknown>;
  if (data["type"] !== "object") {
    mistakes.add(id, "the data is not an object", "wrap it: z.object({ value: ... }), so that a field can be added later");
  } else if (spec.key !== undefined && !(spec.key in properties)) {
    mistakes.add(id, `the key "${spec.key}" is not in the data`, `name one of: ${Object.keys(properties).join(", ") || "the data has no fields"}`);
  }
  return {
    name,
    id,
    ...present("summary", spec.summary),
    ...present("description", spec.description),
    ...present("deprecated", spec.deprecated),
    ...present("key", spec.key),
    data,
  };
}

function describeOutput(id: string, output: AnyOutput, mistakes: MistakeList): OutputDescription {
  if (output === undefined) return { kind: "none" };
  if (isBytesOutput(output)) return { kind: "bytes", mediaTypes: output.mediaTypes, maxBytes: output.maxBytes };
  if (isStreamOutput(output)) return { kind: "stream", schema: jsonOf(id, "output", output.item, "output", mistakes) ?? {} };
  return { kind: "json", schema: jsonOf(id, "output", output, "output", mistakes) ?? {} };
}

function checkOutput(id: string, spec: OperationSpec, http: HttpDescription | undefined, mistakes: MistakeList): void {
  if (spec.kind === "command" && isStreamOutput(spec.output)) {
    mistakes.add(id, "a command cannot stream items: its transaction would stay open for as long as the caller reads", "answer with an id, and stream from a query");
  }
  if (http !== undefined && http.status === 204 && spec.output !== undefined) {
    mistakes.add(id, "status 204 has no body, but the operation has an output", "use 200 or 201, or take the output away");
  }
}

function jsonOf(
  id: string,
  part: string,
  schema: Schema | undefined,
  side: "input" | "output",
  mistakes: MistakeList,
): JsonSchema | undefined {
  if (schema === undefined) return undefined;
  if (!isSchema(schema)) {
    mistakes.add(id, `the ${part} is not a schema`, "use a library with Standard Schema and Standard JSON Schema, such as Zod 4");
    return undefined;
  }
  try {
    return toJsonSchema(schema, side);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    mistakes.add(
      id,
      `the ${part} cannot be written as JSON Schema: ${reason}`,
      "use a type that JSON has: z.iso.datetime() for a date, a string for a big integer, no transform",
    );
    return undefined;
  }
}

function checkDuration(id: string, part: string, text: string, mistakes: MistakeList): void {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0) mistakes.add(id, `the ${part} "${text}" is not a length of time`, 'a number and a unit: "250ms", "2s", "15m"');
}

function checkAccess(id: string, rule: AccessRule, mistakes: MistakeList): void {
  if (typeof rule === "string") {
    if (rule !== "public" && rule !== "signed-in") {
      mistakes.add(id, `the access rule "${String(rule)}" is not known`, 'use "public", "signed-in", scope(), role(), calledBy(), { predicate, allows }, { allOf } or { anyOf }');
    }
    return;
  }
  if (rule === undefined || rule === null) {
    mistakes.add(id, "has no access rule", 'say who may call: access: "public", "signed-in", scope("orders:read"), ...');
    return;
  }
  if ("scope" in rule) {
    if (!/^[a-z][a-z0-9._-]*:[a-z][a-z0-9._-]*$/.test(rule.scope)) {
      mistakes.add(id, `the scope "${rule.scope}" has an unknown form`, 'write resource:action in lower case: "orders:read"');
    }
  } else if ("role" in rule) {
    if (!/^[a-z][a-z0-9._-]*$/.test(rule.role)) mistakes.add(id, `the role "${rule.role}" has an unknown form`, 'lower case: "admin"');
  } else if ("predicate" in rule) {
    if (rule.predicate.trim() === "") mistakes.add(id, "a predicate without a name", 'name it by what it asks: { predicate: "own account", ... }');
  } else if ("allOf" in rule || "anyOf" in rule) {
    const inner = "allOf" in rule ? rule.allOf : rule.anyOf;
    if (inner.length === 0) mistakes.add(id, "allOf or anyOf without a rule", "name at least one");
    for (const each of inner) checkAccess(id, each, mistakes);
  } else if (!("calledBy" in rule)) {
    mistakes.add(id, "the access rule is of no known form", "use scope(), role(), calledBy(), { predicate, allows }, { allOf } or { anyOf }");
  }
}

function checkErrors(id: string, errors: ErrorSpecs, mistakes: MistakeList): void {
  for (const [name, error] of Object.entries(errors)) {
    if (!/^[A-Z][A-Za-z0-9]*$/.test(name) || name in faultTable) {
      mistakes.add(id, `"${name}" is not a name for an error`, 'PascalCase, such as "OutOfStock": the platform\'s own codes are lower case');
    }
    if (!Number.isInteger(error.status) || error.status < 400 || error.status > 499) {
      mistakes.add(id, `the error ${name} has status ${error.status}`, "a declared error is an answer to the caller: 400 to 499; breakdowns have codes of their own");
    }
    if (error.status === 401 || error.status === 499) {
      mistakes.add(id, `the error ${name} has status ${error.status}, which the platform answers itself`, "use 403, 404, 409 or 422");
    }
  }
}

/** An object with the key, or an empty one: descriptions carry no `undefined`. */
function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}
