/**
 * Reads the input and holds it against the contract. Everything after this stage sees the parsed value: unknown fields
 * gone, defaults filled in.
 *
 * A face hands over a function that makes the input out of bytes: a body is parsed only here, when it is known who is
 * calling and that they may.
 */
import { createParser, type Operation, type ParseResult, type Schema } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import type { Call } from "./call.ts";
import { type Handler, isPromise, type Stage } from "./stage.ts";

export const validate: Stage = {
  name: "validate",
  compile(operation: Operation, next: Handler): Handler {
    const check = operation.input === undefined ? noInput : inputCheck(operation.id, operation.input);
    return (call) => {
      const raw = typeof call.input === "function" ? (call.input as () => unknown)() : call.input;
      if (isPromise(raw)) {
        return raw.then((value) => {
          call.input = value;
          return proceed(call, check(value), next);
        });
      }
      call.input = raw; // what is wrong with it is told without its values, which are looked up here
      return proceed(call, check(raw), next);
    };
  },
};

function proceed(call: Call, checked: unknown, next: Handler): unknown {
  if (isPromise(checked)) {
    return checked.then((value) => {
      call.input = value;
      return next(call);
    });
  }
  call.input = checked;
  return next(call);
}

/** An operation without input takes whatever comes and passes on nothing. */
function noInput(): undefined {
  return undefined;
}

/** @throws {Fault} `invalid_argument` with every place that is wrong. Never the value: it may be personal. */
function inputCheck(id: string, schema: Schema): (raw: unknown) => unknown {
  const parser = createParser(schema);
  function valueOf(result: ParseResult): unknown {
    if (result.ok) return result.value;
    throw new Fault("invalid_argument", `the input of ${id} is not valid`, { details: result.details });
  }
  return (raw) => {
    const result = parser.parse(raw);
    return isPromise(result) ? result.then((settled) => valueOf(settled as ParseResult)) : valueOf(result);
  };
}
