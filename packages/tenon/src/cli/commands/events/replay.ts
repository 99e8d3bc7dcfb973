/** `tenon events replay`: a part of the history, delivered once more to one subscription. */
import type { HistoryFilter, Replayed, ReplayProgress } from "../../../events/index.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { confirm, yesOption } from "../../confirm.ts";
import { countText } from "../../events/event-text.ts";
import { findOne } from "../../events/find-one.ts";
import { type Operator, type OperatorOptions, withOperator } from "../../events/operator.ts";
import { oldestReadable, whyUnreadable } from "../../events/readable.ts";
import { findSubscription, nameOf, parsePoint, rangeOf, type Target } from "../../events/targets.ts";
import { countOf } from "../../plural.ts";
import { CommandProblem } from "../../problem.ts";
import type { Terminal } from "../../terminal.ts";

interface ReplayCommandOptions extends OperatorOptions {
  readonly from?: string;
  readonly to?: string;
  readonly key?: string;
  readonly type?: string;
  readonly event?: string;
  readonly yes?: true;
}

export const eventsReplayCommand: CommandSpec<ReplayCommandOptions> = {
  name: "replay",
  operands: "<subscription>",
  summary: "deliver a part of the history once more, to one subscription",
  description: [
    "Puts events of the history into the inbox of a subscription, in their order, as if they had just come. Its handler",
    "runs for each of them again, after what is in the inbox already; no other subscription notices. Events of versions",
    "that cannot be read any more are left out, and told. Ctrl-C stops after a portion, and says how to go on.",
  ].join(" "),
  options: [
    { flags: "--from <point>", about: "the first: a time, how long ago (2h), or a position" },
    { flags: "--to <point>", about: "the last (default: the newest there is now)" },
    { flags: "--key <key>", about: "with this key alone" },
    { flags: "--type <type>", about: "the type that the subscription is thought to handle: refused when it is another" },
    { flags: "--event <id>", about: "one event, instead of a range" },
    yesOption,
    appOption,
  ],
  examples: [
    ["tenon events replay stats/count-orders --from 2026-11-01", "everything since then"],
    ["tenon events replay orders/mark-paid --from 4711 --to 4790", "by position"],
    ["tenon events replay orders/mark-paid --event 019a2b3c-4d5e", "one event"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const target = findSubscription(operator.app, operands[0] ?? "");
      assertHandles(target, options.type);
      const filter = await filterOf(operator, target, options);
      const { countHistory } = await import("../../../events/index.ts");
      const emitter = target.subscription.event.service;
      const oldest = await oldestReadable(target.subscription.event);
      const leftOut = await countHistory(operator.database, emitter, { ...filter, versionBelow: oldest });
      const wanted = await countHistory(operator.database, emitter, { ...filter, versionFrom: oldest });
      if (leftOut.count > 0) terminal.warn(`${countText(leftOut)} events are left out: ${target.subscription.event.id} below version ${oldest} is discarded, and nothing can read it any more`);
      if (wanted.count === 0) throw new CommandProblem(`there is no event to replay to ${nameOf(target)}`, { remedy: `tenon events list ${emitter} --type ${target.subscription.event.id} shows what the history has` });
      await confirm(terminal, `Deliver ${countText(wanted)} ${wanted.count === 1 ? "event" : "events"} once more to ${nameOf(target)}?`, options);
      const done = await replay(operator, target, { ...filter, versionFrom: oldest });
      return {
        text: `${countOf(done.count, "event")} put into the inbox of ${nameOf(target)}${done.isComplete ? "" : "; stopped before its end"}`,
        data: { subscription: nameOf(target), replayed: done.count, position: done.position, isComplete: done.isComplete, leftOut: leftOut.count },
        exitCode: done.isComplete ? 0 : 1,
      };
    }),
};

function assertHandles(target: Target, type: string | undefined): void {
  const { event } = target.subscription;
  if (type === undefined || type === event.id) return;
  throw new CommandProblem(`${nameOf(target)} handles ${event.id}, and not ${type}`, { remedy: `a subscription gets events of its own type alone: --type ${event.id}, or leave it out`, exitCode: 2 });
}

async function filterOf(operator: Operator, target: Target, options: ReplayCommandOptions): Promise<HistoryFilter> {
  const { event: id, from, key, to } = options;
  const type = target.subscription.event.id;
  if (id !== undefined) {
    if (from !== undefined || to !== undefined || key !== undefined) throw new CommandProblem("--event is one event, and no range", { remedy: "leave out --from, --to and --key", exitCode: 2 });
    return filterOfOne(operator, target, id);
  }
  if (from === undefined) throw new CommandProblem("from where on?", { remedy: "--from 2h, --from 2026-11-24, --from 1 (everything that is kept), or --event for a single one", exitCode: 2 });
  const { systemClock } = await import("../../../app/index.ts");
  const nowMs = systemClock.nowMs();
  const range = rangeOf(parsePoint("--from", from, nowMs), to === undefined ? undefined : parsePoint("--to", to, nowMs));
  // What is emitted from now on is delivered anyway.
  return { type, key, ...range, ...(range.before === undefined ? await endNow(operator, target) : {}) };
}

async function endNow({ database }: Operator, { subscription }: Target): Promise<{ readonly before?: number }> {
  const { historySpan } = await import("../../../events/index.ts");
  const span = await historySpan(database, subscription.event.service);
  return span === undefined ? {} : { before: span.last.position + 1 };
}

async function filterOfOne(operator: Operator, target: Target, id: string): Promise<HistoryFilter> {
  const { event, place, position } = await findOne(operator, id);
  const wanted = target.subscription.event;
  if (event.type !== wanted.id) throw new CommandProblem(`${nameOf(target)} handles ${wanted.id}, and ${event.id} is of ${event.type}`, { remedy: "replay it to a subscription that handles its type" });
  if (place !== "history" || position === undefined) {
    throw new CommandProblem(`${event.id} is not in the history of ${wanted.service}`, { remedy: place === "outbox" ? "it has not been sent yet: it is delivered as soon as the app runs" : "only what the history keeps can be replayed; a dead letter can be retried: tenon events retry" });
  }
  const why = await whyUnreadable(target.subscription, event.version);
  if (why !== undefined) throw new CommandProblem(`${event.id} cannot be replayed: ${why}`, { remedy: `give the contract an upcast for version ${event.version}, if it has to be` });
  return { type: wanted.id, after: position - 1, before: position + 1 };
}

async function replay({ database, terminal }: Operator, { service, subscription }: Target, filter: HistoryFilter): Promise<Replayed> {
  const { replayEvents } = await import("../../../events/index.ts");
  using progress = new Progress(terminal);
  return await replayEvents(database, {
    emitter: subscription.event.service,
    subscriber: service.name,
    subscription: subscription.name,
    filter,
    onPortion: (each) => progress.tell(each),
  }).then(
    (done) => {
      if (!done.isComplete) progress.sayHowToGoOn();
      return done;
    },
    (error: unknown) => {
      progress.sayHowToGoOn(); // the database went away: what was told of is kept
      throw error;
    },
  );
}

/** Told at most so often, in ms. */
const tellEveryMs = 1_000;

/** Says how far it is, and listens for Ctrl-C. */
class Progress {
  readonly #terminal: Terminal;
  readonly #stop: () => void;
  #toldAtMs = performance.now();
  #last: ReplayProgress | undefined = undefined;
  #isStopped = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#stop = () => {
      this.#isStopped = true;
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, this.#stop);
  }

  tell(progress: ReplayProgress): "go on" | "stop" {
    this.#last = progress;
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs >= tellEveryMs) {
      this.#toldAtMs = nowMs;
      this.#terminal.say(`${progress.count.toLocaleString("en-US")} events, up to position ${progress.position}`);
    }
    return this.#isStopped ? "stop" : "go on";
  }

  sayHowToGoOn(): void {
    if (this.#last === undefined) this.#terminal.say("nothing was put into the inbox");
    else this.#terminal.say(`stopped behind position ${this.#last.position}; to go on, the same again with --from ${this.#last.position + 1}`);
  }

  [Symbol.dispose](): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, this.#stop);
  }
}
