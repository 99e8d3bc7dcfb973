/**
 * From an operation or event as it was written to its description, with every mistake on the way. Nothing stops at the
 * first mistake: a part that is wrong is left out of a description that nobody will see.
 */
import { faultTable, formatDuration, parseDuration } from "../kernel/index.ts";
import { checkAccess, describeAccess, isInternal } from "./access.ts";
import type { EventDescription, HttpDescription, OperationDescription, OutputDescription } from "./description.ts";
import { toHttpDescription } from "./http-binding.ts";
import { scalarKindOf } from "./scalar-kind.ts";
import type { MistakesAt } from "./mistakes.ts";
import { objectShapeOf } from "./object-shape.ts";
import type { Deprecation, ErrorSpecs, EventSpec, OperationSpec } from "./operation.ts";
import { type BytesOutput, isBytesOutput, isStreamOutput } from "./output.ts";
import { checkRateLimits } from "./rate-limit.ts";
import { describeSchema, type JsonSchema } from "./schema.ts";
import { checkVersions, upcastsFrom } from "./upcast.ts";

/** Beyond a day it is not a call: nobody waits, no connection lasts, and timers end at 24.8 days. */
const maxDeadlineMs = 86_400_000;
/** More often than once a second, probes would be a load that the objective measures. */
const minProbeMs = 1_000;

export function describeOperation(id: string, name: string, spec: OperationSpec, mistakes: MistakesAt): OperationDescription {
  const input = describeSchema("input", spec.input, "input", mistakes);
  if (input !== undefined && objectShapeOf(input) === undefined) {
    mistakes.add("the input is not an object", "wrap it: z.object({ value: ... }), so that a field can be added later");
  }
  const deadlineMs = checkDuration("deadline", spec.deadline, mistakes);
  if (deadlineMs > maxDeadlineMs) {
    mistakes.add(`the deadline "${spec.deadline}" is longer than ${formatDuration(maxDeadlineMs)}`, "answer at once, and tell of the end by an event");
  }
  checkObjective(spec, mistakes);
  checkRateLimits(spec.rateLimit, input, mistakes);
  checkErrors(spec.errors, mistakes);
  checkDeprecation(spec.deprecated, mistakes);
  const isKnownAccess = checkAccess(spec.access, input, mistakes);
  const http = toHttpDescription(spec, input, mistakes);
  if (http !== undefined && isKnownAccess && isInternal(spec.access)) {
    mistakes.add("has a route, but its access rule lets only services in", "take `http` away, or let people in with { anyOf: [...] }");
  }
  if (spec.senderConstrained && spec.access === "public") {
    mistakes.add("takes tokens that are bound to a key, and calls without any token", 'say who may call: access: "signed-in"; or take `senderConstrained` away');
  }
  checkOutput(spec, http, mistakes);
  if (spec.body !== undefined) checkBytes("body", spec.body, mistakes);

  return {
    name,
    id,
    kind: spec.kind,
    ...present("summary", spec.summary),
    ...present("description", spec.description),
    ...present("deprecated", spec.deprecated),
    access: isKnownAccess ? describeAccess(spec.access) : "signed-in",
    ...present("http", http),
    ...present("input", input),
    ...present("body", spec.body && { mediaTypes: spec.body.mediaTypes, maxBytes: spec.body.maxBytes }),
    output: describeOutput(spec, mistakes),
    errors: Object.entries(spec.errors).map(([errorName, error]) => ({
      name: errorName,
      status: error.status,
      ...present("message", error.message),
      ...present("data", describeSchema(`data of the error ${errorName}`, error.data, "output", mistakes)),
    })),
    deadlineMs,
    ...present("objective", spec.objective),
    ...present("priority", spec.priority === "normal" ? undefined : spec.priority),
    ...present("probe", spec.probe),
    ...present("rateLimit", spec.rateLimit),
    ...present("senderConstrained", spec.senderConstrained ? true : undefined),
  };
}

export function describeEvent(id: string, name: string, spec: EventSpec, mistakes: MistakesAt): EventDescription {
  const data = describeSchema("data", spec.data, "output", mistakes);
  if (data !== undefined) checkEventData(spec, data, mistakes);
  checkVersions(spec, mistakes);
  checkDeprecation(spec.deprecated, mistakes);
  const oldVersions = upcastsFrom(spec);
  return {
    name,
    id,
    ...present("summary", spec.summary),
    ...present("description", spec.description),
    ...present("deprecated", spec.deprecated),
    ...present("key", spec.key),
    ...present("version", spec.version === 1 ? undefined : spec.version),
    ...present("upcastsFrom", oldVersions.length === 0 ? undefined : oldVersions),
    data: data ?? {},
  };
}

function checkEventData(spec: EventSpec, data: JsonSchema, mistakes: MistakesAt): void {
  const shape = objectShapeOf(data);
  if (shape === undefined) {
    mistakes.add("the data is not an object", "wrap it: z.object({ value: ... }), so that a field can be added later");
    return;
  }
  const missing = { key: "events without a key have no order", subject: "nobody would know whose data it is" } as const;
  for (const role of ["key", "subject"] as const) {
    const name = spec[role];
    if (name === undefined) continue;
    const field = shape.fields.get(name);
    if (field === undefined) {
      const names = [...shape.fields.keys()].join(", ");
      mistakes.add(`the ${role} "${name}" is not in the data`, names === "" ? "the data has no fields: add one" : `name one of: ${names}`);
    } else if (!shape.required.has(name)) {
      mistakes.add(`the ${role} "${name}" may be missing from the data`, `make it required: ${missing[role]}`);
    } else if (scalarKindOf(field, data) === undefined) {
      mistakes.add(`the ${role} "${name}" is not text or a number`, role === "key" ? "order by an identifier" : "name the person by an identifier");
    }
  }
}

function describeOutput(spec: OperationSpec, mistakes: MistakesAt): OutputDescription {
  const { output } = spec;
  if (output === undefined) return { kind: "none" };
  if (isBytesOutput(output)) return { kind: "bytes", mediaTypes: output.mediaTypes, maxBytes: output.maxBytes };
  if (isStreamOutput(output)) return { kind: "stream", schema: describeSchema("item of the stream", output.item, "output", mistakes) ?? {} };
  return { kind: "json", schema: describeSchema("output", output, "output", mistakes) ?? {} };
}

function checkOutput(spec: OperationSpec, http: HttpDescription | undefined, mistakes: MistakesAt): void {
  if (spec.kind === "command" && isStreamOutput(spec.output)) {
    mistakes.add("a command cannot stream items: its transaction would stay open for as long as the caller reads", "answer with an id, and stream from a query");
  }
  if (isBytesOutput(spec.output)) checkBytes("output", spec.output, mistakes);
  if (http !== undefined && (http.status === 204 || http.status === 205) && spec.output !== undefined) {
    mistakes.add(`status ${http.status} has no body, but the operation has an output`, "use 200 or 201, or take the output away");
  }
}

function checkBytes(part: string, { maxBytes, mediaTypes }: BytesOutput, mistakes: MistakesAt): void {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    mistakes.add(`the ${part} has a limit of ${maxBytes} bytes`, "maxBytes is a whole number from 1: nothing is taken without a limit");
  }
  for (const mediaType of mediaTypes) {
    if (/^(\*|[a-z0-9!#$&^_.+-]+)\/(\*|[a-z0-9!#$&^_.+-]+)$/.test(mediaType)) continue;
    mistakes.add(`"${mediaType}" is not a media type`, 'write type/subtype in lower case: "image/png"');
  }
}

function checkObjective(spec: OperationSpec, mistakes: MistakesAt): void {
  const { objective } = spec;
  for (const [percentile, limit] of Object.entries(objective?.latency ?? {})) {
    checkDuration(`objective.latency.${percentile}`, limit, mistakes);
  }
  const availability = objective?.availability;
  if (availability !== undefined && !(availability > 0 && availability < 100)) {
    mistakes.add(`an availability of ${availability} percent cannot be held`, "a number above 0 and below 100, such as 99.9");
  }
  if (!["low", "normal", "high"].includes(spec.priority)) mistakes.add(`"${spec.priority}" is no priority`, '"low", "normal" or "high"');
  checkProbe(spec, mistakes);
}

function checkProbe({ input, objective, output, probe }: OperationSpec, mistakes: MistakesAt): void {
  if (probe === undefined) return;
  if (objective === undefined) mistakes.add("has a probe and no objective, so nothing is measured by it", "objective: { availability: 99.9 }");
  const everyMs = checkDuration("probe.every", probe.every, mistakes);
  if (everyMs > 0 && everyMs < minProbeMs) mistakes.add(`a probe every "${probe.every}" is a load of its own`, "every second at most");
  if (isStreamOutput(output) || isBytesOutput(output)) mistakes.add("a probe cannot read a stream", "probe a query that answers with JSON");
  if (input === undefined && probe.input !== undefined) mistakes.add("the probe has an input, and the query takes none", "take `input` out of the probe");
}

/** @returns 0 where the text is not a length of time. */
function checkDuration(part: string, text: string, mistakes: MistakesAt): number {
  const ms = parseDuration(text) ?? 0;
  if (ms === 0) mistakes.add(`the ${part} "${text}" is not a length of time`, 'a number and a unit: "250ms", "2s", "15m"');
  return ms;
}

function checkDeprecation(deprecated: Deprecation | undefined, mistakes: MistakesAt): void {
  if (deprecated === undefined) return;
  if (!semanticVersion.test(deprecated.since)) {
    mistakes.add(`deprecated since "${deprecated.since}" is not a version`, 'the version of the contract: "1.2.0"');
  }
  if (deprecated.sunset !== undefined && !isDate(deprecated.sunset)) {
    mistakes.add(`the sunset "${deprecated.sunset}" is not a date`, 'write it as "2027-01-31"');
  }
}

/** https://semver.org, without build metadata: two builds of one promise are one promise. */
export const semanticVersion = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** A day that the calendar has: JavaScript reads the 30th of February as the 2nd of March. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text;
}

function checkErrors(errors: ErrorSpecs, mistakes: MistakesAt): void {
  for (const [name, { status }] of Object.entries(errors)) {
    if (!/^[A-Z][A-Za-z0-9]*$/.test(name) || Object.hasOwn(faultTable, name)) {
      mistakes.add(`"${name}" is not a name for an error`, 'PascalCase, such as "OutOfStock": the platform\'s own codes are lower case');
    }
    if (!Number.isInteger(status) || status < 400 || status > 499) {
      mistakes.add(`the error ${name} has status ${status}`, "a declared error is an answer to the caller: 400 to 499; breakdowns have codes of their own");
    } else if (status === 401 || status === 499) {
      mistakes.add(`the error ${name} has status ${status}, which the platform answers itself`, "use 403, 404, 409 or 422");
    }
  }
}

/** An object with the key, or an empty one: descriptions carry no `undefined`. */
function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}
