/**
 * Keeps the objectives of one service: takes the counts of its meters, looks at the burn rates, and tells of alerts.
 *
 * Every 10 s, in every instance: counts go into the ring of this process and, where there is a store, into the store.
 * One instance at a time has the turn. It reads what all of them have counted, looks, and tells; the others learn from it
 * whether calls of low priority are to give way.
 *
 * A store that is away must not silence the alerts, since it may be why they fire: an instance that has not reached it for
 * 30 s looks at what it has counted itself, and tells. Several may then tell the same; what they say has the same id.
 */
import { type Clock, Fault, type Log, type Part, type Timer } from "../kernel/index.ts";
import { type Alert, type AlertTransition, nextAlert, transitionOf } from "./alert.ts";
import { BucketRing, type Counts, keptMs } from "./bucket-ring.ts";
import { badMin, type Reading, readTarget } from "./burn-rate.ts";
import type { ObjectiveMeters } from "./meter.ts";
import { Notifier } from "./notifier.ts";
import type { AlertReceiver, CountDelta, ObjectiveStore } from "./ports.ts";
import type { Silence } from "./silence.ts";
import type { Target } from "./target.ts";
import { Teller } from "./teller.ts";

/** From one look to the next, in ms: the finest bucket. */
export const lookEveryMs = 10_000;
/** How long the turn lasts without being kept, in ms: longer than a look with receivers that hang. */
const leaseMs = 60_000;
/** How long the store may be away until this instance looks by itself, in ms. */
const blindMs = 30_000;
/** Counts of other instances that come late are seen so long, in ms; those that come later when the turn changes. */
const lateMs = 600_000;
/** Buckets of one objective that wait for the store at most: an hour of them. What is beyond is lost to it, and counted. */
const waitingMax = 360;
const sweepEveryMs = 3_600_000;

export interface ObjectiveKeeperOptions {
  readonly app: string;
  readonly service: string;
  readonly meters: ObjectiveMeters;
  /** Of the service; none where nothing is promised. */
  readonly targets: readonly Target[];
  /** Left out, counts and alerts are those of this process and end with it. */
  readonly store?: ObjectiveStore | undefined;
  /** How long the oldest event waits, in ms, by the id of the target; asked by the instance that has the turn. */
  readonly waits?: (() => Promise<ReadonlyMap<string, number>>) | undefined;
  readonly receivers: readonly AlertReceiver[];
  /** Hears of every change of an alert, from the one instance that has the turn. */
  readonly onTransition?: ((transition: AlertTransition) => void) | undefined;
  /** Names this instance among those of the app. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class ObjectiveKeeper implements Part {
  readonly name: string;
  readonly #options: ObjectiveKeeperOptions;
  readonly #rings: ReadonlyMap<string, BucketRing>;
  readonly #notifier: Notifier;
  readonly #teller: Teller;
  #alerts = new Map<string, Alert>();
  /** Ids of alerts that the store does not have as they are. */
  readonly #unkept = new Set<string>();
  #silences: readonly Silence[] = [];
  #readings: readonly Reading[] = [];
  #waiting: CountDelta[] = [];
  #lostCounts = 0;
  #isPressed = false;
  #hasTurn = false;
  #isWatching = false;
  /** Up to when the counts of all instances were read; `undefined` where nothing was, or another one had the turn since. */
  #readUntilMs: number | undefined = undefined;
  #awaySinceMs: number | undefined = undefined;
  #sweptAtMs = 0;
  #timer: Timer | undefined = undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: ObjectiveKeeperOptions) {
    this.name = `objectives of ${options.service}`;
    this.#options = options;
    this.#rings = new Map(options.targets.map(({ id }) => [id, new BucketRing()]));
    this.#notifier = new Notifier(options);
    this.#teller = new Teller(options);
  }

  /** Low-priority calls are to give way: a page fires, or the budget of an objective is spent. */
  get isPressed(): boolean {
    return this.#isPressed;
  }

  /** As of the last look; empty where another instance has the turn. */
  get readings(): readonly Reading[] {
    return this.#readings;
  }

  get alerts(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  /** Whether this instance looks and tells, so that its alerts are those of the service. */
  get isWatching(): boolean {
    return this.#isWatching;
  }

  /** What was counted for a target, in order, in buckets of 10 s up to an hour and coarser ones beyond; of all instances while this one watches. */
  row(target: string, windowMs: number): readonly (Counts & { readonly atMs: number })[] {
    return this.#rings.get(target)?.row(windowMs, this.#options.clock.nowMs()) ?? [];
  }

  /** What is promised, by its id. */
  target(id: string): Target | undefined {
    return this.#options.targets.find((target) => target.id === id);
  }

  /** Notifications that were not taken, by receiver. */
  get failures(): ReadonlyMap<string, number> {
    return this.#teller.failures;
  }

  /** Events that the store never learned of, since it was away for too long. */
  get lostCounts(): number {
    return this.#lostCounts;
  }

  start(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(lookEveryMs, () => {
      this.#looking = this.look().finally(() => this.start());
    });
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#looking;
    this.#collect(this.#options.clock.nowMs());
    try {
      await this.#flush();
      if (this.#hasTurn) await this.#options.store?.giveUp(this.#options.holder);
    } catch (error) {
      this.#options.log.warn("the last counts of objectives could not be kept", { service: this.#options.service, error });
    }
  }

  /** One look. Never rejects. */
  async look(): Promise<void> {
    const { clock, log, service } = this.#options;
    try {
      const nowMs = clock.nowMs();
      this.#collect(nowMs);
      this.#isWatching = await this.#takeTurn(nowMs);
      if (this.#isWatching) await this.#judge(nowMs);
    } catch (error) {
      log.error("objectives could not be looked at", { service, error });
    }
  }

  #collect(nowMs: number): void {
    const { meters, service, store } = this.#options;
    for (const meter of meters.of(service)) {
      const counts = meter.take();
      if (counts.total === 0) continue;
      this.#rings.get(meter.target.id)?.add(nowMs, counts);
      if (store !== undefined) this.#waiting.push({ target: meter.target.id, atMs: nowMs, ...counts });
    }
    const over = this.#waiting.length - waitingMax * this.#rings.size;
    for (const lost of over > 0 ? this.#waiting.splice(0, over) : []) this.#lostCounts += lost.total;
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const sent = this.#waiting;
    await this.#options.store?.add(sent);
    this.#waiting = this.#waiting.slice(sent.length);
  }

  async #takeTurn(nowMs: number): Promise<boolean> {
    const { holder, log, service, store } = this.#options;
    if (store === undefined) return true;
    try {
      await this.#flush();
      const turn = await store.turn(holder, leaseMs, this.#isPressed);
      if (this.#awaySinceMs !== undefined) log.info("counts of objectives are kept again", { service, awayMs: Math.round(nowMs - this.#awaySinceMs) });
      this.#awaySinceMs = undefined;
      if (!turn.isMine) this.#yield(turn.isPressed);
      else await this.#learn(store, nowMs);
      this.#hasTurn = turn.isMine;
      return turn.isMine;
    } catch (error) {
      if (this.#awaySinceMs === undefined) log.warn("counts of objectives cannot be kept at present; they are kept in memory meanwhile", { service, error });
      this.#awaySinceMs ??= nowMs;
      return this.#hasTurn || nowMs - this.#awaySinceMs >= blindMs;
    }
  }

  /** Another instance looks. */
  #yield(isPressed: boolean): void {
    this.#isPressed = isPressed;
    this.#readUntilMs = undefined;
    this.#readings = [];
    this.#alerts.clear();
    this.#unkept.clear();
  }

  /** What all instances have counted, and what whoever had the turn before has left. */
  async #learn(store: ObjectiveStore, nowMs: number): Promise<void> {
    const sinceMs = this.#readUntilMs === undefined ? nowMs - keptMs : this.#readUntilMs - lateMs;
    for (const { atMs, bucketS, target, ...counts } of await store.counts(sinceMs)) this.#rings.get(target)?.set(bucketS, atMs, counts);
    if (this.#readUntilMs === undefined) {
      const known = (await store.alerts()).filter(({ target }) => this.#rings.has(target));
      this.#alerts = new Map(known.map((alert) => [alert.id, alert]));
    }
    this.#silences = await store.silences(nowMs);
    this.#readUntilMs = nowMs;
    if (nowMs - this.#sweptAtMs < sweepEveryMs) return;
    this.#sweptAtMs = nowMs;
    await store.sweep(nowMs);
  }

  async #judge(nowMs: number): Promise<void> {
    const { targets } = this.#options;
    await this.#lookAtWaits();
    this.#readings = targets.map((target) => readTarget(target, this.#rings.get(target.id) as BucketRing, nowMs));
    const before = new Map(this.#alerts);
    for (const reading of this.#readings) {
      for (const severity of ["page", "ticket"] as const) this.#step(`${reading.target.id}/${severity}`, nextAlert(before.get(`${reading.target.id}/${severity}`), severity, reading, nowMs), nowMs);
    }
    const isPaged = this.alerts.some(({ severity, state }) => severity === "page" && state === "firing");
    this.#isPressed = isPaged || this.#readings.some(({ budgetLeft, counts }) => budgetLeft <= 0 && counts.bad >= badMin);
    await this.#tell(nowMs);
    await this.#keep(before);
  }

  async #lookAtWaits(): Promise<void> {
    const { log, meters, service, targets, waits } = this.#options;
    const lags = targets.filter(({ indicator }) => indicator === "lag");
    if (lags.length === 0 || waits === undefined) return;
    try {
      const found = await waits();
      for (const target of lags) meters.meterOfTarget(target).observe((found.get(target.id) ?? 0) <= (target.limitMs as number));
    } catch (error) {
      log.warn("how long events wait could not be seen", { service, error });
    }
  }

  #step(id: string, after: Alert | undefined, nowMs: number): void {
    const { log, onTransition, service } = this.#options;
    const transition = transitionOf(this.#alerts.get(id), after, nowMs);
    if (after === undefined) this.#alerts.delete(id);
    else this.#alerts.set(id, after);
    if (transition === undefined) return;
    const { alert, to } = transition;
    if (to === "firing") log.warn("an objective is in danger", { service, alert: alert.id, what: alert.summary });
    if (to === "resolved") log.info("an objective is out of danger", { service, alert: alert.id });
    onTransition?.(transition);
  }

  async #tell(nowMs: number): Promise<void> {
    const saying = this.#notifier.look({ alerts: this.alerts, silences: this.#silences, nowMs });
    if (saying === undefined) {
      await this.#teller.remind(this.#notifier.refresh(this.alerts, nowMs), nowMs);
      return;
    }
    if (!(await this.#teller.tell(saying.notification))) return; // nobody knows: said again at the next look
    for (const alert of saying.told) this.#alerts.set(alert.id, alert);
    for (const id of saying.over) this.#alerts.delete(id);
  }

  async #keep(before: ReadonlyMap<string, Alert>): Promise<void> {
    const { log, service, store } = this.#options;
    if (store === undefined) return;
    for (const id of new Set([...before.keys(), ...this.#alerts.keys()])) if (before.get(id) !== this.#alerts.get(id)) this.#unkept.add(id);
    if (this.#unkept.size === 0) return;
    try {
      await store.keep(this.alerts.filter(({ id }) => this.#unkept.has(id)), [...this.#unkept].filter((id) => !this.#alerts.has(id)));
      this.#unkept.clear();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn("alerts cannot be kept at present; it is tried again at the next look", { service, error });
    }
  }
}
