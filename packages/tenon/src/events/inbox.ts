/**
 * The inbox of one service, as SQL: what is ready, what failed, what is given up. Every statement that touches
 * `tenon_inbox` is here or in the statement that fills it (`database-log.ts`, `received.ts`).
 *
 * All instants are the database's own, so processes whose clocks differ agree on what is due.
 */
import { type Database, runStatement, type Statement } from "../data/index.ts";
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

export interface DeliveryKey {
  readonly subscription: string;
  readonly key: string;
  readonly lane: number;
}

/** A key of which a delivery has failed: it waits for its next attempt, or was given up. */
export interface HeldKey extends DeliveryKey {
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

const restoreText = "update tenon_inbox set due_at = null where due_at = 'infinity' and lane = any($1::smallint[])";
const heldText = `
  select subscription, key, min(lane)::int as lane, bool_or(is_dead) as is_dead
  from (
    select subscription, key, lane, false as is_dead from tenon_inbox
    where due_at is not null and due_at < 'infinity' and attempts > 0 and key is not null
    union all
    select subscription, key, ${laneExpression("key", "id")}, true from tenon_dead_letters
    where state = 'dead' and key is not null and subscription = any($2::text[])
  ) as held
  where lane = any($1::smallint[])
  group by subscription, key`;

const deadKeysText = `
  select distinct dead.subscription, dead.key
  from unnest($1::text[], $2::text[]) as asked (subscription, key)
  join tenon_dead_letters as dead on dead.state = 'dead' and dead.subscription = asked.subscription and dead.key = asked.key`;

/**
 * Every statement that moves a delivery between states begins like this. A process that was taken to be dead must not
 * move what another one delivers by now: the lock makes a take-over wait for a move under way, and one that comes later
 * finds the lane gone.
 */
const mine = "mine as materialized (select lane from tenon_lanes where holder = $1 and lane = any($2::smallint[]) for share)";

/** Guarded by the attempts that were seen: a delivery that has been brought further is left as it is. */
const postponeText = `
  with ${mine}
  update tenon_inbox as inbox set attempts = attempts + 1, crashes = crashes + $7, under_way = false, due_at = now() + $5 * interval '1 ms', error = $6
  from mine where inbox.lane = mine.lane and seq = $3 and attempts = $4`;
const buryText = `
  with ${mine},
  gone as (delete from tenon_inbox as inbox using mine where inbox.lane = mine.lane and seq = $3 and attempts = $4 returning inbox.*)
  insert into tenon_dead_letters (subscription, id, source, type, version, key, time, data, trace, received_at, attempts, error)
  select subscription, id, source, type, version, key, time, data, trace, received_at, attempts + 1, $5 from gone`;
/** A row that is gone or in somebody else's lane is left to who handles it: the transaction of its effects finds out. */
const beginText = `
  with ${mine}
  update tenon_inbox as inbox set under_way = true from mine where inbox.lane = mine.lane and seq = any($3::bigint[])`;
const endText = `
  with ${mine}
  update tenon_inbox as inbox set under_way = false from mine where inbox.lane = mine.lane and under_way`;
const underWayText = `select ${deliveryColumns} from tenon_inbox where under_way and lane = any($1::smallint[]) order by seq`;
const setBehindText = `
  with ${mine}
  update tenon_inbox as inbox set due_at = 'infinity' from mine where inbox.lane = mine.lane and seq = any($3::bigint[]) and due_at is null`;
const promoteText = `
  with ${mine}
  update tenon_inbox as inbox set due_at = null from mine
  where inbox.lane = mine.lane
    and seq = any(array(select seq from tenon_inbox where subscription = $3 and key = $4 and due_at = 'infinity' order by seq limit $5))
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
  readonly #holder: string;

  /** @param holder  The process, as it holds lanes; left out for one that moves nothing. */
  constructor(database: Database, service: string, holder = "") {
    this.#database = database;
    this.#holder = holder;
    this.service = service;
  }

  /** What is ready, in order, and what is due. */
  async read(from: readonly ReadFrom[], lanes: readonly number[]): Promise<ReadDeliveries> {
    const parameters = [from.map((each) => each.subscription), from.map((each) => each.after), from.map((each) => each.max), lanes];
    const { rows } = await this.#run("read", readText, parameters);
    const { due = [], ready = [] } = Object.groupBy(rows as unknown as readonly DueRow[], (row) => (row.is_due ? "due" : "ready"));
    return { ready: ready.map(toDelivery), due: due.map(toDelivery) };
  }

  /**
   * Makes ready what a process before this one had set behind, and tells which keys are held: those of which a delivery
   * waits for its next attempt, or for an operator. So what comes after it is read, and set behind anew, in its order.
   *
   * @param holding  Subscriptions that hold a key after a death.
   */
  async takeOver(lanes: readonly number[], holding: readonly string[]): Promise<readonly HeldKey[]> {
    await this.#run("write", restoreText, [lanes]);
    const { rows } = await this.#run("read", heldText, [lanes, holding]);
    return rows.map((row) => ({ subscription: row["subscription"] as string, key: row["key"] as string, lane: Number(row["lane"]), isDead: row["is_dead"] === true }));
  }

  /** Those of some keys that have a dead letter. */
  async deadKeys(asked: readonly DeliveryKey[]): Promise<readonly Pick<DeliveryKey, "subscription" | "key">[]> {
    const { rows } = await this.#run("read", deadKeysText, [asked.map(({ subscription }) => subscription), asked.map(({ key }) => key)]);
    return rows.map((row) => ({ subscription: row["subscription"] as string, key: row["key"] as string }));
  }

  /** *running* to *waiting*. @returns Whether it was still as it had been read, and its lane still held. */
  async postpone(delivery: Delivery, { error, isCrash = false, waitMs }: { readonly waitMs: number; readonly error: string; readonly isCrash?: boolean }): Promise<boolean> {
    const { affected } = await this.#move(postponeText, [delivery.lane], [delivery.seq, delivery.attempts, waitMs, error, Number(isCrash)]);
    return affected > 0;
  }

  /** *running* to *dead*. @returns Whether it was still as it had been read, and its lane still held. */
  async bury(delivery: Delivery, error: string): Promise<boolean> {
    const { affected } = await this.#move(buryText, [delivery.lane], [delivery.seq, delivery.attempts, error]);
    return affected > 0;
  }

  /** Says that this process begins with deliveries: should it die, whoever comes next knows. */
  async begin(deliveries: readonly Delivery[]): Promise<void> {
    await this.#move(beginText, [...new Set(deliveries.map(({ lane }) => lane))], [deliveries.map(({ seq }) => seq)]);
  }

  /** Takes that back for whatever of some lanes is not done: the process lets go of them alive. */
  async end(lanes: readonly number[]): Promise<void> {
    await this.#move(endText, lanes, []);
  }

  /** What a process that died had said it had begun with. */
  async underWay(lanes: readonly number[]): Promise<readonly Delivery[]> {
    const { rows } = await this.#run("read", underWayText, [lanes]);
    return (rows as unknown as readonly DeliveryRow[]).map(toDelivery);
  }

  /** *ready* to *behind*. */
  async setBehind(deliveries: readonly Delivery[]): Promise<void> {
    await this.#move(setBehindText, [...new Set(deliveries.map(({ lane }) => lane))], [deliveries.map(({ seq }) => seq)]);
  }

  /** *behind* to *ready*, the oldest first, at most `max`. */
  async promote({ key, lane, subscription }: DeliveryKey, max: number): Promise<readonly Delivery[]> {
    const { rows } = await this.#move(promoteText, [lane], [subscription, key, max]);
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

  #move(text: string, lanes: readonly number[], parameters: readonly unknown[]) {
    return this.#run("write", text, [this.#holder, lanes, ...parameters]);
  }

  #run(mode: "read" | "write", text: string, parameters: readonly unknown[]) {
    return runStatement(this.#database, { service: this.service, mode, text, parameters });
  }
}
