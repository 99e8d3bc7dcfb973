/** Queries, commands and events: what a contract is made of. */
import type { Duration } from "../kernel/index.ts";
import type { AccessRule } from "./access.ts";
import type { AnyOutput, BytesOutput } from "./output.ts";
import type { RateLimits } from "./rate-limit.ts";
import type { InputOf, OutputOf, Schema } from "./schema.ts";

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Route<M extends HttpMethod = HttpMethod> = `${M} /${string}`;

/** A route, or a route with what is not usual about it. */
export type HttpBinding<M extends HttpMethod = HttpMethod> =
  | Route<M>
  | {
      readonly route: Route<M>;
      /** Status of a success. Default 200, or 204 without an output. */
      readonly status?: number;
      /** Header name to field of the input: `{ "accept-language": "language" }`. */
      readonly headers?: Readonly<Record<string, string>>;
    };

/** A failure that belongs to the contract, under its public name. */
export interface ErrorSpec {
  /** HTTP status, 400 to 499: a declared failure is an answer to the caller, not a breakdown. */
  readonly status: number;
  /** Shown to the caller unless the handler gives its own. */
  readonly message?: string;
  /** What the caller learns besides. */
  readonly data?: Schema;
}
export type ErrorSpecs = Readonly<Record<string, ErrorSpec>>;

/** The level of service that is promised; alerts and error budgets follow from it. */
export interface Objective {
  /** Percent of calls that do not fail by the service's fault: 99.9. */
  readonly availability?: number;
  readonly latency?: { readonly p50?: Duration; readonly p95?: Duration; readonly p99?: Duration };
}

/** The level of service that is promised for the deliveries of a subscription. */
export interface LagObjective {
  /** The longest that an event may wait in the outbox and the inbox before it is handled. */
  readonly lag: Duration;
  /** Percent of the time in which no event waits longer. Default 99. */
  readonly share?: number;
}

/** Who gives way where there is too little for all: `low` before `normal` before `high`. */
export type Priority = "low" | "normal" | "high";

/** A call that the platform makes by itself, so that a promise is measured while nobody else calls. */
export interface Probe {
  /** From one call to the next; 1 s at least. */
  readonly every: Duration;
  /** The fields of the call. */
  readonly input?: Readonly<Record<string, unknown>>;
}

export interface Deprecation {
  /** Contract version from which on it should not be used. */
  readonly since: string;
  /** Date (`2027-01-31`) after which it may be gone: the `Sunset` header of RFC 8594. */
  readonly sunset?: string;
  /** What to use instead. */
  readonly use?: string;
}

interface OperationOptions<I extends Schema, O extends AnyOutput, E extends ErrorSpecs> {
  /** Who may call. There is no default. */
  readonly access: AccessRule<OutputOf<NoInfer<I>>>;
  /** The fields of the call: an object schema. Left out: the call carries nothing. */
  readonly input?: I;
  readonly output?: O;
  readonly errors?: E;
  /** How long a call may take, a whole. Default `"10s"`. */
  readonly deadline?: Duration;
  readonly objective?: Objective;
  /** Who gives way first when there is too little for all. Default `normal`. */
  readonly priority?: Priority;
  /** How often one caller may call: one limit, or several that all have to let a call pass. Left out: as often as it likes. */
  readonly rateLimit?: RateLimits;
  /**
   * Takes only tokens that are bound to a key of the caller, shown with proof of it: DPoP (RFC 9449) or the certificate
   * of the connection (RFC 8705). A stolen token is worth nothing then. Through another service the same token has to come
   * along, and is verified anew.
   */
  readonly senderConstrained?: true;
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: Deprecation;
}

export interface QueryOptions<I extends Schema, O extends AnyOutput, E extends ErrorSpecs> extends OperationOptions<I, O, E> {
  /** `"GET /orders/{id}"`. Left out: called by other services only. */
  readonly http?: HttpBinding<"GET">;
  /** Called by the platform itself, on a schedule, as the caller `probe`. */
  readonly probe?: Probe;
}

export interface CommandOptions<I extends Schema, O extends AnyOutput, E extends ErrorSpecs> extends OperationOptions<I, O, E> {
  /** `"POST /orders"`. Left out: called by other services only. */
  readonly http?: HttpBinding<"POST" | "PUT" | "PATCH" | "DELETE">;
  /** A body of bytes, streamed; the fields of `input` then travel in path, query and headers. */
  readonly body?: BytesOutput;
  /** Isolation of the transaction. Default `"read committed"`, PostgreSQL's own. */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
}

export type OperationKind = "query" | "command";

/** An operation before a contract has given it a name. Made by {@link query} and {@link command}. */
export interface OperationSpec<
  K extends OperationKind = OperationKind,
  I extends Schema = Schema,
  O extends AnyOutput = AnyOutput,
  E extends ErrorSpecs = ErrorSpecs,
> {
  readonly kind: K;
  readonly http: HttpBinding | undefined;
  readonly access: AccessRule;
  readonly input: I | undefined;
  readonly output: O;
  readonly errors: E;
  readonly body: BytesOutput | undefined;
  readonly isolation: "read committed" | "repeatable read" | "serializable";
  readonly deadline: Duration;
  readonly objective: Objective | undefined;
  readonly priority: Priority;
  readonly probe: Probe | undefined;
  readonly rateLimit: RateLimits | undefined;
  readonly senderConstrained: boolean;
  readonly summary: string | undefined;
  readonly description: string | undefined;
  readonly deprecated: Deprecation | undefined;
}

/** An operation of a contract: what `call` and clients take. */
export interface Operation<
  K extends OperationKind = OperationKind,
  I extends Schema = Schema,
  O extends AnyOutput = AnyOutput,
  E extends ErrorSpecs = ErrorSpecs,
> extends OperationSpec<K, I, O, E> {
  readonly service: string;
  readonly name: string;
  /** `service.name`. */
  readonly id: string;
  readonly deadlineMs: number;
}

/** Data of an old version as it was stored: nothing vouches for its fields, so an upcast takes it apart by itself. */
export type OldData = Readonly<Record<string, unknown>>;

/**
 * From the data of one version of an event to the data of the next. Pure and quick: it runs at every delivery of an old
 * event, leaves `old` as it is, and waits for nothing. `upcast` makes one that knows the type of the old data.
 */
export type Upcast = (old: OldData) => object;

/** An upcast for each old version that can still be read, by the version that it starts from. */
export type Upcasts = Readonly<Record<number, Upcast>>;

export interface EventOptions<D extends Schema> {
  /** What the event carries: an object schema. */
  readonly data: D;
  /** The field that orders events: those with one key are applied in the order in which they were emitted. */
  readonly key?: keyof OutputOf<D> & string;
  /**
   * The field that says whose personal data the event tells. With it, classified fields are encrypted under that subject's
   * key wherever the event is kept, and an erasure makes them unreadable there.
   */
  readonly subject?: keyof OutputOf<D> & string;
  /** Counts the shapes that the data has had; raised when a change breaks its readers. Default 1. */
  readonly version?: number;
  /** How data of older versions is read: `{ 1: (old) => ({ ...old, currency: "EUR" }) }` leads from 1 to 2. */
  readonly upcasts?: Upcasts;
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: Deprecation;
}

export interface EventSpec<D extends Schema = Schema> {
  readonly kind: "event";
  readonly data: D;
  readonly key: string | undefined;
  readonly subject: string | undefined;
  readonly version: number;
  readonly upcasts: Upcasts;
  readonly summary: string | undefined;
  readonly description: string | undefined;
  readonly deprecated: Deprecation | undefined;
}

/** Media type in which events go from one process to another: a CloudEvents envelope with the data inside ("structured mode"). */
export const cloudEventMediaType = "application/cloudevents+json";

/** An event of a contract. */
export interface ContractEvent<D extends Schema = Schema> extends EventSpec<D> {
  readonly service: string;
  readonly name: string;
  /** `service.name`. */
  readonly id: string;
}

/** How long a call may take where the contract does not say: beyond it a person has given up. */
export const defaultDeadline: Duration = "10s";

/** The input of an operation that takes nothing. */
export type NoInput = Schema<undefined, undefined>;
/** The empty record is exactly what "declares no errors" means. */
export type NoErrors = {};

/** Something that can be asked again and again and changes nothing: GET, may be cached, sees the database read-only. */
export function query<I extends Schema = NoInput, const O extends AnyOutput = undefined, const E extends ErrorSpecs = NoErrors>(
  options: QueryOptions<I, O, E>,
): OperationSpec<"query", I, O, E> {
  return { ...specOf("query", options), body: undefined, isolation: "read committed", probe: options.probe };
}

/** Something that changes the service's own data: one transaction, repeatable under an idempotency key. */
export function command<I extends Schema = NoInput, const O extends AnyOutput = undefined, const E extends ErrorSpecs = NoErrors>(
  options: CommandOptions<I, O, E>,
): OperationSpec<"command", I, O, E> {
  return { ...specOf("command", options), body: options.body, isolation: options.isolation ?? "read committed", probe: undefined };
}

/** Something that happened, for whoever wants to know. */
export function event<D extends Schema>(options: EventOptions<D>): EventSpec<D> {
  const { data, key, subject, version = 1, upcasts = {}, summary, description, deprecated } = options;
  return { kind: "event", data, key, subject, version, upcasts, summary, description, deprecated };
}

function specOf<K extends OperationKind, I extends Schema, O extends AnyOutput, E extends ErrorSpecs>(
  kind: K,
  options: OperationOptions<I, O, E> & { readonly http?: HttpBinding },
): Omit<OperationSpec<K, I, O, E>, "body" | "isolation" | "probe"> {
  return {
    kind,
    http: options.http,
    access: options.access, // predicates are called with the validated input, by the pipeline alone
    input: options.input,
    output: options.output as O,
    errors: options.errors ?? ({} as E),
    deadline: options.deadline ?? defaultDeadline,
    objective: options.objective,
    priority: options.priority ?? "normal",
    rateLimit: options.rateLimit,
    senderConstrained: options.senderConstrained === true,
    summary: options.summary,
    description: options.description,
    deprecated: options.deprecated,
  };
}

/** The fields that a caller of the operation sends. */
export type CallInput<Op> = Op extends OperationSpec<OperationKind, infer I, AnyOutput, ErrorSpecs> ? InputOf<I> : never;
