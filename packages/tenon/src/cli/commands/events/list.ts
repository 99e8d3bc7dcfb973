/** `tenon events list`: what happened, from the history of services. */
import type { RecordedEvent } from "../../../events/index.ts";
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { eventData } from "../../events/event-text.ts";
import { type Operator, type OperatorOptions, withOperator } from "../../events/operator.ts";
import { findEventType, findService, parseLimit, parsePoint, rangeOf } from "../../events/targets.ts";
import { CommandProblem } from "../../problem.ts";
import type { Terminal } from "../../terminal.ts";

interface ListOptions extends OperatorOptions {
  readonly type?: string;
  readonly key?: string;
  readonly from?: string;
  readonly to?: string;
  readonly before?: string;
  readonly after?: string;
  readonly limit?: string;
  readonly oldestFirst?: true;
  readonly reveal?: true;
}

export const eventsListCommand: CommandSpec<ListOptions> = {
  name: "list",
  operands: "[service]",
  summary: "list the events that were sent, the newest first",
  description: [
    "Lists events from the history of a service: those that left its outbox, for as long as they are kept (EVENTS_KEEP_D).",
    "Each has a position, by which pages and replays go. Without a service, the newest of all.",
  ].join(" "),
  options: [
    { flags: "--type <type>", about: "of this type alone: orders.placed" },
    { flags: "--key <key>", about: "with this key alone" },
    { flags: "--from <point>", about: "from here on: a time, how long ago (2h), or a position" },
    { flags: "--to <point>", about: "up to here" },
    { flags: "--before <position>", about: "a page: those in front of this position" },
    { flags: "--after <position>", about: "a page: those behind this position" },
    { flags: "--limit <n>", about: "so many at most (default: 20)" },
    { flags: "--oldest-first", about: "in the order in which they were sent" },
    { flags: "--reveal", about: "show keys that are personal, sensitive or secret" },
    appOption,
  ],
  examples: [
    ["tenon events list", "the newest of all services"],
    ["tenon events list orders --type orders.placed --from 2h", "what was placed in the last two hours"],
    ["tenon events list orders --before 4711", "the page before"],
    ["tenon events list orders --json", "with their data, for programs"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const services = await servicesOf(operator, operands[0], options);
      const limit = parseLimit(options.limit, { fallback: 20, max: 1_000 });
      const events = await read(services, operator, { options, limit });
      const { Masks } = await import("../../events/masks.ts");
      const masks = new Masks(operator.app, options);
      const shown = events.map(({ event, position }) => ({ position, event: masks.event(event) }));
      const next = services.length === 1 && events.length === limit ? nextPage(events, options) : undefined;
      return {
        text: toText(shown, { terminal, services, next }),
        data: { app: operator.app.name, services, events: shown.map(({ event, position }) => ({ position, ...eventData(event) })), next: next ?? null },
      };
    }),
};

/** By the type, where one is asked for; else those that emit. */
async function servicesOf({ owners }: Operator, name: string | undefined, { after, before, type }: ListOptions): Promise<readonly string[]> {
  const { eventsOf } = await import("../../../contract/index.ts");
  const asked = name === undefined ? owners.filter(({ contract }) => eventsOf(contract).length > 0) : [findService(owners, name)];
  const events = asked.flatMap(({ contract }) => eventsOf(contract));
  const names = type === undefined ? asked.map((service) => service.name) : [findEventType(events, type).service];
  if (names.length > 1 && (after !== undefined || before !== undefined)) {
    throw new CommandProblem("each service counts positions by itself", { remedy: `say whose: tenon events list ${names[0] ?? ""} --before …`, exitCode: 2 });
  }
  return names;
}

async function read(services: readonly string[], { database }: Operator, { limit, options }: { readonly options: ListOptions; readonly limit: number }): Promise<readonly RecordedEvent[]> {
  const { systemClock } = await import("../../../app/index.ts");
  const { readHistory } = await import("../../../events/index.ts");
  const nowMs = systemClock.nowMs();
  const point = (name: "from" | "to") => (options[name] === undefined ? undefined : parsePoint(`--${name}`, options[name], nowMs));
  const range = rangeOf(point("from"), point("to"));
  const [before, after] = [parsePosition("--before", options.before), parsePosition("--after", options.after)];
  const filter = { type: options.type, key: options.key, ...range, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
  const order = options.oldestFirst === true ? "oldest first" : "newest first";
  const found: RecordedEvent[] = [];
  for (const service of services) found.push(...(await readHistory(database, service, { ...filter, order, max: limit })));
  const sign = order === "oldest first" ? 1 : -1;
  const sorted = services.length === 1 ? found : found.toSorted((a, b) => sign * (a.event.time < b.event.time ? -1 : Number(a.event.time > b.event.time)));
  return sorted.slice(0, limit);
}

function parsePosition(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CommandProblem(`${option} ${text} is not a position`, { remedy: "a position is a whole number: the first column of tenon events list", exitCode: 2 });
}

/** The option that asks for what comes after this page. */
function nextPage(events: readonly RecordedEvent[], options: ListOptions): string {
  return `${options.oldestFirst === true ? "--after" : "--before"} ${events.at(-1)?.position ?? 0}`;
}

function toText(events: readonly RecordedEvent[], { next, services, terminal }: { readonly terminal: Terminal; readonly services: readonly string[]; readonly next: string | undefined }): string {
  if (events.length === 0) return services.length === 0 ? "no service of the app has events" : `no such event in the history of ${services.join(", ")}`;
  const rows = events.map(({ event, position }) => [String(position), event.time, event.type, event.key ?? "", terminal.style("dim", event.id)]);
  const table = alignColumns([["POSITION", "TIME", "TYPE", "KEY", "ID"].map((head) => terminal.style("bold", head)), ...rows]);
  return next === undefined ? table : `${table}\n${terminal.style("dim", `more: ${next}`)}`;
}
