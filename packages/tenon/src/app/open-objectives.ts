/**
 * Objectives of an app at work: who counts, who keeps the counts, who is told, and the probes. Loaded by apps that promise
 * something, and by no others.
 */
import { Call, type Directory } from "../calls/index.ts";
import { type Caller, type Operation, operationsOf } from "../contract/index.ts";
import type { Database } from "../data/index.ts";
import type { readLag } from "../events/index.ts";
import { type Clock, createUuidSource, Fault, type IdSource, type Log, parseDuration, type Part, type Random, type Timer } from "../kernel/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { type AlertReceiver, type AlertTransition, DatabaseObjectives, ObjectiveKeeper, ObjectiveMeters, targetsOf } from "../objectives/index.ts";
import { type App, type BudgetAction, hasData, type Service } from "../service/index.ts";
import { systemCaller } from "../trust/index.ts";
import type { Config } from "./config.ts";

export interface ObjectivesOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly ids: IdSource;
  readonly directory: Directory;
  readonly database: Database | undefined;
}

export class AppObjectives {
  readonly meters: ObjectiveMeters;
  /** Started when everything else is. */
  readonly probes: readonly Part[];
  readonly #keepers: ReadonlyMap<string, ObjectiveKeeper>;
  readonly #actions: readonly BudgetAction[];
  readonly #listeners: Set<(transition: AlertTransition) => void>;
  readonly #waits: LagWaits | undefined;

  private constructor(parts: { readonly waits: LagWaits | undefined; readonly meters: ObjectiveMeters; readonly keepers: ReadonlyMap<string, ObjectiveKeeper>; readonly probes: readonly Part[]; readonly actions: readonly BudgetAction[]; readonly listeners: Set<(transition: AlertTransition) => void> }) {
    this.meters = parts.meters;
    this.probes = parts.probes;
    this.#keepers = parts.keepers;
    this.#actions = parts.actions;
    this.#listeners = parts.listeners;
    this.#waits = parts.waits;
  }

  static async open(app: App, options: ObjectivesOptions): Promise<AppObjectives> {
    const { clock, database, log, random } = options;
    const receivers = await openReceivers(options);
    const withSession = database === undefined ? undefined : (await import("../data/index.ts")).withSession;
    const waits = database === undefined ? undefined : await LagWaits.open(app, database);
    const holder = createUuidSource(clock, random)();
    const meters = new ObjectiveMeters();
    const listeners = new Set<(transition: AlertTransition) => void>();
    const keepers = new Map<string, ObjectiveKeeper>();
    for (const service of app.services) {
      const targets = targetsOf(service);
      if (targets.length === 0) continue;
      const store = database === undefined || withSession === undefined || !hasData(service) ? undefined : new DatabaseObjectives((mode, task) => withSession(database, { service: service.name, mode, purpose: "watch" }, task));
      const onTransition = (transition: AlertTransition): void => listeners.forEach((hear) => hear(transition));
      keepers.set(service.name, new ObjectiveKeeper({ app: app.name, service: service.name, meters, targets, store, waits: waits === undefined ? undefined : () => waits.of(service), receivers, onTransition, holder, clock, log }));
    }
    const probed = app.services.flatMap((service) => operationsOf(service.contract)).filter(({ probe }) => probe !== undefined);
    return new AppObjectives({ waits, meters, keepers, probes: probed.map((operation) => new Prober(operation, options)), actions: app.budgetActions, listeners });
  }

  /** In the order in which they are started. */
  get parts(): readonly Part[] {
    return [...this.#keepers.values()];
  }

  keeperOf(service: string): ObjectiveKeeper | undefined {
    return this.#keepers.get(service);
  }

  /** Where the event waits that a subscription has waited for longest, as of the last look. @param target  Its lag, by its id. */
  waitsIn(target: string): "outbox" | "inbox" {
    return this.#waits?.waitsIn(target) ?? "inbox";
  }

  /** Calls `hear` at every change of an alert that this instance finds. */
  onTransition(hear: (transition: AlertTransition) => void): void {
    this.#listeners.add(hear);
  }

  /** Whether calls of low priority are to give way. */
  isPressed = (service: string): boolean => this.#actions.includes("shed") && this.#keepers.get(service)?.isPressed === true;

  /** Whether every trace is to be recorded; `undefined`: never. */
  get wantsTraces(): (() => boolean) | undefined {
    if (!this.#actions.includes("trace")) return undefined;
    const keepers = [...this.#keepers.values()];
    return () => keepers.some((keeper) => keeper.isPressed);
  }

  /** Shows how objectives are doing, where this instance looks at them for all. */
  watch(metrics: Metrics): void {
    const keepers = [...this.#keepers.values()];
    const failures = (): number => keepers.reduce((sum, keeper) => sum + [...keeper.failures.values()].reduce((all, one) => all + one, 0), 0);
    metrics.watch({ name: "tenon_alert_notifications_failed", help: "Notifications of alerts that a receiver did not take, in spite of repeats.", type: "counter" }, () => [{ value: failures() }]);
    metrics.watch({ name: "tenon_objective_budget_left", help: "Part of the error budget of an objective that is left: below 0 it is missed.", type: "gauge", labels: ["objective"] }, () =>
      keepers.flatMap(({ readings }) => readings.map(({ budgetLeft, target }) => ({ labels: [target.id], value: budgetLeft }))),
    );
    metrics.watch({ name: "tenon_objective_burn_rate", help: "How many times faster than allowed an error budget is used up, over a window.", type: "gauge", labels: ["objective", "window"] }, () =>
      keepers.flatMap(({ readings }) =>
        readings.flatMap(({ rules, target }) => rules.map(({ long, rule }) => ({ labels: [target.id, `${rule.longMs / 3_600_000}h`], value: long }))),
      ),
    );
  }
}

/** Loaded only where somebody is to be told. */
async function openReceivers({ clock, config, random }: ObjectivesOptions): Promise<readonly AlertReceiver[]> {
  const { alertmanagerUrl, alertsSlackUrl, alertsWebhookSecret, alertsWebhookUrl } = config;
  if (alertmanagerUrl === "" && alertsSlackUrl === "" && alertsWebhookUrl === "") return [];
  const { alertmanagerReceiver, slackReceiver, webhookReceiver } = await import("../alerts/index.ts");
  const outside = { fetch, clock, random };
  return [
    ...(alertsWebhookUrl === "" ? [] : [webhookReceiver({ ...outside, url: alertsWebhookUrl, secret: alertsWebhookSecret })]),
    ...(alertsSlackUrl === "" ? [] : [slackReceiver({ ...outside, url: alertsSlackUrl })]),
    ...(alertmanagerUrl === "" ? [] : [alertmanagerReceiver({ ...outside, url: alertmanagerUrl })]),
  ];
}

/** How long the oldest event of each subscription with an objective waits: in the outbox of who emits it, or in the inbox. */
class LagWaits {
  readonly #database: Database;
  readonly #readLag: typeof readLag;
  readonly #owners: ReadonlySet<string>;
  /** As of the last look, by the id of the target. */
  readonly #places = new Map<string, "outbox" | "inbox">();

  private constructor(parts: { readonly database: Database; readonly readLag: typeof readLag; readonly owners: ReadonlySet<string> }) {
    this.#database = parts.database;
    this.#readLag = parts.readLag;
    this.#owners = parts.owners;
  }

  static async open(app: App, database: Database): Promise<LagWaits> {
    const events = await import("../events/index.ts");
    return new LagWaits({ database, readLag: events.readLag, owners: new Set(app.services.filter(hasData).map(({ name }) => name)) });
  }

  /** In ms, by the id of the target. */
  async of({ name: service, subscriptions }: Service): Promise<ReadonlyMap<string, number>> {
    const promising = subscriptions.filter(({ options }) => options.objective !== undefined);
    const own = await this.#readLag(this.#database, service, promising.map(({ name }) => name));
    const outboxes = new Map([[service, own.outbox.oldestMs ?? 0]]);
    for (const { event } of promising) {
      if (!outboxes.has(event.service) && this.#owners.has(event.service)) outboxes.set(event.service, (await this.#readLag(this.#database, event.service, [])).outbox.oldestMs ?? 0);
    }
    return new Map(promising.map(({ event, name }) => {
      const inboxMs = own.subscriptions.find(({ subscription }) => subscription === name)?.oldestMs ?? 0;
      const outboxMs = outboxes.get(event.service) ?? 0;
      this.#places.set(`${service}.${name}/lag`, outboxMs > inboxMs ? "outbox" : "inbox");
      return [`${service}.${name}/lag`, Math.max(inboxMs, outboxMs)];
    }));
  }

  waitsIn(target: string): "outbox" | "inbox" {
    return this.#places.get(target) ?? "inbox";
  }
}

/** Who calls a probe: the contract that asks for the probe lets it in, and nothing else does. Every log line says who it was. */
const probeCaller: Caller = systemCaller("tenon", "probe");

/** Calls one query again and again, through the whole pipeline. One call at a time. */
class Prober implements Part {
  readonly name: string;
  readonly #operation: Operation;
  readonly #options: ObjectivesOptions;
  #timer: Timer | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(operation: Operation, options: ObjectivesOptions) {
    this.name = `probe of ${operation.id}`;
    this.#operation = operation;
    this.#options = options;
  }

  start(): void {
    if (this.#isStopped) return;
    const { clock, random } = this.#options;
    const everyMs = parseDuration(this.#operation.probe?.every ?? "1m") as number;
    // Up to a tenth earlier or later, so that the probes of instances that were started together do not come together.
    this.#timer = clock.after(everyMs * (0.9 + 0.2 * random()), () => {
      this.#running = this.#probe().finally(() => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #probe(): Promise<void> {
    const { clock, directory, ids, log } = this.#options;
    const operation = this.#operation;
    const call = new Call({ operation, id: ids(), startedAtMs: clock.elapsedMs(), input: operation.probe?.input, caller: probeCaller, isProbe: true });
    try {
      await directory.find(operation.id)?.(call);
    } catch (thrown) {
      // Counted and logged by `record`, as every call. A fault of the caller is a probe that asks for the wrong thing.
      if (thrown instanceof Fault && thrown.code === "invalid_argument") log.warn("a probe is not understood: its input does not fit the contract", { operation: operation.id });
    }
  }
}
