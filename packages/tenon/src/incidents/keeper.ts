/**
 * Keeps the incidents of an app: every 10 s it takes over what the graph of calls has counted, compares the alerts that fire
 * with the incidents on record, and writes down what became of them and what it found.
 *
 * The instance that watches a service's objectives keeps its incidents, too; what it knows of calls is what it has seen itself,
 * and, where there is a store for it, what others have given there, up to a minute late. A store that is away loses nothing: the comparison is made again at the next look.
 */
import { type CallGraph, nodeKind, type NodeKind } from "../calls/index.ts";
import { type Clock, createUuidSource, type Log, type Part, type Random, randomHex64, type Timer } from "../kernel/index.ts";
import type { Alert } from "../objectives/index.ts";
import type { SettingsMark } from "./change.ts";
import { examine, type Examination, type KnownLag } from "./examine.ts";
import { GraphExchange } from "./graph-exchange.ts";
import { bucketMs, GraphHistory } from "./graph-history.ts";
import type { Incident, IncidentEdit } from "./incident.ts";
import { NotableMemory } from "./notable-calls.ts";
import type { TimedCounts } from "./onset.ts";
import type { GraphStore, IncidentStore } from "./ports.ts";
import { areConnected } from "./suspect.ts";
import { triage } from "./triage.ts";

export type { Examination } from "./examine.ts";

/** The objectives of one service, as far as an incident needs them. */
export interface WatchedService {
  readonly service: string;
  /** Whether this instance looks and tells; the alerts are not known otherwise. */
  readonly isWatching: boolean;
  readonly alerts: readonly Alert[];
  row(target: string, windowMs: number): readonly TimedCounts[];
  /** Of a target that is a subscription's lag; `undefined` for others. */
  lag(target: string): KnownLag | undefined;
}

export interface IncidentKeeperOptions {
  readonly app: string;
  readonly store: IncidentStore;
  readonly graph: CallGraph;
  /** Where what was counted of calls outlives this process. Left out: nowhere. */
  readonly graphStore?: GraphStore | undefined;
  readonly services: () => readonly WatchedService[];
  /** How far before an incident changes are of interest, in ms. */
  readonly lookBackMs: number;
  /** How long an incident is quiet until it is closed, in ms; 0 leaves it to people. */
  readonly closeAfterMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How often it is looked at the store while nothing fires, in ms: an incident may have been closed, a change noted. */
const idleLookMs = 60_000;
/** How long incidents are kept after their end, in ms. */
const keptMs = 400 * 86_400_000;
const sweepEveryMs = 86_400_000;

const shared: ReadonlySet<NodeKind> = new Set(["pool", "database", "broker"]);

export class IncidentKeeper implements Part {
  readonly name: string = "incidents";
  readonly history: GraphHistory;
  readonly #options: IncidentKeeperOptions;
  readonly #memory: NotableMemory;
  readonly #exchange: GraphExchange | undefined;
  #lookedAtMs = 0;
  #sweptAtMs = 0;
  #isAway = false;
  #timer: Timer | undefined = undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: IncidentKeeperOptions) {
    this.#options = options;
    this.history = new GraphHistory(options.graph);
    this.#memory = new NotableMemory(options);
    const { clock, graphStore, log, random } = options;
    this.#exchange = graphStore === undefined ? undefined : new GraphExchange({ history: this.history, store: graphStore, instance: createUuidSource(clock, random)(), log });
    options.graph.watcher = this.#memory;
  }

  /** Notes what runs: another release or other settings than the last time are changes. Never rejects. */
  async noteStart(release: string, mark: (salt: string | undefined) => SettingsMark): Promise<void> {
    const { clock, log, store } = this.#options;
    try {
      await store.noteRelease(release, clock.nowMs());
      await store.noteSettings(mark, clock.nowMs());
    } catch (error) {
      log.warn("the start could not be noted for the time lines of incidents", { error });
    }
  }

  start(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(bucketMs, () => {
      this.#looking = this.look().finally(() => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#looking;
    const nowMs = this.#options.clock.nowMs();
    const counted = this.history.take(nowMs);
    this.#exchange?.note(counted);
    await this.#exchange?.give(nowMs, "now");
  }

  /** One look. Never rejects. */
  async look(): Promise<void> {
    const { clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const counted = this.history.take(nowMs);
    this.#exchange?.note(counted);
    await this.#exchange?.learn(nowMs, "at all");
    await this.#exchange?.give(nowMs);
    try {
      await this.#compare(nowMs);
      if (this.#isAway) log.info("incidents are kept again");
      this.#isAway = false;
    } catch (error) {
      if (!this.#isAway) log.warn("incidents cannot be kept at present; it is tried again at the next look", { error });
      this.#isAway = true;
    }
  }

  async #compare(nowMs: number): Promise<void> {
    const { log, lookBackMs, store } = this.#options;
    const watched = this.#options.services().filter(({ isWatching }) => isWatching);
    if (watched.length === 0) return;
    const hasFiring = watched.some(({ alerts }) => alerts.some(({ state }) => state === "firing"));
    if (!hasFiring && nowMs - this.#lookedAtMs < idleLookMs) return;
    const isIdleLook = nowMs - this.#lookedAtMs >= idleLookMs;
    const unclosed = await store.unclosed();
    const changes = await store.changes(Math.min(nowMs, ...unclosed.map(({ changesUntilMs }) => changesUntilMs)) - lookBackMs, nowMs);
    const isOlder = (incident: Incident): boolean => isIdleLook && incident.state !== "mitigated" && incident.openedAtMs < nowMs;
    const decide = (incidents: readonly Incident[]): readonly IncidentEdit[] => {
      const edits = this.#triage(incidents, watched, nowMs);
      const edited = new Set(edits.map(({ incident }) => incident.id));
      // What goes on is looked into again every minute: there is more to see, and more may have changed.
      const again = incidents.filter((incident) => !edited.has(incident.id) && isOlder(incident)).map((incident) => ({ incident, entries: [] }));
      return [...edits, ...again].map((edit) => examine(edit, this.#examination(watched, { changes, incident: edit.incident, nowMs })));
    };
    if (this.#triage(unclosed, watched, nowMs).length > 0 || unclosed.some(isOlder)) {
      await this.#exchange?.learn(nowMs, "what is new");
      for (const { entries, incident } of await store.edit(decide)) {
        for (const entry of entries) if (entry.kind === "state" || entry.kind === "suspect") log.warn("an incident", { incident: incident.id, title: incident.title, what: entry.text });
      }
    }
    if (isIdleLook) this.#lookedAtMs = nowMs;
    if (nowMs - this.#sweptAtMs < sweepEveryMs) return;
    this.#sweptAtMs = nowMs;
    await store.sweep(nowMs - keptMs);
  }

  #triage(incidents: readonly Incident[], watched: readonly WatchedService[], nowMs: number): readonly IncidentEdit[] {
    const { app, closeAfterMs, random } = this.#options;
    const { edges } = this.history;
    // Whoever shares a database or a broker with another is not connected with it by that: only operations and events connect.
    const calls = edges.filter(({ from, to }) => from !== "" && !shared.has(nodeKind(to)));
    return triage({
      incidents,
      alerts: watched.flatMap(({ alerts }) => alerts),
      services: new Set(watched.map(({ service }) => service)),
      nowMs,
      closeAfterMs,
      areConnected: (a, b) => areConnected(calls, a, b),
      app,
      createId: () => randomHex64(random).slice(0, 8),
    });
  }

  #examination(watched: readonly WatchedService[], { changes, incident, nowMs }: { readonly changes: Examination["changes"]; readonly incident: Incident; readonly nowMs: number }): Examination {
    const { lookBackMs } = this.#options;
    const sinceMs = incident.changesUntilMs === 0 ? nowMs - lookBackMs : incident.changesUntilMs + 1;
    return {
      past: this.history,
      memory: this.#memory,
      row: (service, target, windowMs) => watched.find((each) => each.service === service)?.row(target, windowMs) ?? [],
      lag: (service, target) => watched.find((each) => each.service === service)?.lag(target),
      changes: changes.filter(({ atMs }) => atMs >= sinceMs),
      nowMs,
    };
  }
}
