/**
 * Gives what this process counts of calls to a store, once a minute and at its end, and takes from there what others have
 * counted: at first all of it, so that the time before a restart is known, and what is new whenever an incident is looked into.
 *
 * A store that is away is tried again at the next look; up to {@link waitingMax} portions wait for it, and the oldest go first.
 */
import type { Log } from "../kernel/index.ts";
import { bucketMs, type GraphHistory, type GraphPortion, historyMs } from "./graph-history.ts";
import type { GraphStore } from "./ports.ts";

export interface GraphExchangeOptions {
  readonly history: GraphHistory;
  readonly store: GraphStore;
  /** This process, by a name that no other ever has. */
  readonly instance: string;
  readonly log: Log;
}

/** In ms: seldom enough to be a small part of what the objectives write. A process that is killed loses as much. */
const giveEveryMs = 60_000;
/** Portions of others are on record so late, in ms: a minute until they are given, and some for a store that was away. */
const lateMs = 180_000;
/** Ten minutes of them. */
const waitingMax = 600_000 / bucketMs;
const sweepEveryMs = 3_600_000;

export class GraphExchange {
  readonly #options: GraphExchangeOptions;
  #waiting: GraphPortion[] = [];
  #gaveAtMs = Number.NEGATIVE_INFINITY;
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  /** Up to when others were asked; `undefined` before the first time. */
  #learnedUntilMs: number | undefined = undefined;
  /** What was learned and may be read again, with its instants. */
  readonly #learned = new Map<number, number>();
  #isAway = false;

  constructor(options: GraphExchangeOptions) {
    this.#options = options;
  }

  /** What was counted since the last look. */
  note(portion: GraphPortion): void {
    if (portion.edges.length === 0) return;
    this.#waiting.push(portion);
    if (this.#waiting.length > waitingMax) this.#waiting.shift();
  }

  /** Gives what waits, where it is time. Never rejects. @param when  `now`: at the end, whatever the time is. */
  async give(nowMs: number, when: "in time" | "now" = "in time"): Promise<void> {
    const { instance, store } = this.#options;
    if (when === "in time" && nowMs - this.#gaveAtMs < giveEveryMs) return;
    const given = this.#waiting;
    await this.#try(async () => {
      if (given.length > 0) await store.add(instance, given);
      this.#waiting = this.#waiting.filter((portion) => !given.includes(portion));
      this.#gaveAtMs = nowMs;
      if (nowMs - this.#sweptAtMs < sweepEveryMs) return;
      await store.sweep(nowMs - historyMs);
      this.#sweptAtMs = nowMs;
    });
  }

  /** Takes what others have given. Never rejects. @param want  `at all`: nothing is asked for where something was learned before. */
  async learn(nowMs: number, want: "at all" | "what is new"): Promise<void> {
    const { history, instance, store } = this.#options;
    const untilMs = this.#learnedUntilMs;
    if (want === "at all" && untilMs !== undefined) return;
    const sinceMs = untilMs === undefined ? nowMs - historyMs : untilMs - lateMs;
    await this.#try(async () => {
      for (const portion of await store.ofOthers(instance, sinceMs)) {
        if (this.#learned.has(portion.seq)) continue;
        this.#learned.set(portion.seq, portion.atMs);
        history.learn(portion);
      }
      this.#learnedUntilMs = nowMs;
      for (const [seq, atMs] of this.#learned) if (atMs < nowMs - lateMs) this.#learned.delete(seq);
    });
  }

  async #try(task: () => Promise<void>): Promise<void> {
    const { log } = this.#options;
    try {
      await task();
      this.#isAway = false;
    } catch (error) {
      if (!this.#isAway) log.warn("what is usual of calls cannot be kept or read at present; it is tried again at the next look", { error });
      this.#isAway = true;
    }
  }
}
