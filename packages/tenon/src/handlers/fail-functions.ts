/** `fail.X(...)` for each error that an operation or a workflow declares. */
import { createParser, type ErrorSpecs, type ParseResult } from "../contract/index.ts";
import { isPromise } from "../calls/index.ts";
import { DeclaredFault } from "../kernel/index.ts";
import type { FailFunctions } from "./environment.ts";
import { OutputError } from "./output-error.ts";

/** @param what  Whose errors they are, for messages. */
export function failFunctionsOf(what: string, errors: ErrorSpecs): FailFunctions {
  const functions: Record<string, (...parameters: readonly unknown[]) => DeclaredFault> = {};
  for (const [name, error] of Object.entries(errors)) {
    const parser = error.data === undefined ? undefined : createParser(error.data);
    functions[name] = (...parameters) => {
      const [data, message] = parser === undefined ? [undefined, parameters[0]] : parameters;
      const cutData = parser === undefined ? undefined : settledNow(`${what}: fail.${name}`, parser.parse(data));
      return new DeclaredFault(name, cutData, error.status, { message: (message as string | undefined) ?? error.message });
    };
  }
  return Object.freeze(functions);
}

function settledNow(what: string, result: ParseResult | Promise<ParseResult>): unknown {
  if (isPromise(result)) throw new OutputError(`${what} has data with an asynchronous schema: use one that validates at once`);
  return fitting(what, result);
}

/** @throws {OutputError} */
export function fitting(what: string, result: ParseResult): unknown {
  if (result.ok) return result.value;
  const places = result.details.map((detail) => `${detail.path || "/"} ${detail.message}`).join("; ");
  throw new OutputError(`${what} does not fit its contract: ${places}`);
}
