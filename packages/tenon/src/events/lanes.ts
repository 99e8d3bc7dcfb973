/**
 * Which process delivers what: the inbox of a service has 64 lanes, each held by one process at a time, under a lease.
 *
 *     free ──acquire──► held ──renew──► held
 *       ▲                 │
 *       └── give back ────┴── the lease ran out: whoever asks next gets it
 *
 * Processes share the lanes evenly: each counts the others and takes no more than its part; one that has too many gives
 * back what it has too much of. Leases are by the database's clock. A process stops using a lane a little before its
 * lease ends, by its own monotonic clock; were it late all the same, the removal of the inbox row decides who applied.
 */
import { type Database, runStatement } from "../data/index.ts";
import type { Clock, Log, Timer } from "../kernel/index.ts";

/** Fixed, since a row keeps its lane: so many processes at most share the deliveries of one service. */
export const laneCount = 64;

/** Where a delivery goes, as SQL: by the first byte of a digest of its key, or of its id where it has none. */
export function laneExpression(key: string, id: string): string {
  return `get_byte(decode(md5(coalesce(${key}, ${id}::text)), 'hex'), 0) & ${laneCount - 1}`;
}

const renewText = `
  with member as (
    insert into tenon_members (holder, seen_until) values ($1, now() + $2 * interval '1 ms')
    on conflict (holder) do update set seen_until = excluded.seen_until
  ),
  past as (delete from tenon_members where seen_until < now() - interval '1 hour'),
  others as (select count(*)::int as n from tenon_members where holder <> $1 and seen_until > now()),
  renewed as (update tenon_lanes set lease_until = now() + $2 * interval '1 ms' where holder = $1 returning lane),
  share as (select ceil(${laneCount}.0 / (n + 1))::int as n from others),
  free as (
    select lane, holder is not null as is_left from tenon_lanes
    where holder is distinct from $1 and (holder is null or lease_until <= now())
    order by lane limit greatest(0, (select n from share) - (select count(*) from renewed))
    for update skip locked
  ),
  taken as (
    update tenon_lanes as lanes set holder = $1, lease_until = now() + $2 * interval '1 ms' from free where lanes.lane = free.lane
    returning lanes.lane, free.is_left
  )
  select (select n from share) as share, array(select lane from renewed) as renewed, array(select lane from taken) as taken, array(select lane from taken where is_left) as left_behind`;

/** For an engine with one process: whoever held a lane before is gone. */
const takeAllText = `
  with former as (select lane, holder is not null as is_left from tenon_lanes for update)
  update tenon_lanes as lanes set holder = $1, lease_until = 'infinity' from former where lanes.lane = former.lane
  returning lanes.lane, former.is_left`;
const giveBackText = "update tenon_lanes set holder = null, lease_until = null where holder = $1 and lane = any($2::smallint[])";
const leaveText = `
  with member as (delete from tenon_members where holder = $1)
  update tenon_lanes set holder = null, lease_until = null where holder = $1`;

export interface LanesOptions {
  readonly database: Database;
  readonly service: string;
  /** Unique among processes. */
  readonly holder: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Lanes that will be held: what is to be known of them before they are used. When it fails, it is tried again.
   *
   * @param left  Those among them whose holder has not given them back: it died, or did not renew them in time.
   */
  readonly beforeGain: (lanes: readonly number[], left: ReadonlySet<number>) => Promise<void>;
  /** More lanes are held from now on. */
  readonly onGain: () => void;
  /** Lanes that are not used from now on. Resolves when nothing of them is under way. */
  readonly onLose: (lanes: readonly number[]) => Promise<void>;
}

/** Leases are renewed three times in their life, so that two failures in a row do no harm. */
const renewalsPerLease = 3;
/** A lane is not used any more when so much of its lease is left, in parts of it. */
const marginShare = 0.1;

export class Lanes {
  readonly #options: LanesOptions;
  readonly #held = new Set<number>();
  readonly #generations = new Map<number, number>();
  /** Taken from a holder that has not given them back, and not gained yet. */
  readonly #left = new Set<number>();
  #usableUntilMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** The lanes that may be used now. */
  get held(): readonly number[] {
    return this.isUsable ? [...this.#held] : [];
  }

  /** Whether the leases have not run out. */
  get isUsable(): boolean {
    return this.#options.clock.elapsedMs() < this.#usableUntilMs;
  }

  /** Counts how often a lane was gained: what was planned when it was held before is not to be done now. */
  generationOf(lane: number): number {
    return this.#generations.get(lane) ?? 0;
  }

  isHeld(lane: number): boolean {
    return this.#held.has(lane) && this.isUsable;
  }

  /** Whether it was neither given back nor found to be lost. Its lease may have run out: what is then written is checked by the database. */
  isOwn(lane: number): boolean {
    return this.#held.has(lane);
  }

  async start(): Promise<void> {
    if (this.#options.database.sessions === "one") await this.#takeAll();
    else await this.#renewInTurn();
  }

  /** Gives all lanes back. Whoever uses them has stopped by then. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
    this.#usableUntilMs = Number.NEGATIVE_INFINITY;
    this.#held.clear();
    const { database, holder, log, service } = this.#options;
    try {
      await runStatement(database, { service, mode: "write", text: leaveText, parameters: [holder] });
    } catch (error) {
      log.warn("lanes could not be given back: others take them when the leases end", { service, error });
    }
  }

  async #takeAll(): Promise<void> {
    const { database, holder, service } = this.#options;
    const { rows } = await runStatement(database, { service, mode: "write", text: takeAllText, parameters: [holder] });
    for (const { is_left: isLeft, lane } of rows) if (isLeft === true) this.#left.add(Number(lane));
    this.#usableUntilMs = Number.POSITIVE_INFINITY;
    await this.#gain(Array.from({ length: laneCount }, (_, lane) => lane));
  }

  async #gain(lanes: readonly number[]): Promise<void> {
    await this.#options.beforeGain(lanes, this.#left);
    for (const lane of lanes) {
      this.#left.delete(lane);
      this.#held.add(lane);
      this.#generations.set(lane, this.generationOf(lane) + 1);
    }
    this.#options.onGain();
  }

  #renewInTurn(): Promise<void> {
    const { clock, leaseMs } = this.#options;
    this.#running = this.#renew().finally(() => {
      if (!this.#isStopped) this.#timer = clock.after(leaseMs / renewalsPerLease, () => void this.#renewInTurn());
    });
    return this.#running;
  }

  async #renew(): Promise<void> {
    const { clock, database, holder, leaseMs, log, service } = this.#options;
    const askedAtMs = clock.elapsedMs();
    try {
      const { rows } = await runStatement(database, { service, mode: "write", text: renewText, parameters: [holder, leaseMs] });
      const { left_behind: left, renewed, share, taken } = rows[0] as { readonly renewed: readonly number[]; readonly taken: readonly number[]; readonly left_behind: readonly number[]; readonly share: number };
      for (const lane of left) this.#left.add(lane);
      await this.#lose([...this.#held].filter((lane) => !renewed.includes(lane)));
      this.#usableUntilMs = askedAtMs + leaseMs * (1 - marginShare);
      // One that was held until now may be among those taken: another process had it in between, and what is known here is
      // old. One that is renewed and not held was taken before, and what is to be known of it could not be read.
      const gained = [...taken, ...renewed.filter((lane) => !this.#held.has(lane))];
      if (gained.length > 0) await this.#gain(gained);
      await this.#giveBack([...this.#held].slice(share));
    } catch (error) {
      log.warn("the leases of event lanes could not be renewed: deliveries pause when they end, and go on when the database is back", { service, error });
    }
  }

  async #lose(lanes: readonly number[]): Promise<void> {
    if (lanes.length === 0) return;
    for (const lane of lanes) this.#held.delete(lane);
    await this.#options.onLose(lanes);
  }

  /** What is more than this process's part. */
  async #giveBack(surplus: readonly number[]): Promise<void> {
    if (surplus.length === 0) return;
    const { database, holder, service } = this.#options;
    await this.#lose(surplus);
    await runStatement(database, { service, mode: "write", text: giveBackText, parameters: [holder, surplus] });
  }
}
