/** Events of an app at work: relays, deliveries, and what keeps them told of each other. */
import type { CallGraph } from "../calls/index.ts";
import { eventsOf } from "../contract/index.ts";
import { type Database, type Listening, Sweeper } from "../data/index.ts";
import { type Broker, BrokerLog, type Consumer, type Consumption, DatabaseLog, Dispatcher, Emitter, type EventLog, eventSweeps, Inbox, measureBroker, Relay, type Schedule, scheduleSubscription, subscribersOf, Ticker, wakeChannel, type WakePlace, Wakes } from "../events/index.ts";
import { type Clock, createUuidSource, type Log, type Part, type Random } from "../kernel/index.ts";
import { EventSeals, RecordSeals, type Vault } from "../privacy/index.ts";
import { routesOf, ServiceRuns } from "../reactions/index.ts";
import { type App, hasData, type Service } from "../service/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { type Program, RunStore, runSweeps } from "../workflows/index.ts";
import type { Config } from "./config.ts";

export interface EventsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly database: Database;
  /** What events go over; left out, they stay in the database. */
  readonly broker?: Broker | undefined;
  /** The whole app, of which some services may run in other processes: who is told of an event. Default: this one. */
  readonly everywhere?: App | undefined;
  /** Keeps what is encrypted; missing where nothing is. */
  readonly vault?: Vault | undefined;
  /** Where it is counted who needs which event, and what that needs. Left out: nowhere. */
  readonly graph?: CallGraph | undefined;
  /** By the name of their service. */
  readonly schedules: ReadonlyMap<string, readonly Schedule[]>;
}

/** Waits up to this long are woken from by a timer of this process, in ms: beyond, being found late by a look matters little. */
const hintMaxMs = 60_000;
/** So that the database's clock has surely come to the instant, in ms. */
const hintLateMs = 5;
/** What is kept for days: looking once in ten minutes is early enough. */
const sweepEveryMs = 600_000;
/** With one process there is nobody whose hints could be lost. */
const pollMs = { one: 5_000, many: 1_000 } as const;

/** What is known of the events of an app before any of its handlers is compiled. */
export class AppEvents {
  readonly wakes = new Wakes();
  /** Seals and opens what is classified in events, where anything of the app is encrypted. */
  readonly seals: EventSeals | undefined;
  readonly #app: App;
  readonly #options: EventsOptions;
  readonly #uuids;
  /** Of this process, among those that deliver. */
  readonly #holder: string;
  readonly #relays: Relay[] = [];
  readonly #dispatchers: Dispatcher[] = [];

  constructor(app: App, options: EventsOptions) {
    this.#app = app;
    this.#options = options;
    this.#uuids = createUuidSource(options.clock, options.random);
    this.#holder = this.#uuids();
    this.seals = options.vault === undefined ? undefined : new EventSeals({ vault: options.vault, database: options.database });
  }

  emitterOf(service: Service): Emitter {
    const { clock, database } = this.#options;
    const locks = database.sessions === "one" ? "not needed" : "needed";
    return new Emitter({ service: service.name, events: eventsOf(service.contract), uuids: this.#uuids, clock, wakes: this.wakes, locks, seals: this.seals });
  }

  /** `start` and `runs` of a service that has workflows. */
  workflowsOf(service: Service, programs: ReadonlyMap<string, Program>): { readonly store: RunStore; readonly runs: ServiceRuns; readonly wakeIn: (waitMs: number) => void } {
    const { clock, database, random, vault } = this.#options;
    const store = new RunStore(database, service.name, vault === undefined ? undefined : new RecordSeals(vault, service.name));
    const wake = (): void => this.wakes.wake(`inbox ${service.name}`);
    // A hint for what is due soon; what is due later is found by looking.
    const wakeIn = (waitMs: number): void => {
      if (waitMs <= 0) wake();
      else if (waitMs <= hintMaxMs) clock.after(waitMs + hintLateMs, wake);
    };
    return { store, wakeIn, runs: new ServiceRuns({ store, programs, uuids: this.#uuids, wake, clock, random }) };
  }

  /** @param consumers  By the name of the service whose inbox they read. */
  parts(consumers: ReadonlyMap<string, readonly Consumer[]>): readonly Part[] {
    const { broker, clock, config, database, graph, log, metrics, random } = this.#options;
    const routes = routesOf(this.#options.everywhere ?? this.#app);
    const names = new Set(this.#app.services.map(({ name }) => name));
    const eventLog: EventLog = broker === undefined ? new DatabaseLog({ database, routes, graph }) : new BrokerLog({ broker: measureBroker(broker, { metrics, clock }), database, routes, wakes: this.wakes, log, graph });
    const timing = { clock, log, wakes: this.wakes, pollMs: pollMs[database.sessions] };
    const holder = this.#holder;
    const owners = this.#owners;
    for (const { contract, name } of owners) {
      if (eventsOf(contract).length > 0) this.#relays.push(new Relay({ ...timing, service: name, eventLog, subscribers: subscribersOf(routes, name) }));
      const own = consumers.get(name) ?? [];
      if (own.length === 0 || config.deliveriesMax === 0) continue;
      const { deliveriesMax: concurrencyMax, drainMs, eventsLeaseMs: leaseMs } = config;
      this.#dispatchers.push(new Dispatcher({ ...timing, database, service: name, consumers: own, holder, leaseMs, concurrencyMax, drainMs, random }));
    }
    if (this.#relays.length === 0 && this.#dispatchers.length === 0) return [];
    const sweeping = { database, everyMs: sweepEveryMs, clock, log };
    const sweeper = new Sweeper({ ...sweeping, what: "events", services: owners.map(({ name }) => name), sweeps: eventSweeps(config.eventsKeepD * 86_400_000) });
    const receivers = new Receivers(eventLog, [...new Set(config.deliveriesMax === 0 ? [] : routes.map(({ subscriber }) => subscriber))].filter((name) => names.has(name)));
    const withRuns = this.#app.services.filter(({ workflows }) => workflows.length > 0).map(({ name }) => name);
    const runSweeper = new Sweeper({ ...sweeping, what: "runs", services: withRuns, sweeps: runSweeps(config.runsKeepD * 86_400_000) });
    return [sweeper, runSweeper, new Notices(database, this.wakes), receivers, ...this.#relays, ...this.#dispatchers];
  }

  /** One for each service with a schema, since a schedule that is no more is to be removed there. */
  tickers(): readonly Part[] {
    const { clock, config, database, log, schedules } = this.#options;
    if (config.deliveriesMax === 0) return []; // other processes deliver, and they fire too
    const common = { clock, database, log, wakes: this.wakes, holder: this.#holder, uuids: this.#uuids };
    return this.#owners.map(({ name }) => new Ticker({ ...common, service: name, schedules: schedules.get(name) ?? [] }));
  }

  /** Puts a run of a schedule into the inbox, whatever the time is. @throws {RangeError} there is no such schedule. */
  async fire(service: string, schedule: string, { missed, scheduledAtMs }: { readonly scheduledAtMs: number; readonly missed: number }): Promise<void> {
    const known = this.#options.schedules.get(service) ?? [];
    if (!known.some(({ name }) => name === schedule)) {
      throw new RangeError(`${service} has no schedule "${schedule}": it has ${known.map(({ name }) => `"${name}"`).join(", ") || "none"}`);
    }
    const subscription = scheduleSubscription(schedule);
    const time = new Date(scheduledAtMs).toISOString();
    await new Inbox(this.#options.database, service).add(subscription, { id: this.#uuids(), source: service, type: subscription, version: 1, key: schedule, time, data: { missed }, trace: undefined });
    this.wakes.tell(`inbox ${service}`);
  }

  get #owners(): readonly Service[] {
    return this.#app.services.filter(hasData);
  }

  /** Resolves when every event was delivered, and nothing that follows from it is left to do now. For tests. */
  async settled(): Promise<void> {
    // A delivery may emit: once through all of them is enough only if nothing was delivered since the round before.
    for (let isQuiet = false; !isQuiet; ) {
      isQuiet = true;
      for (const relay of this.#relays) await relay.settled();
      for (const dispatcher of this.#dispatchers) if (await dispatcher.settled()) isQuiet = false;
    }
  }
}

/** Fills the inboxes of the services that subscribe, where something comes over a broker. */
class Receivers implements Part {
  readonly name = "receivers";
  readonly #eventLog: EventLog;
  readonly #services: readonly string[];
  #consumptions: readonly Consumption[] = [];

  constructor(eventLog: EventLog, services: readonly string[]) {
    this.#eventLog = eventLog;
    this.#services = services;
  }

  async start(): Promise<void> {
    this.#consumptions = await Promise.all(this.#services.map((service) => this.#eventLog.receive(service)));
  }

  /** Relays stop before it, since they are started after it. */
  async stop(): Promise<void> {
    await Promise.all(this.#consumptions.map((consumption) => consumption.close()));
    await this.#eventLog.close();
  }
}

/** Brings the hints of other processes to this one, where there are others. */
class Notices implements Part {
  readonly name = "notices";
  readonly #database: Database;
  readonly #wakes: Wakes;
  #listening: Listening | undefined = undefined;

  constructor(database: Database, wakes: Wakes) {
    this.#database = database;
    this.#wakes = wakes;
  }

  start(): void {
    this.#listening = this.#database.listen?.(wakeChannel, (place) => {
      if (place === undefined) this.#wakes.wakeAll();
      else this.#wakes.wake(place as WakePlace);
    });
  }

  async stop(): Promise<void> {
    await this.#listening?.close();
  }
}
