/** The `flow` that the code of a workflow takes: what the turn offers, with the workflow's own errors, schemas and log. */
import { type ContractEvent, createParser, isSchema, type Operation, type ParseResult, type Schema, toJsonSchema } from "../contract/index.ts";
import { isPromise } from "../calls/index.ts";
import { type Duration, Fault, type Log, type LogFields } from "../kernel/index.ts";
import type { BranchFlow } from "../workflows/index.ts";
import { UnfitError } from "../workflows/index.ts";
import type { FailFunctions } from "../handlers/index.ts";
import { type LineWriter, noTraceIds, type Privacy, ServiceLog } from "../telemetry/index.ts";

export interface FlowParts {
  readonly fail: FailFunctions;
  readonly service: string;
  readonly log: LineWriter;
  readonly privacy: Pick<Privacy, "hidingOf">;
}

export class ServiceFlow {
  readonly fail: FailFunctions;
  readonly #flow: BranchFlow;
  readonly #parts: FlowParts;

  constructor(flow: BranchFlow, parts: FlowParts) {
    this.fail = parts.fail;
    this.#flow = flow;
    this.#parts = parts;
  }

  get id(): string {
    return this.#flow.id;
  }

  get input(): unknown {
    return this.#flow.input;
  }

  get log(): Log {
    const flow = this.#flow;
    const { log: writer, privacy, service } = this.#parts;
    const log = new ServiceLog(writer, { service, privacy, knower: flow, traceIds: noTraceIds, fields: { run: flow.id } });
    const say = (level: keyof Log) => (message: string, fields?: LogFields) => {
      if (!flow.isReplaying) log[level](message, fields);
    };
    return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  }

  step(name: string, ...rest: readonly unknown[]): Promise<unknown> {
    return this.#flow.step(name, ...rest);
  }

  call(name: string, operation: Operation, input?: unknown, options?: object): Promise<unknown> {
    return this.#flow.call(name, operation, input, options);
  }

  undo(name: string, ...rest: readonly unknown[]): void {
    this.#flow.undo(name, ...rest);
  }

  sleep(name: string, duration: Duration): Promise<void> {
    return this.#flow.sleep(name, duration);
  }

  until(name: string, event: ContractEvent, options?: { readonly key?: string; readonly timeout?: Duration }): Promise<unknown> {
    return this.#flow.until(name, event, options);
  }

  ask(name: string, { question, schema, timeout }: { readonly question: string; readonly schema: Schema; readonly timeout?: Duration }): Promise<unknown> {
    if (!isSchema(schema)) throw new UnfitError(`"${name}" has no schema: flow.ask(${JSON.stringify(name)}, { question, schema: z.object({ ... }) })`);
    return this.#flow.ask(name, { check: checkOf(`the answer to "${name}"`, schema), detail: { question, schema: toJsonSchema(schema, "input") }, timeout });
  }

  all(name: string, branches: Readonly<Record<string, (flow: ServiceFlow) => unknown>>): Promise<unknown> {
    const own = Object.entries(branches).map(([branch, code]) => [branch, (flow: BranchFlow) => code(new ServiceFlow(flow, this.#parts))] as const);
    return this.#flow.all(name, Object.fromEntries(own));
  }

  child(name: string, workflow: { readonly name: string }, input?: unknown): Promise<unknown> {
    return this.#flow.child(name, workflow, input);
  }

  version(name: string, current: number): Promise<number> {
    return this.#flow.version(name, current);
  }

  now(): Date {
    return this.#flow.now();
  }

  random(): number {
    return this.#flow.random();
  }

  uuid(): string {
    return this.#flow.uuid();
  }
}

/** A check that cuts a value to its schema. It throws an `invalid_argument` that names what is wrong. */
export function checkOf(what: string, schema: Schema): (value: unknown) => unknown {
  const parser = createParser(schema);
  const settled = (result: ParseResult): unknown => {
    if (result.ok) return result.value;
    const places = result.details.map(({ message, path }) => `${path || "/"} ${message}`).join("; ");
    throw new Fault("invalid_argument", `${what} does not fit: ${places}`, { details: result.details });
  };
  return (value) => {
    const result = parser.parse(value);
    return isPromise(result) ? (result as Promise<ParseResult>).then(settled) : settled(result);
  };
}
