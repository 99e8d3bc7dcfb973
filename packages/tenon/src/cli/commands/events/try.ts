/** `tenon events try`: what a handler would do, without doing it. */
import type { EventRecord, HistoryFilter } from "../../../events/index.ts";
import { parseDuration } from "../../../kernel/index.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { wholeLayers } from "../../config-layers.ts";
import { findOne } from "../../events/find-one.ts";
import { selectLetters } from "../../events/letters.ts";
import { type Operator, type OperatorOptions, withOperator } from "../../events/operator.ts";
import { whyUndeliverable } from "../../events/readable.ts";
import { findSubscription, nameOf, parseLimit, parsePoint, rangeOf, type Target } from "../../events/targets.ts";
import { trialData, trialText, type TriedTogether } from "../../events/trial-text.ts";
import { countOf } from "../../plural.ts";
import { CommandProblem } from "../../problem.ts";

interface TryOptions extends OperatorOptions {
  readonly event?: string;
  readonly from?: string;
  readonly to?: string;
  readonly key?: string;
  readonly limit?: string;
  readonly timeout?: string;
  readonly reveal?: true;
}

/** For so long the rows that a handler changes stay locked, unless somebody says otherwise. */
const defaultTimeout = "10s";
const timeoutMaxMs = 300_000;

export const eventsTryCommand: CommandSpec<TryOptions> = {
  name: "try",
  operands: "<what>",
  summary: "dry run: show what a handler would change and emit, and keep nothing",
  description: [
    "Runs the handler of a subscription for a dead letter, an event or a range, in a transaction that is rolled back, and",
    "shows the rows that it would change and the events it would emit. Each event is tried by itself; a batch subscription",
    "gets them in batches.\n\n",
    "Calls to other operations are not made: the handler is stopped at the first, and it is shown. What it does by other",
    "means (fetch, mail, files) does happen, and numbers of sequences are used up.",
  ].join(" ").replace("\n\n ", "\n\n"),
  options: [
    { flags: "--event <id>", about: "an event, for a subscription" },
    { flags: "--from <point>", about: "a range of the history: a time, how long ago (2h), or a position" },
    { flags: "--to <point>", about: "the last of the range" },
    { flags: "--key <key>", about: "of the range, with this key alone" },
    { flags: "--limit <n>", about: "of the range, so many at most (default: 10)" },
    { flags: "--timeout <duration>", about: `how long one try may take, and keep rows locked (default: "${defaultTimeout}")` },
    { flags: "--reveal", about: "show personal, sensitive and secret values too" },
    appOption,
  ],
  examples: [
    ["tenon events try orders/3", "a dead letter, with the handler as it is now"],
    ["tenon events try orders/mark-paid --event 019a2b3c-4d5e", "an event"],
    ["tenon events try stats/count-orders --from 1h --limit 3 --json", "the first of a range, for programs"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const timeoutMs = parseTimeout(options.timeout);
      const { events, target } = await chooseEvents(operator, operands[0] ?? "", options);
      await assertDeliverable(operator, target, events);
      const trials = await run(operator, target, { events, timeoutMs });
      const { Masks } = await import("../../events/masks.ts");
      const view = { app: operator.app, masks: new Masks(operator.app, options), service: target.service, terminal };
      const isWell = trials.every(({ trial }) => trial.outcome !== "failed");
      const head = `dry run of ${nameOf(target)} for ${countOf(events.length, "event")}: nothing was kept`;
      return {
        text: [terminal.style("bold", head), ...trials.map((each) => trialText(each, view))].join("\n\n"),
        data: { subscription: nameOf(target), isKept: false, trials: trials.map((each) => trialData(each, view)) },
        exitCode: isWell ? 0 : 1,
      };
    }),
};


interface Chosen {
  readonly target: Target;
  readonly events: readonly EventRecord[];
}

async function chooseEvents(operator: Operator, word: string, options: TryOptions): Promise<Chosen> {
  const isRange = options.from !== undefined || options.to !== undefined;
  if (/\/\d+$/.test(word)) {
    if (options.event !== undefined || isRange) throw new CommandProblem(`${word} is a dead letter, which has its event`, { remedy: "leave out --event, --from and --to", exitCode: 2 });
    return chooseLetter(operator, word);
  }
  const target = findSubscription(operator.app, word);
  if (options.event !== undefined && isRange) throw new CommandProblem("--event is one event, and no range", { remedy: "leave out --from and --to", exitCode: 2 });
  if (options.event !== undefined) return { target, events: [(await findOne(operator, options.event)).event] };
  if (!isRange) throw new CommandProblem("for which events?", { remedy: `--event <id>, or --from 1h --limit 3; or a dead letter instead: ${target.service.name}/3`, exitCode: 2 });
  return { target, events: await readRange(operator, target, options) };
}

async function chooseLetter(operator: Operator, word: string): Promise<Chosen> {
  const [selection] = await selectLetters(operator, [word]);
  const { readDeadLetters } = await import("../../../events/index.ts");
  const [letter] = selection === undefined ? [] : await readDeadLetters(operator.database, selection.service, { ...selection.filter, max: 1 });
  if (letter === undefined) throw new CommandProblem(`there is no dead letter ${word}`, { remedy: "tenon events dead lists them: it may have been retried already" });
  const { consumersOf } = await import("../../../reactions/index.ts");
  const owner = operator.app.services.find(({ name }) => name === letter.service);
  const isOther = owner !== undefined && !owner.subscriptions.some(({ name }) => name === letter.subscription) && consumersOf(owner).some(({ name }) => name === letter.subscription);
  if (isOther) throw new CommandProblem(`${word} is of ${letter.subscription}, and a dry run is for subscriptions to events`, { remedy: `tenon events dead ${word} shows what it failed with` });
  return { target: findSubscription(operator.app, `${letter.service}/${letter.subscription}`), events: [letter.event] };
}

async function readRange({ database }: Operator, target: Target, options: TryOptions): Promise<readonly EventRecord[]> {
  const { systemClock } = await import("../../../app/index.ts");
  const { readHistory } = await import("../../../events/index.ts");
  const nowMs = systemClock.nowMs();
  const point = (name: "from" | "to") => (options[name] === undefined ? undefined : parsePoint(`--${name}`, options[name], nowMs));
  const max = parseLimit(options.limit, { fallback: 10, max: 1_000 });
  const { id: type, service } = target.subscription.event;
  const filter: HistoryFilter = { type, key: options.key, ...rangeOf(point("from"), point("to")) };
  const found = await readHistory(database, service, { ...filter, order: "oldest first", max });
  if (found.length === 0) throw new CommandProblem(`there is no such event in the history of ${service}`, { remedy: `tenon events list ${service} --type ${type} shows what there is` });
  return found.map(({ event }) => event);
}

async function assertDeliverable({ app }: Operator, { service, subscription }: Target, events: readonly EventRecord[]): Promise<void> {
  for (const { id, type, version } of events) {
    const why = await whyUndeliverable(app, { service: service.name, subscription: subscription.name, type, version });
    if (why !== undefined) throw new CommandProblem(`${id} cannot be tried: ${why}`);
  }
}

async function run(operator: Operator, target: Target, { events, timeoutMs }: { readonly events: readonly EventRecord[]; readonly timeoutMs: number }): Promise<readonly TriedTogether[]> {
  const { app, database, location } = operator;
  const { AppPrivacy, openVaultOf, parseConfig, parseServiceConfigs, systemClock } = await import("../../../app/index.ts");
  const { openTrial } = await import("../../../reactions/index.ts");
  const { LogWriter } = await import("../../../telemetry/index.ts");
  const layers = await wholeLayers(location.home);
  const serviceConfigs = (await parseServiceConfigs([target.service], layers)).values;
  const { config } = parseConfig(layers);
  const privacy = new AppPrivacy(app, { config, serviceConfigs }).of(target.service);
  const vault = (await openVaultOf(app, { config, database, clock: systemClock }))?.vault;
  const log = new LogWriter({ write: (lines) => void process.stderr.write(lines), clock: systemClock, format: "text" });
  const attempt = openTrial(app, target, { database, serviceConfigs, clock: systemClock, random: Math.random, log, privacy, timeoutMs, vault });
  const size = target.subscription.options.size ?? 1;
  const tried: TriedTogether[] = [];
  for (let at = 0; at < events.length; at += size) {
    const together = events.slice(at, at + size);
    tried.push({ events: together, trial: await attempt(together) });
  }
  log.flush();
  return tried;
}

function parseTimeout(text: string = defaultTimeout): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 100 && ms <= timeoutMaxMs) return ms;
  throw new CommandProblem(`--timeout ${text} is not a length of time from 100ms to ${timeoutMaxMs / 60_000}m`, { remedy: 'a number and a unit: "30s"; rows stay locked for so long', exitCode: 2 });
}
