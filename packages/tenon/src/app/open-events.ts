/** Events of an app at work: relays, deliveries, and what keeps them told of each other. */
import { eventsOf } from "../contract/index.ts";
import type { Database, Listening } from "../data/index.ts";
import { type Consumer, DatabaseLog, Dispatcher, Emitter, type EventLog, EventSweeper, Relay, type Route, subscribersOf, wakeChannel, type WakePlace, Wakes } from "../events/index.ts";
import { type Clock, createUuidSource, type Log, type Part, type Random } from "../kernel/index.ts";
import type { App, Service } from "../service/index.ts";
import type { Config } from "./config.ts";

export interface EventsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly database: Database;
}

/** With one process there is nobody whose hints could be lost. */
const pollMs = { one: 5_000, many: 1_000 } as const;

/** What is known of the events of an app before any of its handlers is compiled. */
export class AppEvents {
  readonly wakes = new Wakes();
  readonly #app: App;
  readonly #options: EventsOptions;
  readonly #uuids;
  readonly #relays: Relay[] = [];
  readonly #dispatchers: Dispatcher[] = [];

  constructor(app: App, options: EventsOptions) {
    this.#app = app;
    this.#options = options;
    this.#uuids = createUuidSource(options.clock, options.random);
  }

  emitterOf(service: Service): Emitter {
    const { clock, database } = this.#options;
    const locks = database.sessions === "one" ? "not needed" : "needed";
    return new Emitter({ service: service.name, events: eventsOf(service.contract), uuids: this.#uuids, clock, wakes: this.wakes, locks });
  }

  /** @param consumers  By the name of the service whose inbox they read. */
  parts(consumers: ReadonlyMap<string, readonly Consumer[]>): readonly Part[] {
    const { clock, config, database, log, random } = this.#options;
    const routes = routesOf(this.#app);
    const eventLog: EventLog = new DatabaseLog({ database, routes });
    const timing = { clock, log, wakes: this.wakes, pollMs: pollMs[database.sessions] };
    const holder = this.#uuids();
    const owners = this.#app.services.filter((service) => service.migrations !== undefined);
    for (const { contract, name } of owners) {
      if (eventsOf(contract).length > 0) this.#relays.push(new Relay({ ...timing, service: name, eventLog, subscribers: subscribersOf(routes, name) }));
      const own = consumers.get(name) ?? [];
      if (own.length === 0 || config.deliveriesMax === 0) continue;
      const { deliveriesMax: concurrencyMax, drainMs, eventsLeaseMs: leaseMs } = config;
      this.#dispatchers.push(new Dispatcher({ ...timing, database, service: name, consumers: own, holder, leaseMs, concurrencyMax, drainMs, random }));
    }
    if (this.#relays.length === 0 && this.#dispatchers.length === 0) return [];
    const sweeper = new EventSweeper({ database, services: owners.map(({ name }) => name), keepMs: config.eventsKeepD * 86_400_000, clock, log });
    return [sweeper, new Notices(database, this.wakes), ...this.#relays, ...this.#dispatchers];
  }

  /** Resolves when every event was delivered, and nothing that follows from it is left to do now. For tests. */
  async settled(): Promise<void> {
    // A delivery may emit: once through all of them is enough only if nothing moved.
    for (let round = 0; round < 2; round++) {
      for (const relay of this.#relays) await relay.settled();
      for (const dispatcher of this.#dispatchers) if (await dispatcher.settled()) round = -1;
    }
  }
}

/** Who subscribes to what. */
export function routesOf(app: App): readonly Route[] {
  return app.services.flatMap((service) => service.subscriptions.map(({ event, name }) => ({ type: event.id, subscriber: service.name, subscription: name })));
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
