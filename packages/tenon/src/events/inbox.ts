/**
 * The inbox of one service, as SQL: what is ready, what failed, what is given up. Every statement that touches
 * `tenon_inbox` is here or in the statement that fills it (`database-log.ts`, `received.ts`).
 *
 * All instants are the database's own, so processes whose clocks differ agree on what is due.
 */
import type { Database, Statement } from "../data/index.ts";
import { runStatement } from "./admin-session.ts";
import { type Delivery, deliveryColumns, type DeliveryRow, toDelivery } from "./delivery.ts";
import type { EventRecord } from "./envelope.ts";
import { laneExpression } from "./lanes.ts";

/** In front of every place of an inbox, also of those that are kept for what an operator retries. */
export const inboxStart = Number.MIN_SAFE_INTEGER;

/** Where one subscription goes on reading. */
export interface ReadFrom {
  readonly subscription: string;
  /** Ready deliveries behind this place. */
  readonly after: number;
  readonly max: number;
}

/** A key of one subscription. */
interface KeyOf {
  readonly subscription: string;
  readonly key: string;
}

/** A key some of whose deliveries are not ready, or were given up. */
export interface HeldKey extends KeyOf {
  readonly lane: number;
  /** One has failed and waits for its next attempt. Where none has, the others wait for nothing. */
  readonly isWaiting: boolean;
  /** One was given up, and the subscription holds its key until an operator decides. */
  readonly isDead: boolean;
}

export interface ReadDeliveries {
  readonly ready: readonly Delivery[];
  readonly due: readonly Delivery[];
}

interface DueRow extends DeliveryRow {
  readonly is_due: boolean;
}

const columnsOf = (alias: string): string => deliveryColumns.split(", ").map((column) => `${alias}.${column}`).join(", ");

const readText = `
  select ${columnsOf("ready")}, false as is_due
  from unnest($1::text[], $2::bigint[], $3::int[]) as wanted (subscription, after, max)
  cross join lateral (
    select * from tenon_inbox
    where subscription = wanted.subscription and due_at is null and seq > wanted.after and lane = any($4::smallint[])
    order by seq limit wanted.max
  ) as ready
  union all
  select ${columnsOf("due")}, true as is_due
  from unnest($1::text[], $3::int[]) as wanted (subscription, max)
  cross join lateral (
    select * from tenon_inbox
    where subscription = wanted.subscription and due_at <= now() and lane = any($4::smallint[])
    order by due_at, seq limit wanted.max
  ) as due`;

const heldText = `
  select subscription, key, min(lane)::int as lane, bool_or(is_waiting) as is_waiting, bool_or(is_dead) as is_dead
  from (
    select subscription, key, lane, attempts > 0 and due_at < 'infinity' as is_waiting, false as is_dead from tenon_inbox
    where due_at is not null and key is not null and (attempts > 0 or due_at = 'infinity')
    union all
    select subscription, key, ${laneExpression("key", "id")}, false, true from tenon_dead_letters
    where state = 'dead' and key is not null and subscription = any($2::text[])
  ) as held
  where lane = any($1::smallint[])
  group by subscription, key`;

const deadKeysText = `
  select distinct dead.subscription, dead.key
  from unnest($1::text[], $2::text[]) as asked (subscription, key)
  join tenon_dead_letters as dead on dead.state = 'dead' and dead.subscription = asked.subscription and dead.key = asked.key`;

/** Guarded by the attempts that were seen: a delivery that somebody else has brought further is left as it is. */
const postponeText = "update tenon_inbox set attempts = attempts + 1, due_at = now() + $3 * interval '1 ms', error = $4 where seq = $1 and attempts = $2";
const buryText = `
  with gone as (delete from tenon_inbox where seq = $1 and attempts = $2 returning *)
  insert into tenon_dead_letters (subscription, id, source, type, version, key, time, data, trace, received_at, attempts, error)
  select subscription, id, source, type, version, key, time, data, trace, received_at, attempts + 1, $3 from gone`;
const setBehindText = "update tenon_inbox set due_at = 'infinity' where seq = any($1::bigint[]) and due_at is null";
const promoteText = `
  update tenon_inbox as inbox set due_at = null
  where seq = any(array(select seq from tenon_inbox where subscription = $1 and key = $2 and due_at = 'infinity' order by seq limit $3))
  returning ${columnsOf("inbox")}`;
const removeText = "delete from tenon_inbox where seq = any($1::bigint[])";

/** Fails when a row is not there any more: whoever removed it has kept the effects, and these must not be kept too. */
const removeAllText = `
  with gone as (delete from tenon_inbox where seq = any($1::bigint[]) returning 1)
  select 1 / (count(*) = $2)::int as all_there from gone`;
const divisionByZero = "22012";

const addText = `
  insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data, trace, due_at)
  values ($1, ${laneExpression("$5::text", "$2::uuid")}, $2, $9, $3, $4, $5, $6, $7, $8, $10)`;

/** Adds a delivery within somebody's transaction. @param dueAt  An instant before which it is not delivered. */
export function addStatement(subscription: string, event: EventRecord, dueAt?: Date): Statement {
  const { data, id, key, source, time, trace, type, version } = event;
  return { text: addText, parameters: [subscription, id, type, version, key ?? null, time, JSON.stringify(data), trace ?? null, source, dueAt ?? null] };
}

/** Removes deliveries within the transaction of their effects; the transaction fails when one is gone already. */
export function removeStatement(seqs: readonly number[]): Statement {
  return { text: removeAllText, parameters: [seqs, seqs.length] };
}

/** Whether a transaction failed because a delivery of it was gone: another process has done it. */
export function isRemovedByOther(error: { readonly sqlState: string; readonly statement?: string | undefined }): boolean {
  return error.sqlState === divisionByZero && error.statement?.includes("as all_there from gone") === true;
}

export class Inbox {
  readonly service: string;
  readonly #database: Database;

  constructor(database: Database, service: string) {
    this.#database = database;
    this.service = service;
  }

  /** What is ready, in order, and what is due. */
  async read(from: readonly ReadFrom[], lanes: readonly number[]): Promise<ReadDeliveries> {
    const parameters = [from.map((each) => each.subscription), from.map((each) => each.after), from.map((each) => each.max), lanes];
    const { rows } = await this.#run("read", readText, parameters);
    const { due = [], ready = [] } = Object.groupBy(rows as unknown as readonly DueRow[], (row) => (row.is_due ? "due" : "ready"));
    return { ready: ready.map(toDelivery), due: due.map(toDelivery) };
  }

  /** The keys that are held up in some lanes. @param holding  Subscriptions that hold a key after a death. */
  async heldKeys(lanes: readonly number[], holding: readonly string[]): Promise<readonly HeldKey[]> {
    const { rows } = await this.#run("read", heldText, [lanes, holding]);
    return rows.map((row) => ({
      subscription: row["subscription"] as string,
      key: row["key"] as string,
      lane: Number(row["lane"]),
      isWaiting: row["is_waiting"] as boolean,
      isDead: row["is_dead"] as boolean,
    }));
  }

  /** Those of some keys that have a dead letter. */
  async deadKeys(asked: readonly KeyOf[]): Promise<readonly KeyOf[]> {
    const { rows } = await this.#run("read", deadKeysText, [asked.map(({ subscription }) => subscription), asked.map(({ key }) => key)]);
    return rows.map((row) => ({ subscription: row["subscription"] as string, key: row["key"] as string }));
  }

  /** *running* to *waiting*. */
  async postpone(delivery: Delivery, failure: { readonly waitMs: number; readonly error: string }): Promise<void> {
    await this.#run("write", postponeText, [delivery.seq, delivery.attempts, failure.waitMs, failure.error]);
  }

  /** *running* to *dead*. */
  async bury(delivery: Delivery, error: string): Promise<void> {
    await this.#run("write", buryText, [delivery.seq, delivery.attempts, error]);
  }

  /** *ready* to *behind*. */
  async setBehind(seqs: readonly number[]): Promise<void> {
    await this.#run("write", setBehindText, [seqs]);
  }

  /** *behind* to *ready*, the oldest first, at most `max`. */
  async promote(subscription: string, key: string, max: number): Promise<readonly Delivery[]> {
    const { rows } = await this.#run("write", promoteText, [subscription, key, max]);
    return (rows as unknown as readonly DeliveryRow[]).map(toDelivery).toSorted((a, b) => a.seq - b.seq);
  }

  /** Removes what was handled without an effect in the database. */
  async remove(seqs: readonly number[]): Promise<void> {
    await this.#run("write", removeText, [seqs]);
  }

  /** Adds deliveries by themselves. */
  async add(subscription: string, event: EventRecord, dueAt?: Date): Promise<void> {
    const { parameters, text } = addStatement(subscription, event, dueAt);
    await this.#run("write", text, parameters);
  }

  #run(mode: "read" | "write", text: string, parameters: readonly unknown[]) {
    return runStatement(this.#database, { service: this.service, mode, text, parameters });
  }
}
