/** A workflow as a team wrote it, made into what a turn runs. */
import { createParser, type ParseResult, parseRetryOptions, upcastData } from "../contract/index.ts";
import { isPromise } from "../calls/index.ts";
import { toKeyText } from "../data/index.ts";
import { parseDuration } from "../kernel/index.ts";
import type { EventSeals } from "../privacy/index.ts";
import type { Workflow } from "../service/index.ts";
import type { LineWriter, Privacy } from "../telemetry/index.ts";
import { type Program, StepFailure } from "../workflows/index.ts";
import { failFunctionsOf } from "../handlers/index.ts";
import { checkOf, ServiceFlow } from "./service-flow.ts";
import { UnreadableError } from "./subscription.ts";

const defaultDeadlineMs = 30_000;

export interface ProgramParts {
  readonly service: string;
  readonly log: LineWriter;
  readonly privacy: Pick<Privacy, "hidingOf">;
  /** Opens what is sealed in events. */
  readonly seals?: EventSeals | undefined;
}

export function createProgram(workflow: Workflow, { log, privacy, seals, service }: ProgramParts): Program {
  const { code, errors, events, input, name, options, output, subject } = workflow;
  const fail = failFunctionsOf(`${service}: the workflow ${name}`, errors);
  return {
    name,
    policy: parseRetryOptions(options.retry),
    deadlineMs: parseDuration(options.deadline ?? "30s") ?? defaultDeadlineMs,
    events: new Set(events.map(({ id }) => id)),
    run: (flow) => (code as (flow: ServiceFlow) => unknown)(new ServiceFlow(flow, { fail, log, privacy, service })),
    checkInput: input === undefined ? () => undefined : checkOf(`the input of the workflow "${name}"`, input),
    checkOutput: output === undefined ? () => undefined : checkOf(`the output of the workflow "${name}"`, output),
    readEvent: readerOf(workflow, { seals, service }),
    subjectOf: (given) => {
      const named = subject === undefined || given === null || typeof given !== "object" ? undefined : (given as Readonly<Record<string, unknown>>)[subject];
      return named === undefined || named === null ? undefined : toKeyText(named);
    },
  };
}

function readerOf({ events }: Workflow, { seals, service }: Pick<ProgramParts, "seals" | "service">): Program["readEvent"] {
  const byType = new Map(events.map((event) => [event.id, { event, parser: createParser(event.data) }]));
  return async (type, { data: kept, id, version }, met) => {
    const found = byType.get(type);
    if (found === undefined) throw new StepFailure(type, { name: "UnreadableError", message: `the workflow does not read ${type}` });
    const data = seals === undefined ? kept : await seals.open(service, { id, type, data: kept }, met);
    const read = upcastData(found.event, version, data);
    if (!read.ok) {
      // A newer version comes from a process that is ahead of this one, as in a deployment: another turn may meet it.
      if (read.reason === "future") throw new UnreadableError(read.message);
      throw new StepFailure(type, { name: "UnreadableError", message: read.message });
    }
    const parsed = found.parser.parse(read.data);
    const result: ParseResult = isPromise(parsed) ? await parsed : parsed;
    if (result.ok) return result.value;
    const places = result.details.map(({ message, path }) => `${path || "/"} ${message}`).join("; ");
    throw new StepFailure(type, { name: "UnreadableError", message: `the data of ${type} does not fit its contract: ${places}` });
  };
}
