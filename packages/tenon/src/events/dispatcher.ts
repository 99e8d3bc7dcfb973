/**
 * Delivers the inbox of one service: reads what is ready in the lanes that this process holds, runs the consumers, and
 * writes down what failed. States and their ways out are drawn in ARCHITECTURE.md.
 *
 * It is woken when something came, and looks by itself every `pollMs`, sooner where something waits for its time. It
 * reads each subscription by itself, `bufferMax` deliveries ahead at most, so one that is slow or long holds up no other
 * and memory stays bounded however long the inbox is.
 */
import { backoffMs, type Clock, type Log, type Part, type Random, type Timer } from "../kernel/index.ts";
import type { Database } from "../data/index.ts";
import { Deaths, isUsedUp } from "./deaths.ts";
import { Completions } from "./completions.ts";
import { type Consumer, GivenUp } from "./consumer.ts";
import { DeadHolds } from "./dead-holds.ts";
import type { Delivery } from "./delivery.ts";
import { DeliveryQueue, isSuspect } from "./delivery-queue.ts";
import { failureText } from "./failure-text.ts";
import { type DeliveryKey, Inbox, inboxStart } from "./inbox.ts";
import { Lanes } from "./lanes.ts";
import type { Wakes } from "./wakes.ts";

export interface DispatcherOptions {
  readonly database: Database;
  /** The service whose inbox it is. */
  readonly service: string;
  readonly consumers: readonly Consumer[];
  readonly wakes: Wakes;
  /** Unique among processes. */
  readonly holder: string;
  /** How long a lane stays with a process that says nothing, in ms. */
  readonly leaseMs: number;
  /** How often to look without being told, in ms. */
  readonly pollMs: number;
  /** Deliveries of all subscriptions of the service at once: they share its database sessions with its calls. */
  readonly concurrencyMax: number;
  /** How long deliveries under way may finish at a stop, in ms. */
  readonly drainMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** One subscription at work. */
interface Stream {
  readonly consumer: Consumer;
  readonly queue: DeliveryQueue;
  /** Ready deliveries are read from behind this place. */
  after: number;
  /** Counts how often it was set back to the start: what a read brings that was under way then is out of order. */
  restarts: number;
  /** Settled while a read was under way, which may show them as they were before. */
  readonly settled: Set<number>;
  running: number;
  /** The last read came back full, or something came since: there is more to read. */
  hasMore: boolean;
  /** After a failure that was nobody's fault: nothing runs before this instant. */
  pausedUntilMs: number;
}

/** Deliveries read ahead, for each subscription: enough for one read to keep it busy for many milliseconds. */
const bufferMax = 500;
/** Read again when so few are left, so that a read is never waited for. */
const refillBelow = 250;
/** Brought back at a time for a key that was held. */
const promoteMax = 100;
/** After the database was out of reach, in ms. */
const pauseMs = 1_000;

export class Dispatcher implements Part {
  readonly name: string;
  readonly #options: DispatcherOptions;
  readonly #inbox: Inbox;
  readonly #lanes: Lanes;
  readonly #completions: Completions;
  readonly #deaths: Deaths;
  readonly #streams = new Map<string, Stream>();
  readonly #underway = new Map<Promise<void>, readonly Delivery[]>();
  readonly #deadHolds = new DeadHolds();
  #isLookingAtHolds = false;
  #isSuspectRunning = false;
  /** Writes that move deliveries behind and back, one after the other. */
  #moves: Promise<void> = Promise.resolve();
  #reading: Promise<void> | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #rescanAtMs = 0;
  #unwake: () => void = () => undefined;
  #running = 0;
  #started = 0;
  #startedWhenSettled = 0;
  #isStopping = false;
  #isRecovering = false;

  constructor(options: DispatcherOptions) {
    const { clock, database, holder, leaseMs, log, service } = options;
    this.name = `deliveries of ${service}`;
    this.#options = options;
    this.#inbox = new Inbox(database, service, holder);
    this.#completions = new Completions((seqs) => this.#inbox.remove(seqs));
    for (const consumer of options.consumers) {
      this.#streams.set(consumer.name, { consumer, queue: new DeliveryQueue(), after: inboxStart, restarts: 0, settled: new Set(), running: 0, hasMore: true, pausedUntilMs: 0 });
    }
    this.#deaths = new Deaths({ ...options, inbox: this.#inbox, consumerOf: (subscription) => this.#streams.get(subscription)?.consumer, wakeIn: (waitMs) => void clock.after(waitMs, () => this.#wake()) });
    this.#lanes = new Lanes({
      database,
      service,
      holder,
      leaseMs,
      clock,
      log,
      beforeGain: (lanes, left) => this.#takeOver(lanes, left),
      onGain: () => this.#restartAll(),
      onLose: (lanes) => this.#letGo(lanes),
    });
  }

  async start(): Promise<void> {
    this.#unwake = this.#options.wakes.on(`inbox ${this.#options.service}`, () => this.#wake());
    await this.#lanes.start();
    this.#read();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#unwake();
    this.#timer?.cancel();
    await this.#reading;
    await this.#finish([...this.#underway.keys()]);
    await this.#moves;
    await this.#deaths.endAll();
    await this.#lanes.stop();
  }

  /**
   * Resolves when nothing is ready, due or running here. For tests: what waits for its time is not waited for.
   *
   * @returns Whether anything was delivered since it was last asked: what a delivery emits may be on its way.
   */
  async settled(): Promise<boolean> {
    const before = this.#startedWhenSettled;
    let moves;
    do {
      this.#wake();
      await this.#reading;
      await Promise.allSettled(this.#underway.keys());
      moves = this.#moves;
      await moves;
      await new Promise<void>((resolve) => void this.#options.clock.after(0, resolve)); // others have their turn
    } while (moves !== this.#moves || this.#isBusy);
    this.#startedWhenSettled = this.#started;
    return this.#started > before;
  }

  /** Without a lane there is nothing to do here, whatever the inbox holds. */
  get #isBusy(): boolean {
    if (this.#underway.size > 0) return true;
    return this.#lanes.held.length > 0 && [...this.#streams.values()].some(({ hasMore, queue }) => hasMore || queue.size > 0);
  }

  /** Reads from the start of the inbox: what was passed over because it was not ours may be now. */
  #restartAll(): void {
    for (const stream of this.#streams.values()) restart(stream);
    this.#read();
  }

  #wake(): void {
    for (const stream of this.#streams.values()) stream.hasMore = true;
    this.#lookAtHolds();
    this.#read();
  }

  /** Whether an operator has decided about what keys are held by: then they go on. */
  #lookAtHolds(): void {
    if (this.#deadHolds.size === 0 || this.#isLookingAtHolds || this.#isStopping) return;
    this.#isLookingAtHolds = true;
    this.#move(async () => {
      this.#isLookingAtHolds = false;
      for (const released of await this.#deadHolds.takeReleased(this.#inbox)) this.#promote(this.#streams.get(released.subscription) as Stream, released);
    });
  }

  /** Reads until there is no more or no room, one read at a time. */
  #read(): void {
    if (this.#isStopping || this.#reading !== undefined) return;
    this.#reading = this.#readOn().finally(() => {
      this.#reading = undefined;
      this.#schedule();
    });
  }

  async #readOn(): Promise<void> {
    try {
      while (!this.#isStopping && (await this.#readOnce()));
    } catch (error) {
      this.#pause([...this.#streams.values()], error);
    }
  }

  /** @returns Whether to read on at once. */
  async #readOnce(): Promise<boolean> {
    const lanes = this.#lanes.held;
    const wanted = [...this.#streams.values()].filter(({ hasMore, queue }) => hasMore && queue.size < refillBelow);
    if (lanes.length === 0 || wanted.length === 0 || this.#isRecovering) return false;
    for (const stream of wanted) stream.hasMore = false;
    this.#rescan(wanted);
    const from = wanted.map(({ after, consumer, queue }) => ({ subscription: consumer.name, after, max: bufferMax - queue.size + (after === inboxStart ? queue.size : 0) }));
    const restarts = wanted.map((stream) => stream.restarts);
    for (const stream of wanted) stream.settled.clear();
    const { due, ready } = await this.#inbox.read(from, lanes);
    const inOrder = wanted.filter((stream, i) => stream.restarts === restarts[i]);
    // In one statement: behind a key that is held there may be thousands, and whoever brings one back comes after them.
    this.#setBehind([...due, ...ready].filter((delivery) => this.#take(delivery, inOrder) === "behind"));
    const last = new Map(ready.map(({ seq, subscription }) => [subscription, seq]));
    for (const stream of inOrder) stream.after = Math.max(stream.after, last.get(stream.consumer.name) ?? inboxStart);
    for (const [i, stream] of wanted.entries()) {
      const max = from[i]?.max ?? 0;
      if ([due, ready].some((each) => countOf(each, stream.consumer.name) >= max)) stream.hasMore = true;
    }
    this.#run();
    return ready.length > 0;
  }

  #take(delivery: Delivery, inOrder: readonly Stream[]): "taken" | "behind" | "passed over" {
    const stream = this.#streams.get(delivery.subscription) as Stream;
    if (!inOrder.includes(stream) || stream.settled.has(delivery.seq) || !this.#lanes.isHeld(delivery.lane)) return "passed over";
    return stream.queue.add(delivery);
  }

  /**
   * Looks from the start of the inbox once in a while: a transaction that took its numbers early and committed late has
   * put its rows where the others were read already.
   */
  #rescan(streams: readonly Stream[]): void {
    const { clock, pollMs } = this.#options;
    const nowMs = clock.elapsedMs();
    const isDue = nowMs >= this.#rescanAtMs;
    if (isDue) this.#rescanAtMs = nowMs + pollMs;
    for (const stream of streams) if (isDue || stream.consumer.arrivals === "side by side") stream.after = inboxStart;
  }

  /** When to look again without being told: for what is due, and for what no hint told of. */
  #schedule(): void {
    if (this.#isStopping) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(this.#options.pollMs, () => this.#wake());
  }

  #run(): void {
    if (this.#isStopping || this.#isRecovering) return;
    const nowMs = this.#options.clock.elapsedMs();
    for (let isAnyStarted = true; isAnyStarted; ) {
      isAnyStarted = false;
      for (const stream of this.#streams.values()) {
        if (this.#running >= this.#options.concurrencyMax || !this.#lanes.isUsable) return;
        if (!(this.#isSuspectRunning ? stream.queue.hasUnsuspected : stream.queue.hasReady) || stream.running >= stream.consumer.concurrency || stream.pausedUntilMs > nowMs) continue;
        this.#start(stream, stream.queue.take(stream.consumer.batchMax, this.#isSuspectRunning ? "later" : "alone"));
        isAnyStarted = true;
      }
    }
  }

  #start(stream: Stream, deliveries: readonly Delivery[]): void {
    this.#started++;
    const slot = this.#takeSlot(stream);
    const watched = deliveries.filter((delivery) => this.#deaths.isWatched(delivery));
    const isSuspectRun = watched.some(isSuspect);
    this.#isSuspectRunning ||= isSuspectRun;
    const work = this.#handleWatched(stream, deliveries, { slot, watched }).finally(() => {
      if (isSuspectRun) this.#isSuspectRunning = false;
      this.#underway.delete(work);
      slot();
    });
    this.#underway.set(work, deliveries);
  }

  /** A place under the limits of concurrency. @returns What gives it back, once. */
  #takeSlot(stream: Stream): () => void {
    stream.running++;
    this.#running++;
    let isTaken = true;
    return () => {
      if (isTaken) {
        isTaken = false;
        stream.running--;
        this.#running--;
      }
      this.#run();
      if (stream.hasMore && stream.queue.size < refillBelow) this.#read();
    };
  }

  async #handleWatched(stream: Stream, deliveries: readonly Delivery[], { slot, watched }: { readonly watched: readonly Delivery[]; readonly slot: () => void }): Promise<void> {
    try {
      if (watched.length > 0) await this.#deaths.begin(watched);
    } catch (error) {
      return deliveries.forEach((delivery) => this.#giveBack(stream, delivery, error));
    }
    await this.#handle(stream, deliveries, slot);
  }

  async #handle(stream: Stream, deliveries: readonly Delivery[], slot: () => void): Promise<void> {
    try {
      const outcome = await stream.consumer.handle(deliveries);
      if (outcome === "untouched") {
        const removed = this.#completions.add(deliveries.map(({ seq }) => seq));
        slot(); // the handler is done; only its keys wait for the removal
        await removed;
      }
      if (outcome === "gone" && deliveries.length > 1) await this.#handleEach(stream, deliveries, slot);
      else for (const delivery of deliveries) this.#finished(stream, delivery);
    } catch (thrown) {
      if (deliveries.length > 1) await this.#handleEach(stream, deliveries, slot);
      else await this.#failed(stream, deliveries[0] as Delivery, thrown);
    }
  }

  /** A batch that failed was undone whole: each by itself shows which one it was. */
  async #handleEach(stream: Stream, deliveries: readonly Delivery[], slot: () => void): Promise<void> {
    for (const delivery of deliveries) {
      if (!stream.queue.isHeld(delivery.event.key)) await this.#handle(stream, [delivery], slot);
      else {
        // An earlier one of this batch failed.
        this.#setBehind([delivery]);
        stream.queue.hold(delivery);
      }
    }
  }

  #finished(stream: Stream, delivery: Delivery): void {
    const { event, lane, seq, subscription } = delivery;
    stream.settled.add(seq);
    if (!stream.queue.finish(delivery) || event.key === undefined) return;
    if (!this.#deadHolds.has(subscription, event.key)) this.#promote(stream, { subscription, key: event.key, lane });
  }

  /** *running* to *waiting* or *dead*. */
  async #failed(stream: Stream, delivery: Delivery, thrown: unknown): Promise<void> {
    const { clock, log, random, service } = this.#options;
    const { consumer, queue } = stream;
    if (this.#isStopping) {
      this.#giveBack(stream, delivery, thrown);
      return;
    }
    const attempt = delivery.attempts + 1;
    const facts = { service, subscription: consumer.name, event: delivery.event.id, type: delivery.event.type, attempt };
    const isOver = thrown instanceof GivenUp || isUsedUp(delivery, consumer, clock);
    try {
      if (isOver) {
        if (!(await this.#inbox.bury(delivery, failureText(thrown)))) return this.#overtaken(stream, delivery);
        log.error("a delivery was given up and is a dead letter now", { ...facts, error: thrown });
        this.#died(stream, delivery);
        return;
      }
      const waitMs = backoffMs(attempt, consumer.policy, random);
      if (!(await this.#inbox.postpone(delivery, { waitMs, error: failureText(thrown) }))) return this.#overtaken(stream, delivery);
      log.warn("a delivery failed and is tried again", { ...facts, waitMs, error: thrown });
      stream.settled.add(delivery.seq);
      this.#setBehind(queue.hold(delivery));
      clock.after(waitMs, () => this.#wake());
    } catch (error) {
      this.#giveBack(stream, delivery, error); // what happened could not be written down: it is as if it had not been tried
    }
  }

  #died(stream: Stream, delivery: Delivery): void {
    const { event, lane, seq, subscription } = delivery;
    if (stream.consumer.afterDeath !== "hold" || event.key === undefined) {
      this.#finished(stream, delivery);
      return;
    }
    stream.settled.add(seq);
    this.#deadHolds.add({ subscription, key: event.key, lane });
    this.#setBehind(stream.queue.hold(delivery));
  }

  /** It was done, or brought further, since it was read: what the inbox says now counts. */
  #overtaken(stream: Stream, delivery: Delivery): void {
    stream.queue.putBack(delivery);
    restart(stream);
  }

  /** Forgets a delivery that was not finished: it is in the inbox as before, and is read again. */
  #giveBack(stream: Stream, delivery: Delivery, cause: unknown): void {
    stream.queue.putBack(delivery);
    if (!this.#isStopping) this.#pause([stream], cause);
  }

  #pause(streams: readonly Stream[], cause: unknown): void {
    const { clock, log, service } = this.#options;
    log.warn("deliveries pause: their database is out of reach", { service, error: cause });
    for (const stream of streams) {
      stream.pausedUntilMs = clock.elapsedMs() + pauseMs;
      restart(stream);
    }
    clock.after(pauseMs, () => {
      this.#run();
      this.#read();
    });
  }

  /** *ready* to *behind*. */
  #setBehind(deliveries: readonly Delivery[]): void {
    const generations = deliveries.map(({ lane }) => this.#lanes.generationOf(lane));
    this.#move(async () => {
      const present = deliveries.filter(({ lane }, i) => this.#lanes.generationOf(lane) === generations[i]);
      if (present.length > 0) await this.#inbox.setBehind(present);
    });
  }

  /** *behind* to *ready*, when what they waited for is settled: a portion at a time, and the key is free when nothing is left. */
  #promote(stream: Stream, held: DeliveryKey): void {
    const { queue } = stream;
    const { key, lane } = held;
    const generation = this.#lanes.generationOf(lane);
    const isPresent = (): boolean => this.#lanes.generationOf(lane) === generation && this.#lanes.isOwn(lane);
    queue.takeSentBehind(key); // those are written down before the portion is read
    this.#move(async () => {
      if (!isPresent()) return;
      const deliveries = await this.#inbox.promote(held, promoteMax);
      if (!isPresent()) return; // whoever holds the lane now begins anew
      queue.addPromoted(deliveries);
      if (deliveries.length < promoteMax && queue.takeSentBehind(key) === 0) queue.release(key);
      else if (deliveries.length === 0) this.#promote(stream, held);
      this.#run();
    });
  }

  #move(task: () => Promise<void>): void {
    this.#moves = this.#moves.then(task).catch((error: unknown) => {
      this.#options.log.warn("deliveries could not be set aside or brought back: the inbox is read anew", { service: this.#options.service, error });
      return this.#recover();
    });
  }

  /** Begins anew with the lanes that are held, as after a restart. Until it has, nothing is read or started. */
  async #recover(): Promise<void> {
    const { clock } = this.#options;
    this.#isRecovering = true;
    while (this.#isRecovering && !this.#isStopping) {
      await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
      const lanes = this.#lanes.held;
      this.#deadHolds.forget(new Set(lanes));
      for (const { queue } of this.#streams.values()) queue.forget(new Set(lanes));
      try {
        await this.#takeOver(lanes);
        this.#isRecovering = false;
        this.#restartAll();
      } catch (error) {
        this.#options.log.warn("the inbox cannot be read yet", { service: this.#options.service, error });
      }
    }
  }

  /** What is held up in lanes that will be held here, before anything of them is read. */
  async #takeOver(lanes: readonly number[], left: ReadonlySet<number> = new Set()): Promise<void> {
    await this.#deaths.count(lanes.filter((lane) => left.has(lane)));
    const holding = [...this.#streams.values()].filter(({ consumer }) => consumer.afterDeath === "hold").map(({ consumer }) => consumer.name);
    for (const held of await this.#inbox.takeOver(lanes, holding)) {
      const stream = this.#streams.get(held.subscription);
      stream?.queue.holdKey(held.key, held.lane);
      if (stream !== undefined && held.isDead) this.#deadHolds.add(held);
    }
  }

  async #letGo(lanes: readonly number[]): Promise<void> {
    const gone = new Set(lanes);
    this.#deadHolds.forget(gone);
    for (const { queue } of this.#streams.values()) queue.forget(gone);
    await this.#finish([...this.#underway].filter(([, deliveries]) => deliveries.some(({ lane }) => gone.has(lane))).map(([work]) => work));
    await this.#deaths.end(lanes);
  }

  /** Waits for work under way, but not for ever: a handler that hangs must not keep a process from stopping. */
  async #finish(work: readonly Promise<void>[]): Promise<void> {
    if (work.length === 0) return;
    const { clock, drainMs } = this.#options;
    const late = Promise.withResolvers<void>();
    const timer = clock.after(drainMs, late.resolve);
    await Promise.race([Promise.allSettled(work), late.promise]);
    timer.cancel();
  }
}

function restart(stream: Stream): void {
  stream.after = inboxStart;
  stream.restarts++;
  stream.hasMore = true;
}

function countOf(deliveries: readonly Delivery[], subscription: string): number {
  return deliveries.reduce((count, delivery) => count + Number(delivery.subscription === subscription), 0);
}
