/** What can be wrong with the workflows of a service, told before anything runs. */
import { ContractMistakes, describeSchema, type MistakeList, parseRetryOptions, type Schema, toJsonSchema } from "../contract/index.ts";
import { parseDuration } from "../kernel/index.ts";
import type { CheckedService } from "./check-reactions.ts";
import type { Workflow } from "./workflows.ts";

/** Beyond so many at once a process only waits for its database. */
const concurrencyMax = 1_000;
/** Beyond a day a step is a child, or a sleep between two. */
const deadlineMaxMs = 86_400_000;

export function checkWorkflows(workflows: readonly Workflow[], { hasRows, mistakes, service }: CheckedService): void {
  const names = new Set<string>();
  if (workflows.length > 0 && !hasRows) {
    mistakes.add(service, "has workflows but no migrations", 'runs are kept in its own schema: migrations: new URL("migrations/", import.meta.url)');
  }
  for (const workflow of workflows) {
    const { code, events, kind, name } = workflow;
    const place = `${service}: workflow("${name}")`;
    const add = (problem: string, remedy: string): void => mistakes.add(place, problem, remedy);
    if (kind !== "workflow") add("is no workflow", "make it with workflow() of reactions(tables)");
    if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) add("the name is not one for a workflow", "lower-case letters, digits and -, starting with a letter, 41 at most");
    if (names.has(name)) add("another workflow of the service has this name", "runs are known by the name: give each its own");
    names.add(name);
    if (typeof code !== "function") add("has no code", "give it a function as its last argument");
    for (const event of events) if (event?.kind !== "event" || typeof event.id !== "string") add("one of its events is no event of a contract", "events: [payments.captured]");
    checkSchemas(workflow, mistakes, place);
    if (workflow.subject !== undefined && !hasField(workflow.input, workflow.subject)) add(`its subject "${workflow.subject}" is no field of its input`, "name the field that says of whom a run tells");
    checkOptions(workflow.options, add);
  }
}

function hasField(input: Schema | undefined, name: string): boolean {
  const { properties } = (input === undefined ? {} : toJsonSchema(input, "input")) as { readonly properties?: Readonly<Record<string, unknown>> };
  return properties !== undefined && Object.hasOwn(properties, name);
}

function checkSchemas({ errors, input, output }: Workflow, mistakes: MistakeList, place: string): void {
  const at = mistakes.at(place);
  if (input !== undefined) describeSchema("input", input, "input", at);
  if (output !== undefined) describeSchema("output", output, "output", at);
  for (const [name, { data, status }] of Object.entries(errors)) {
    if (!Number.isSafeInteger(status) || status < 400 || status > 499) at.add(`the error ${name} has the status ${status}`, "400 to 499: a declared failure is an answer, not a breakdown");
    if (data !== undefined) describeSchema(`data of the error ${name}`, data, "output", at);
  }
}

function checkOptions({ concurrency = 1, deadline = "30s", retry }: Workflow["options"], add: (problem: string, remedy: string) => void): void {
  if (!Number.isSafeInteger(concurrency) || concurrency < 1 || concurrency > concurrencyMax) add(`a concurrency of ${concurrency}`, `a whole number from 1 to ${concurrencyMax}`);
  const deadlineMs = parseDuration(deadline) ?? 0;
  if (deadlineMs < 1 || deadlineMs > deadlineMaxMs) add(`the deadline "${deadline}"`, 'a length of time up to a day: "30s"');
  try {
    parseRetryOptions(retry);
  } catch (error) {
    if (!(error instanceof ContractMistakes)) throw error;
    for (const { at, problem, remedy } of error.mistakes) add(`${at}: ${problem}`, remedy);
  }
}
