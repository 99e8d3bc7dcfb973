/** `tenon logs`: what was said, the oldest of a page first, so that the newest stands last; or live. */
import type { LogFilter, StoreReader } from "../../telemetry-store/index.ts";
import type { Answer, CommandSpec } from "../command.ts";
import { parseLimit } from "../events/targets.ts";
import { CommandProblem } from "../problem.ts";
import { logData, logLine } from "../telemetry/log-text.ts";
import { parseTime, parseWord } from "../telemetry/parse-options.ts";
import { storeOption, type StoreOptions, withReader } from "../telemetry/store-place.ts";
import type { Terminal } from "../terminal.ts";

interface LogsOptions extends StoreOptions {
  readonly level?: string;
  readonly service?: string;
  readonly text?: string;
  readonly trace?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly before?: string;
  readonly follow?: true;
}

/** How often a followed log is looked at: quick enough to seem live, and too seldom to be noticed. */
const lookEveryMs = 250;

export const logsCommand: CommandSpec<LogsOptions> = {
  name: "logs",
  operands: "",
  summary: "look at log records, of one trace or live",
  description: [
    "Shows log records from the telemetry store, the newest last. --follow goes on with what comes in, until Ctrl-C; with",
    "--json each record is then a line of its own. Works while tenon telemetry writes.",
  ].join(" "),
  options: [
    { flags: "--level <level>", about: "this level and above: debug, info, warn, error" },
    { flags: "--service <name>", about: "of this service" },
    { flags: "--text <text>", about: "with this text in the message or in a field" },
    { flags: "--trace <trace>", about: "said in this trace" },
    { flags: "--since <time>", about: "since then: 10m, or a time" },
    { flags: "--until <time>", about: "until then" },
    { flags: "--limit <n>", about: "so many at most (default: 50)" },
    { flags: "--before <cursor>", about: "the page before: what the one after it gave" },
    { flags: "--follow", about: "go on with what comes in" },
    storeOption,
  ],
  examples: [
    ["tenon logs", "the newest"],
    ["tenon logs --level warn --since 1h", "what was not well in the last hour"],
    ["tenon logs --trace 4bf92f3577b34da6a3ce929d0e0e4736", "what was said in one trace"],
    ["tenon logs --follow --json", "live, for programs"],
  ],
  run: ({ options, terminal }) => {
    const filter = toFilter(options);
    if (options.follow === true && options.until !== undefined) throw new CommandProblem("--follow has no end, and --until is one", { remedy: "leave one of them out", exitCode: 2 });
    return withReader(options, async (reader) => (options.follow === true ? follow(reader, filter, terminal) : list(reader, filter, terminal)));
  },
};

function toFilter({ before, level, limit, service, since, text, trace, until }: LogsOptions): LogFilter {
  const nowMs = Date.now();
  if (trace !== undefined && !/^[\da-f]{32}$/i.test(trace)) throw new CommandProblem(`--trace ${trace} is not the identifier of a trace`, { remedy: "32 hexadecimal digits: the first column of tenon traces", exitCode: 2 });
  if (before !== undefined && !/^\d{1,16}-\d{1,15}-\d{1,15}$/.test(before)) throw new CommandProblem(`--before ${before} is not the beginning of a page`, { remedy: "tenon logs says it above its list", exitCode: 2 });
  return {
    limit: parseLimit(limit, { fallback: 50, max: 1_000 }),
    ...(level === undefined ? {} : { level: parseWord("--level", level, ["debug", "info", "warn", "error"]) }),
    ...(service === undefined ? {} : { service }),
    ...(text === undefined ? {} : { text }),
    ...(trace === undefined ? {} : { traceId: trace.toLowerCase() }),
    ...(since === undefined ? {} : { fromMs: parseTime("--since", since, nowMs) }),
    ...(until === undefined ? {} : { toMs: parseTime("--until", until, nowMs) }),
    ...(before === undefined ? {} : { cursor: before }),
  };
}

function list(reader: StoreReader, filter: LogFilter, terminal: Terminal): Answer {
  const { logs, next } = reader.logs(filter);
  const oldestFirst = logs.toReversed();
  const more = next === undefined ? [] : [terminal.style("dim", `earlier: --before ${next}`)];
  const lines = oldestFirst.map((record) => logLine(record, terminal));
  return { text: lines.length === 0 && more.length === 0 ? "no such log record" : [...more, ...lines].join("\n"), data: { logs: oldestFirst.map(logData), next: next ?? null } };
}

async function follow(reader: StoreReader, filter: LogFilter, terminal: Terminal): Promise<undefined> {
  const ending = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ending.resolve());
  process.stdout.on("error", () => ending.resolve()); // whoever read it has seen enough
  let isOver = false;
  void ending.promise.then(() => {
    isOver = true;
  });
  let end = reader.endOfLogs();
  const tell = (logs: ReturnType<StoreReader["logs"]>["logs"]): void => {
    for (const record of logs) {
      if (terminal.isJson) terminal.printEvent(logData(record));
      else terminal.print(logLine(record, terminal));
    }
  };
  tell(reader.logs(filter).logs.toReversed());
  while (!isOver) {
    const news = reader.followLogs(end, filter);
    end = news.end;
    tell(news.logs);
    if (news.logs.length === 0) await Promise.race([ending.promise, new Promise((resolve) => setTimeout(resolve, lookEveryMs))]);
    else await terminal.flush();
  }
  return undefined;
}
