/** Keepers of one service with a clock that is moved by hand, and receivers that write down what they are told. */
import { type Database, migrate, withSession } from "../../src/data/index.ts";
import { Fault, type Log } from "../../src/kernel/index.ts";
import { type AlertNotification, type AlertReceiver, type AlertTransition, DatabaseObjectives, ObjectiveKeeper, type ObjectiveKeeperOptions, ObjectiveMeters, type ObjectiveStore, type Target } from "../../src/objectives/index.ts";
import type { ManualClock } from "../calls/fixture.ts";

export const service = "orders";

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export function target(subject: string, more: Partial<Target> = {}): Target {
  return { id: `${subject}/availability`, service, subject, indicator: "availability", share: 0.999, limitMs: undefined, source: "calls", ...more };
}

export const place: Target = target("orders.place");
export const cancel: Target = target("orders.cancel");
export const search: Target = target("orders.search");

/** Counts what it is told; refuses it while `isDown`. */
export class Listener implements AlertReceiver {
  readonly name = "listener";
  readonly heard: AlertNotification[] = [];
  isDown = false;

  async send(notification: AlertNotification): Promise<void> {
    if (this.isDown) throw new Fault("unavailable", "down");
    this.heard.push(notification);
  }

  /** Each notification in a line: `firing change: orders.place/availability/page`. */
  get lines(): readonly string[] {
    return this.heard.map(({ alerts, reason, status }) => `${status} ${reason}: ${alerts.map(({ id, state }) => (state === "firing" ? id : `${id} ${state}`)).join(", ")}`);
  }
}

export interface Instance {
  readonly keeper: ObjectiveKeeper;
  readonly listener: Listener;
  readonly transitions: AlertTransition[];
  /** Counts so many calls of a target, of which so many failed. */
  readonly count: (target: Target, total: number, bad: number) => void;
}

export interface InstanceOptions extends Partial<Pick<ObjectiveKeeperOptions, "store" | "waits" | "targets">> {
  readonly clock: ManualClock;
  readonly holder?: string;
  readonly listener?: Listener;
}

export function instance({ clock, holder = "a", listener = new Listener(), targets = [place, cancel, search], ...more }: InstanceOptions): Instance {
  const meters = new ObjectiveMeters();
  const transitions: AlertTransition[] = [];
  const keeper = new ObjectiveKeeper({ app: "shop", service, meters, targets, receivers: [listener], holder, clock, log: silent, onTransition: (transition) => transitions.push(transition), ...more });
  return {
    keeper,
    listener,
    transitions,
    count(counted, total, bad) {
      const meter = meters.meterOfTarget(counted);
      for (let i = 0; i < total; i++) meter.observe(i >= bad);
    },
  };
}

export interface Stretch {
  readonly clock: ManualClock;
  readonly lastsMs: number;
  /** Before each look: what is counted in its 10 s. */
  readonly each?: (instance: Instance) => void;
}

/** Looks every 10 s of virtual time, each instance in turn. */
export async function pass(instances: readonly Instance[], { clock, each, lastsMs }: Stretch): Promise<void> {
  for (let passedMs = 0; passedMs < lastsMs; passedMs += 10_000) {
    for (const one of instances) each?.(one);
    clock.advance(10_000);
    for (const { keeper } of instances) await keeper.look();
  }
}

/** A service whose schema has the platform's tables. */
export async function prepare(database: Database): Promise<void> {
  await migrate(database, [{ service, migrations: [] }]);
}

export function storeIn(database: Database): ObjectiveStore {
  return new DatabaseObjectives((mode, task) => withSession(database, { service, mode }, task));
}
