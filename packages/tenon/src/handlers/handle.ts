/**
 * The innermost stage: a user's handler gets its context, and what it gives back is cut to the contract. A field that
 * the output does not declare never leaves, however much a handler returns.
 */
import {
  type Bytes,
  createParser,
  isBytesOutput,
  isStreamOutput,
  type Operation,
  type ParseResult,
  type Schema,
} from "../contract/index.ts";
import { type Call, type Handler, isPromise } from "../calls/index.ts";
import { DeclaredFault, Fault, type FaultCode } from "../kernel/index.ts";
import { Context } from "./context.ts";
import type { ServiceEnvironment } from "./environment.ts";
import { failFunctionsOf, fitting } from "./fail-functions.ts";
import { startStream } from "./item-stream.ts";
import { OutputError } from "./output-error.ts";
import type { AnyHandler } from "../service/index.ts";

/** The end of the pipeline of one operation. */
export function handle(operation: Operation, handler: AnyHandler, environment: ServiceEnvironment): Handler {
  const fail = failFunctionsOf(operation.id, operation.errors);
  const cut = outputCut(operation, environment);
  const run = handler as (context: Context) => unknown;
  return (call) => {
    let result: unknown;
    try {
      result = run(new Context(call, environment, fail));
    } catch (thrown) {
      throw ownFault(operation, thrown);
    }
    if (!isPromise(result)) return cut(result, call);
    return result.then(
      (value) => cut(value, call),
      (thrown: unknown) => {
        throw ownFault(operation, thrown);
      },
    );
  };
}

/** Failures of something called that say nothing about the caller's own request, and may pass as they are. */
const passedOn: ReadonlySet<FaultCode> = new Set(["unavailable", "overloaded", "deadline_exceeded", "canceled", "rate_limited"]);

/**
 * What a handler threw, as its own operation's failure. A failure of another operation that the handler let through
 * is not in this contract, so it is a bug here, unless it only says that something is out of reach.
 */
function ownFault(operation: Operation, thrown: unknown): unknown {
  if (!(thrown instanceof Fault)) return thrown;
  const isForeign = thrown.operation !== undefined && thrown.operation !== operation.id;
  if (isForeign && !passedOn.has(thrown.code)) {
    const why = `${operation.id} let through what ${thrown.operation ?? "another operation"} answered: ${thrown.publicCode} (${thrown.message}). Take it apart with outcome(call(...)), and answer with an error of this contract`;
    return new Fault("internal", "internal error", { cause: new LetThroughError(why, { cause: thrown }) });
  }
  if (isForeign) return new Fault(thrown.code, `${operation.id} needs something that failed: ${thrown.code}`, { cause: thrown, retryAfterS: thrown.retryAfterS });
  if (thrown instanceof DeclaredFault && !(thrown.reason in operation.errors)) {
    return new Fault("internal", "internal error", { cause: thrown });
  }
  return thrown;
}

function outputCut(operation: Operation, { privacy }: ServiceEnvironment): (value: unknown, call: Call) => unknown {
  const output = operation.output;
  if (output === undefined) return () => undefined;
  if (isBytesOutput(output)) return (value) => assertBytes(operation.id, value);
  if (isStreamOutput(output)) {
    const cut = valueCut(`${operation.id}: an item`, output.item);
    // What fails behind the first item is met by nobody who records calls.
    return (value, call) => startStream(assertItems(operation.id, value), { call, cut, ownFault: (thrown) => privacy.clean(ownFault(operation, thrown), call) });
  }
  return valueCut(`${operation.id}: the output`, output);
}

function valueCut(what: string, schema: Schema): (value: unknown) => unknown {
  const parser = createParser(schema);
  return (value) => {
    const result = parser.parse(value);
    if (isPromise(result)) return result.then((settled) => fitting(what, settled as ParseResult));
    return fitting(what, result);
  };
}

/** A handler let another operation's failure through, which its own contract does not declare. */
export class LetThroughError extends Error {
  override readonly name = "LetThroughError";
}

function assertBytes(id: string, value: unknown): Bytes {
  const content = (value as Partial<Bytes> | undefined)?.content;
  const isContent = content instanceof Uint8Array || (typeof content === "object" && content !== null && Symbol.asyncIterator in content);
  if (!isContent || typeof (value as Bytes).mediaType !== "string") {
    throw new OutputError(`${id}: the output is not { mediaType, content } with bytes or an async iterable of them`);
  }
  return value as Bytes;
}

/** @throws {OutputError} */
function assertItems(id: string, value: unknown): AsyncIterable<unknown> {
  if (typeof value === "object" && value !== null && Symbol.asyncIterator in value) return value as AsyncIterable<unknown>;
  throw new OutputError(`${id}: the handler of a stream yields items: write it as async *${id.split(".")[1] ?? ""}(...)`);
}
