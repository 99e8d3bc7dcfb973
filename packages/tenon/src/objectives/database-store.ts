/**
 * Objectives in the database of their service: counts of all instances are summed there and survive a restart, and one
 * instance at a time has the turn to look and to tell.
 *
 * Each delta goes into one bucket of each tier, in one statement. A statement whose answer is lost after its commit is
 * sent again, and counted twice: ten seconds of one instance.
 */
import type { Rows, Session } from "../data/index.ts";
import type { Alert } from "./alert.ts";
import { tiers } from "./bucket-ring.ts";
import type { CountDelta, ObjectiveStore, StoredCount, Turn } from "./ports.ts";
import type { Silence, SilenceMatcher } from "./silence.ts";

/** Sorted, so that instances that write the same rows take their locks in one order. */
const addText = `
  insert into tenon_objective_counts as known (bucket_s, start_s, target, bad, total)
  select bucket_s, at_s - at_s % bucket_s as start_s, target, sum(bad), sum(total)
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) as added (target, at_s, bad, total), unnest($5::int[]) as tier (bucket_s)
  group by 1, 2, 3 order by 1, 2, 3
  on conflict (bucket_s, start_s, target) do update set bad = known.bad + excluded.bad, total = known.total + excluded.total`;

const countsText = `
  select counts.bucket_s, start_s, target, bad, total
  from unnest($1::int[], $2::bigint[]) as tier (bucket_s, since_s)
  join tenon_objective_counts as counts on counts.bucket_s = tier.bucket_s and start_s > since_s - tier.bucket_s`;

/** One statement, so that nobody else can take the turn in between. By the database's clock, which all instances share. */
const turnText = `
  with taken as (
    update tenon_objective_turn set holder = $1, lease_until = now() + $2 * interval '1 ms', is_pressed = case when holder = $1 then $3 else is_pressed end
    where holder is null or holder = $1 or lease_until < now()
    returning is_pressed
  )
  select true as is_mine, is_pressed from taken
  union all
  select false, is_pressed from tenon_objective_turn where not exists (select from taken)`;

/** Silences that are over are kept so long, for whoever asks why nobody was told. */
const silencesKeptMs = 7 * 86_400_000;

/** Runs `task` in a session of the service. Handed in, since an app without a database loads nothing of one. */
export type WithSession = <T>(mode: "read" | "write", task: (session: Session) => Promise<T>) => Promise<T>;

export class DatabaseObjectives implements ObjectiveStore {
  readonly #withSession: WithSession;

  constructor(withSession: WithSession) {
    this.#withSession = withSession;
  }

  async add(deltas: readonly CountDelta[]): Promise<void> {
    await this.#run("write", addText, [
      deltas.map(({ target }) => target),
      deltas.map(({ atMs }) => Math.floor(atMs / 1_000)),
      deltas.map(({ bad }) => bad),
      deltas.map(({ total }) => total),
      tiers.map(({ bucketS }) => bucketS),
    ]);
  }

  async counts(sinceMs: number): Promise<readonly StoredCount[]> {
    const sinceS = Math.floor(sinceMs / 1_000);
    // What is older than a tier keeps is swept away hourly, so hardly more is read than is of use.
    const { rows } = await this.#run("read", countsText, [tiers.map(({ bucketS }) => bucketS), tiers.map(() => sinceS)]);
    return rows.map((row) => ({
      bucketS: Number(row["bucket_s"]),
      atMs: Number(row["start_s"]) * 1_000,
      target: row["target"] as string,
      bad: Number(row["bad"]),
      total: Number(row["total"]),
    }));
  }

  async turn(holder: string, leaseMs: number, isPressed: boolean): Promise<Turn> {
    const { rows } = await this.#run("write", turnText, [holder, leaseMs, isPressed]);
    return { isMine: rows[0]?.["is_mine"] === true, isPressed: rows[0]?.["is_pressed"] === true };
  }

  async giveUp(holder: string): Promise<void> {
    await this.#run("write", "update tenon_objective_turn set holder = null, lease_until = null where holder = $1", [holder]);
  }

  async alerts(): Promise<readonly Alert[]> {
    const { rows } = await this.#run("read", "select alert from tenon_alerts order by id", []);
    return rows.map((row) => row["alert"] as Alert); // JSON has no `undefined`: a field that is missing reads as that
  }

  async keep(alerts: readonly Alert[], forgotten: readonly string[]): Promise<void> {
    await this.#withSession("write", (session) =>
      session.batch([
        { text: "begin", parameters: [] },
        { text: "delete from tenon_alerts where id = any($1::text[])", parameters: [forgotten] },
        {
          text: "insert into tenon_alerts (id, alert) select * from unnest($1::text[], $2::json[]) on conflict (id) do update set alert = excluded.alert",
          parameters: [alerts.map(({ id }) => id), alerts.map((alert) => JSON.stringify(alert))],
        },
        { text: "commit", parameters: [] },
      ]),
    );
  }

  async silences(nowMs: number): Promise<readonly Silence[]> {
    const { rows } = await this.#run("read", "select id, matcher, until, reason from tenon_silences where until > $1 order by until, id", [new Date(nowMs)]);
    return rows.map((row) => ({ id: row["id"] as string, matcher: row["matcher"] as SilenceMatcher, untilMs: Date.parse(row["until"] as string), reason: row["reason"] as string }));
  }

  async addSilence({ id, matcher, reason, untilMs }: Silence): Promise<void> {
    await this.#run("write", "insert into tenon_silences (id, matcher, until, reason) values ($1, $2, $3, $4)", [id, matcher, new Date(untilMs), reason]);
  }

  async endSilence(id: string, nowMs: number): Promise<boolean> {
    const { affected } = await this.#run("write", "update tenon_silences set until = $2 where id = $1 and until > $2", [id, new Date(nowMs)]);
    return affected > 0;
  }

  async sweep(nowMs: number): Promise<void> {
    const beforeS = tiers.map(({ bucketS, length }) => Math.floor(nowMs / 1_000) - bucketS * (length + 1));
    await this.#run("write", "delete from tenon_objective_counts using unnest($1::int[], $2::bigint[]) as tier (bucket_s, before_s) where tenon_objective_counts.bucket_s = tier.bucket_s and start_s < before_s", [
      tiers.map(({ bucketS }) => bucketS),
      beforeS,
    ]);
    await this.#run("write", "delete from tenon_silences where until < $1", [new Date(nowMs - silencesKeptMs)]);
  }

  async #run(mode: "read" | "write", text: string, parameters: readonly unknown[]): Promise<Rows> {
    return this.#withSession(mode, (session) => session.query(text, parameters));
  }
}
