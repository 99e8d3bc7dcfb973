/** `tenon top`: what runs at the moment, how often it fails, and how long it takes. */
import type { BusyOperation, BusyQuery, StoreReader } from "../../telemetry-store/index.ts";
import { alignColumns } from "../columns.ts";
import type { Answer, CommandSpec } from "../command.ts";
import { parseLimit } from "../events/targets.ts";
import { durationText, plainText, timeText } from "../telemetry/measure-text.ts";
import { parseLength, parseWord } from "../telemetry/parse-options.ts";
import { storeOption, type StoreOptions, withReader } from "../telemetry/store-place.ts";
import type { Terminal } from "../terminal.ts";

interface TopOptions extends StoreOptions {
  readonly window?: string;
  readonly service?: string;
  readonly sort?: string;
  readonly limit?: string;
  readonly all?: true;
  readonly once?: true;
}

/** How often the table is drawn anew, in ms: a slot of the store is ten seconds long. */
const drawEveryMs = 2_000;
/** To the upper left corner, and clear from there: less of a flicker than clearing all. */
const home = "\u001b[H\u001b[J";
/** A line that is too long ends at the edge: wrapped, it would push the table off the screen. */
const wrapping = { off: "\u001b[?7l", on: "\u001b[?7h" } as const;

export const topCommand: CommandSpec<TopOptions> = {
  name: "top",
  operands: "",
  summary: "watch operations: rate, errors, and how long they take",
  description: [
    "Shows operations of the last minutes from the telemetry store: calls a second, the part that failed, and percentiles",
    "of how long they took, right to 4.5 %. On a terminal the table is drawn anew every two seconds, until Ctrl-C.",
  ].join(" "),
  options: [
    { flags: "--window <duration>", about: "so far back (default: 5m)" },
    { flags: "--service <name>", about: "of this service" },
    { flags: "--sort <column>", about: "by rate, errors, p99, or time in all (default: rate)" },
    { flags: "--limit <n>", about: "so many at most (default: as many as there is room for, or 50)" },
    { flags: "--all", about: "with calls to others and inner work, and not only what was called from outside" },
    { flags: "--once", about: "print the table once" },
    storeOption,
  ],
  examples: [
    ["tenon top", "live"],
    ["tenon top --sort errors --window 1h", "what failed most in the last hour"],
    ["tenon top --once --json", "for programs"],
  ],
  run: ({ options, terminal }) => {
    const ask = toQuestion(options);
    const isLive = options.once !== true && !terminal.isJson && process.stdout.isTTY;
    return withReader(options, (reader) => (isLive ? watch(reader, ask, terminal) : once(reader, ask, terminal)));
  },
};

interface Question {
  readonly windowMs: number;
  readonly query: Omit<BusyQuery, "fromMs" | "toMs">;
  readonly hasLimit: boolean;
}

function toQuestion({ all, limit, service, sort, window = "5m" }: TopOptions): Question {
  return {
    windowMs: parseLength("--window", window),
    hasLimit: limit !== undefined,
    query: {
      limit: parseLimit(limit, { fallback: 50, max: 1_000 }),
      which: all === true ? "all" : "entries",
      ...(service === undefined ? {} : { service }),
      ...(sort === undefined ? {} : { sortBy: parseWord("--sort", sort, ["rate", "errors", "p99", "time"]) }),
    },
  };
}

function read(reader: StoreReader, { query, windowMs }: Question): { readonly fromMs: number; readonly toMs: number; readonly operations: readonly BusyOperation[] } {
  const toMs = Date.now();
  const fromMs = toMs - windowMs;
  return { fromMs, toMs, operations: reader.busyOperations({ ...query, fromMs, toMs }) };
}

function once(reader: StoreReader, question: Question, terminal: Terminal): Answer {
  const { fromMs, operations, toMs } = read(reader, question);
  const text = operations.length === 0 ? "nothing ran in this time" : tableText(operations, terminal);
  return { text, data: { from: timeText(fromMs), to: timeText(toMs), operations } };
}

async function watch(reader: StoreReader, question: Question, terminal: Terminal): Promise<undefined> {
  const ending = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ending.resolve());
  const draw = (): void => {
    const { operations, toMs } = read(reader, question);
    const room = question.hasLimit ? operations.length : Math.max(1, (process.stdout.rows || 24) - 4);
    const shown = operations.slice(0, room);
    const table = shown.length === 0 ? "nothing ran in this time" : tableText(shown, terminal);
    terminal.print(`${home}${terminal.style("dim", `${timeText(toMs)}, the last ${durationText(question.windowMs)}; Ctrl-C ends`)}\n\n${table}`);
  };
  process.stdout.write(wrapping.off);
  draw();
  const timer = setInterval(draw, drawEveryMs);
  process.stdout.on("resize", draw);
  await ending.promise;
  clearInterval(timer);
  process.stdout.off("resize", draw);
  process.stdout.write(wrapping.on);
  return undefined;
}

function tableText(operations: readonly BusyOperation[], terminal: Terminal): string {
  const heads = ["OPERATION", "KIND", "PER SECOND", "ERRORS", "P50", "P95", "P99"].map((head) => terminal.style("bold", head));
  const rows = operations.map(({ errorRate, errors, kind, operation, p50Ms, p95Ms, p99Ms, rate, service }) => [
    plainText(`${service} ${operation}`),
    kind,
    rateText(rate),
    errors === 0 ? "" : terminal.style("red", `${(errorRate * 100).toFixed(errorRate < 0.1 ? 2 : 0)} %`),
    ...[p50Ms, p95Ms, p99Ms].map(durationText),
  ]);
  return alignColumns([heads, ...rows]);
}

function rateText(rate: number): string {
  return rate.toFixed(rate < 10 ? 2 : 0);
}
