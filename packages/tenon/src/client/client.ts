/**
 * A client of a service, made from nothing but its contract: one method per operation, with the operation's own types
 * for input, answer and declared failures.
 *
 *     const shop = client(orders, { url: "https://shop.example", token });
 *     const placed = await outcome(shop.place({ items }));
 *
 * It repeats what may be repeated and nothing else: by the `retry` column of the fault table, under one idempotency key
 * for all attempts of a command, within the call's time. It does not cache, and it does not validate: the service does.
 */
import {
  type AnyContract,
  type AnyOutput,
  type CallPromise,
  describe,
  type ErrorSpecs,
  type InputOf,
  type Operation,
  type OperationDescription,
  type OperationKind,
  type Received,
  type Schema,
} from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { type CallOptions, type Connection, exchange, type Fetch, type Token } from "./exchange.ts";
import { requestBuilder } from "./request.ts";

export interface ClientOptions {
  /** Where the app answers, such as `"https://shop.example"`; with a path where a proxy adds one; `""` is the page's own origin. */
  readonly url: string;
  /** Bearer token, or what gives one for each attempt; `undefined` calls as nobody. */
  readonly token?: Token | undefined;
  /** Default: the global one. */
  readonly fetch?: Fetch;
  /** How long a call may take in ms, all attempts and the waits between them together. Default: the contract's deadline. */
  readonly timeoutMs?: number;
  /** Attempts after the first. Default 2: more of them turn a short breakdown of a service into a long one. */
  readonly retries?: number;
}

/** Calls one operation. The input may be left out where nothing in it is required. */
export type ClientMethod<I extends Schema, O extends AnyOutput, E extends ErrorSpecs> = undefined extends InputOf<I>
  ? (input?: InputOf<I>, options?: CallOptions) => CallPromise<Received<O>, E>
  : Record<never, never> extends InputOf<I>
    ? (input?: InputOf<I>, options?: CallOptions) => CallPromise<Received<O>, E>
    : (input: InputOf<I>, options?: CallOptions) => CallPromise<Received<O>, E>;

type MethodOf<Member> = Member extends Operation<OperationKind, infer I, infer O, infer E> ? ClientMethod<I, O, E> : never;

/** One method per operation. Events are not called; operations without a route refuse, since only services reach them. */
export type Client<C extends AnyContract> = {
  readonly [Name in keyof C as C[Name] extends Operation ? Name : never]: MethodOf<C[Name]>;
};

/** Makes a client. Opens nothing: connections are `fetch`'s own. */
export function client<C extends AnyContract>(contract: C, options: ClientOptions): Client<C> {
  const connection: Connection = {
    url: options.url.replace(/\/+$/, ""),
    token: options.token,
    // Looked up at each call: a page or a test may replace the global one later.
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    timeoutMs: options.timeoutMs,
    retries: options.retries ?? 2,
  };
  const methods = describe(contract).operations.map((operation) => [operation.name, methodOf(operation, connection)] as const);
  return Object.freeze(Object.fromEntries(methods)) as unknown as Client<C>;
}

type UntypedMethod = (input?: unknown, options?: CallOptions) => Promise<unknown>;

function methodOf(operation: OperationDescription, connection: Connection): UntypedMethod {
  const { http } = operation;
  if (http === undefined) {
    return () => Promise.reject(new Fault("unimplemented", `${operation.id} has no route: only services call it`));
  }
  const build = requestBuilder(operation, http);
  return (input, options = {}) => exchange({ operation, build, connection, input, options });
}
