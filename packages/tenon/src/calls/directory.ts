/**
 * Which operations are answered, here or elsewhere, and how a handler calls them. A call between services in one process
 * goes through the whole pipeline of the called operation: the same validation, faults, deadline and identity as over
 * a network.
 */
import { hash } from "node:crypto";
import type { AnyOutput, Caller, CallPromise, ErrorSpecs, InputOf, Operation, OperationKind, Received, Schema } from "../contract/index.ts";
import { type Clock, Fault, type IdSource } from "../kernel/index.ts";
import { ActingCallers } from "./acting-callers.ts";
import { Call } from "./call.ts";
import type { Handler } from "./stage.ts";

export interface OutgoingOptions {
  /** A shorter limit than what is left of the calling call's own deadline, in ms. */
  readonly timeoutMs?: number;
  /** Overrides the derived key: for a command that must run again when its caller runs again. */
  readonly idempotencyKey?: string;
}

/** Calls an operation of another service, or of the same. Rejects with a Fault; see `outcome` for the declared ones. */
export type CallOperation = <K extends OperationKind, I extends Schema, O extends AnyOutput, E extends ErrorSpecs>(
  operation: Operation<K, I, O, E>,
  ...rest: undefined extends InputOf<I> ? [input?: InputOf<I>, options?: OutgoingOptions] : [input: InputOf<I>, options?: OutgoingOptions]
) => CallPromise<Received<O>, E>;

export class Directory {
  readonly #handlers = new Map<string, Handler>();
  readonly #elsewhere = new Map<string, Handler>();
  readonly #acting = new Map<string, ActingCallers>();

  register(operation: Operation, handler: Handler): void {
    this.#handlers.set(operation.id, handler);
  }

  /** An operation that is answered in another process: only services call it through here, no face. */
  registerElsewhere(operation: Operation, handler: Handler): void {
    this.#elsewhere.set(operation.id, handler);
  }

  /** What answers in this process. */
  find(operationId: string): Handler | undefined {
    return this.#handlers.get(operationId);
  }

  /** What answers a service of this process, wherever the operation is. */
  findAnywhere(operationId: string): Handler | undefined {
    return this.#handlers.get(operationId) ?? this.#elsewhere.get(operationId);
  }

  /** The caller of a call, as the operation that a service calls for it is to see it. */
  callerFor(caller: Caller | undefined, service: string, operation: Operation): Caller | undefined {
    if (caller === undefined) return undefined;
    let acting = this.#acting.get(service);
    if (acting === undefined) this.#acting.set(service, (acting = new ActingCallers(service)));
    return acting.of(caller, operation);
  }
}

export interface OutgoingStart {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** The service that calls. */
  readonly service: string;
  /** Refuses a call that must not be made now. */
  readonly guard: (operation: Operation) => void;
}

/**
 * The `call` of one handler's context.
 *
 * Each command gets an idempotency key derived from the calling call's and from its place among the calls to that
 * operation, so a calling call that is repeated does not repeat what it called.
 */
export class Outgoing {
  readonly #from: Call;
  readonly #start: OutgoingStart;
  readonly #ordinals = new Map<string, number>();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(from: Call, start: OutgoingStart) {
    this.#from = from;
    this.#start = start;
  }

  /** Resolves when no call made here is under way any more, however it ended. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  get isPending(): boolean {
    return this.#pending.size > 0;
  }

  /** @throws {Fault} */
  async call(operation: Operation, input: unknown, options: OutgoingOptions = {}): Promise<unknown> {
    const { clock, directory, guard, ids, service } = this.#start;
    guard(operation);
    const handler = directory.findAnywhere(operation.id);
    if (handler === undefined) {
      const fault = new Fault("unimplemented", `${operation.id} is not answered in this app: add the service "${operation.service}" to its services`);
      fault.operation = operation.id; // the called one's failure, so that the calling one does not answer with it
      throw fault;
    }
    const call = new Call({
      operation,
      id: ids(),
      startedAtMs: clock.elapsedMs(),
      input,
      caller: directory.callerFor(this.#from.caller, service, operation),
      from: service,
      parent: this.#from,
      idempotencyKey: operation.kind === "command" ? (options.idempotencyKey ?? this.#deriveKey(operation)) : undefined,
      timeoutMs: options.timeoutMs,
      address: this.#from.address,
    });
    this.#from.saw(input);
    const result = Promise.resolve(handler(call));
    this.#pending.add(result);
    try {
      const answer = await result;
      this.#from.saw(answer);
      return answer;
    } finally {
      this.#pending.delete(result);
    }
  }

  #deriveKey(operation: Operation): string {
    const ordinal = (this.#ordinals.get(operation.id) ?? 0) + 1;
    this.#ordinals.set(operation.id, ordinal);
    const { issuer = "", subject = "" } = this.#from.caller ?? {};
    const base = this.#from.idempotencyKey === undefined ? this.#from.id : JSON.stringify([issuer, subject, this.#from.idempotencyKey]);
    return hash("sha256", JSON.stringify([base, this.#from.operation.id, operation.id, ordinal]), "base64url");
  }
}
