/** `tenon traces`: what happened, as traces: a list of them, or one as a tree. */
import type { StoreReader, TraceFilter } from "../../telemetry-store/index.ts";
import type { Answer, CommandSpec } from "../command.ts";
import { parseLimit } from "../events/targets.ts";
import { CommandProblem } from "../problem.ts";
import { timeText } from "../telemetry/measure-text.ts";
import { parseLength, parsePair, parseTime } from "../telemetry/parse-options.ts";
import { storeOption, type StoreOptions, withReader } from "../telemetry/store-place.ts";
import { traceListText, traceTreeText } from "../telemetry/trace-text.ts";
import type { Terminal } from "../terminal.ts";

interface TracesOptions extends StoreOptions {
  readonly service?: string;
  readonly operation?: string;
  readonly errors?: true;
  readonly slower?: string;
  readonly since?: string;
  readonly until?: string;
  readonly attribute: readonly string[];
  readonly limit?: string;
  readonly before?: string;
  readonly attributes?: true;
}

export const tracesCommand: CommandSpec<TracesOptions> = {
  name: "traces",
  operands: "[trace]",
  summary: "look at traces: the newest, those that failed or were slow, or one whole",
  description: [
    "Lists traces from the telemetry store, the newest first: those with a span that has all that is asked for. With the",
    "identifier of one, or its beginning, shows it as a tree. Works while tenon telemetry writes.",
  ].join(" "),
  options: [
    { flags: "--service <name>", about: "with a span of this service" },
    { flags: "--operation <name>", about: "with a span of this name" },
    { flags: "--errors", about: "with a span that failed" },
    { flags: "--slower <duration>", about: "with a span that took so long at least: 200ms" },
    { flags: "--since <time>", about: "with a span that began since: 10m, or a time" },
    { flags: "--until <time>", about: "with a span that began until then" },
    { flags: "--attribute <name=value>", about: "with a span that has this attribute; may be repeated", isRepeatable: true },
    { flags: "--limit <n>", about: "so many at most (default: 20)" },
    { flags: "--before <cursor>", about: "the next page: what the one before gave" },
    { flags: "--attributes", about: "of one trace: with the attributes and events of each span" },
    storeOption,
  ],
  examples: [
    ["tenon traces", "the newest"],
    ["tenon traces --errors --since 10m", "what failed in the last ten minutes"],
    ["tenon traces --service orders --slower 200ms", "what was slow in one service"],
    ["tenon traces 4bf92f", "one of them, as a tree"],
  ],
  run: ({ operands, options, terminal }) => {
    const filter = toFilter(options);
    const [word] = operands;
    return withReader(options, (reader) => (word === undefined ? list(reader, { filter, terminal }) : show(reader, word, { options, terminal })));
  },
};

function toFilter({ attribute, before, errors, limit, operation, service, since, slower, until }: TracesOptions): TraceFilter {
  const nowMs = Date.now();
  if (before !== undefined && !/^\d{1,16}-\d{1,15}-\d{1,15}$/.test(before)) throw new CommandProblem(`--before ${before} is not the end of a page`, { remedy: "tenon traces says it below its list", exitCode: 2 });
  return {
    limit: parseLimit(limit, { fallback: 20, max: 500 }),
    attributes: Object.fromEntries(attribute.map((text) => parsePair("--attribute", text))),
    ...(service === undefined ? {} : { service }),
    ...(operation === undefined ? {} : { operation }),
    ...(errors === true ? { status: "error" as const } : {}),
    ...(slower === undefined ? {} : { minMs: parseLength("--slower", slower) }),
    ...(since === undefined ? {} : { fromMs: parseTime("--since", since, nowMs) }),
    ...(until === undefined ? {} : { toMs: parseTime("--until", until, nowMs) }),
    ...(before === undefined ? {} : { cursor: before }),
  };
}

function list(reader: StoreReader, { filter, terminal }: { readonly filter: TraceFilter; readonly terminal: Terminal }): Answer {
  const { next, traces } = reader.traces(filter);
  const data = { traces: traces.map(({ startMs, ...trace }) => ({ ...trace, start: timeText(startMs) })), next: next ?? null };
  const more = next === undefined ? "" : terminal.style("dim", `more: --before ${next}`);
  if (traces.length > 0) return { text: [traceListText(traces, terminal), ...(more === "" ? [] : [more])].join("\n"), data };
  if (more !== "") return { text: `no such trace among the newest 50,000 spans\n${more}`, data };
  const services = reader.services();
  return { text: services.length === 0 ? "nothing was sent yet" : `no such trace; there is telemetry of ${services.join(", ")}`, data };
}

function show(reader: StoreReader, word: string, { options, terminal }: { readonly options: TracesOptions; readonly terminal: Terminal }): Answer {
  const digits = word.toLowerCase();
  if (!/^[\da-f]{4,32}$/.test(digits)) throw new CommandProblem(`"${word}" is not the identifier of a trace, or the beginning of one`, { remedy: "4 to 32 hexadecimal digits: the first column of tenon traces", exitCode: 2 });
  const [traceId, other] = reader.traceIdsBeginning(digits);
  if (traceId === undefined) throw new CommandProblem(`there is no trace ${word}`, { remedy: "tenon traces lists those that are kept: it may have been too old" });
  if (other !== undefined) throw new CommandProblem(`several traces begin with ${word}`, { remedy: `more digits: ${traceId} or ${other}`, exitCode: 2 });
  const spans = reader.trace(traceId);
  return {
    text: traceTreeText(spans, { attributes: options.attributes === true ? "shown" : "hidden", terminal }),
    data: { traceId, spans: spans.map(({ endMs, startMs, ...span }) => ({ ...span, start: timeText(startMs), startMs, durationMs: Math.round((endMs - startMs) * 1_000) / 1_000 })) },
  };
}
