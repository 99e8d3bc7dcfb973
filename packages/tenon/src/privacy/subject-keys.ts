/**
 * Keys of subjects: one each, made at the first value that is sealed for them, in the transaction that writes it. A
 * process keeps those that it has used lately, for a minute, so that an erasure somewhere else is known here by then; with
 * PostgreSQL it is told at once.
 *
 *     (none) ─ first value ─► wrapped ─ erasure ─► destroyed ─ a new first value ─► wrapped, under the next version
 */
import { createSecretKey } from "node:crypto";
import { Fault, type Clock } from "../kernel/index.ts";
import type { RunStatement } from "../data/index.ts";
import { type DataKey, fromUuid, toUuid } from "./envelope.ts";
import { keyBytes, type MasterKeys, type RandomBytes } from "./key-wrapper.ts";

/**
 * `subject`: of a person. `service`: of data that names no subject; its subject is the service's name. `index`: of blind
 * indexes. `signing`: of reports.
 */
export type KeyPurpose = "subject" | "service" | "index" | "signing";

export interface KeyOwner {
  readonly purpose: KeyPurpose;
  readonly subject: string;
}

/** A key at hand; `destroyed` where there was one. */
export type FoundKey = SubjectKey | "destroyed";

export interface SubjectKey extends DataKey, KeyOwner {
  readonly isRestricted: boolean;
  /** Made in a transaction that may not be kept: good for it alone. */
  readonly isFresh: boolean;
}

export interface SubjectKeysOptions {
  readonly masters: MasterKeys;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Keys in memory at most. Default 10 000: 2 MB. */
  readonly cacheMax?: number;
  /** How long a key is kept in memory, in ms. Default 60 000: after an erasure that long at most. */
  readonly cacheMs?: number;
}

interface Cached {
  readonly key: SubjectKey;
  readonly untilMs: number;
}

interface KeyRow {
  readonly id: string;
  readonly purpose: KeyPurpose;
  readonly subject: string;
  readonly wrapped: string | null;
  readonly wrapper: string;
  readonly is_restricted: boolean;
  readonly is_fresh: boolean;
}

const columns = `key.id, key.purpose, key.subject, key.wrapped, key.wrapper, subject.restricted_at is not null as is_restricted, key.created_at = now() as is_fresh
  from tenon_privacy.keys as key left join tenon_privacy.subjects as subject on key.purpose = 'subject' and subject.subject = key.subject`;
const byOwnerText = `select ${columns} where key.purpose = $1 and key.subject = any($2::text[]) and key.wrapped is not null order by key.version`;
const byIdText = `select ${columns} where key.id = any($1::uuid[])`;
const insertText = `
  insert into tenon_privacy.keys (id, purpose, subject, version, wrapped, wrapper)
  select $1::uuid, $2, $3, coalesce(max(version), 0) + 1, $4, $5 from tenon_privacy.keys where purpose = $2 and subject = $3
  having count(wrapped) = 0 -- none that somebody else has made meanwhile
  on conflict do nothing`;

/** Tries to make a key while others make it too. */
const makeTriesMax = 3;

export class SubjectKeys {
  readonly #options: SubjectKeysOptions;
  readonly #cacheMax: number;
  readonly #cacheMs: number;
  /** By identifier; the one that was used longest ago is first. */
  readonly #byId = new Map<string, Cached>();
  /** Identifier of the newest key, by purpose and subject. */
  readonly #newest = new Map<string, string>();
  #drops = 0;

  constructor(options: SubjectKeysOptions) {
    this.#options = options;
    this.#cacheMax = options.cacheMax ?? 10_000;
    this.#cacheMs = options.cacheMs ?? 60_000;
  }

  /** The newest key of an owner, where it is in memory. */
  atHand(owner: KeyOwner): SubjectKey | undefined {
    const id = this.#newest.get(nameOf(owner));
    return id === undefined ? undefined : this.byIdAtHand(id);
  }

  byIdAtHand(id: string): SubjectKey | undefined {
    const cached = this.#byId.get(id);
    if (cached === undefined) return undefined;
    if (cached.untilMs > this.#options.clock.elapsedMs()) return cached.key;
    this.#forget(id, cached.key);
    return undefined;
  }

  /** The newest keys of subjects, made where there are none. By subject. */
  async of(purpose: KeyPurpose, subjects: readonly string[], run: RunStatement): Promise<ReadonlyMap<string, SubjectKey>> {
    const found = new Map<string, SubjectKey>();
    let missing = [...new Set(subjects)].toSorted(); // in one order for everybody, so that nobody waits in a circle
    for (let attempt = 0; missing.length > 0; attempt++) {
      if (attempt > makeTriesMax) throw new Fault("unavailable", "a key could not be made: others change the keys of this subject at the same time");
      if (attempt > 0) for (const subject of missing) await this.#make({ purpose, subject }, run);
      const { rows } = await run({ text: byOwnerText, parameters: [purpose, missing] });
      for (const row of rows as unknown as readonly KeyRow[]) found.set(row.subject, await this.#unwrap(row));
      missing = missing.filter((subject) => !found.has(subject));
    }
    return found;
  }

  /** Keys by identifier: whoever is missing in the answer was never there. */
  async byIds(ids: readonly string[], run: RunStatement): Promise<ReadonlyMap<string, FoundKey>> {
    const { rows } = await run({ text: byIdText, parameters: [[...new Set(ids)]] });
    const found = new Map<string, FoundKey>();
    for (const row of rows as unknown as readonly KeyRow[]) found.set(row.id, row.wrapped === null ? "destroyed" : await this.#unwrap(row));
    return found;
  }

  /** How often keys were dropped because something has happened to their subjects. */
  get drops(): number {
    return this.#drops;
  }

  /** Something has happened to a subject: its keys are read again. Without one, all are. */
  evict(subject?: string): void {
    this.#drops++;
    for (const [id, { key }] of this.#byId) if (subject === undefined || key.subject === subject) this.#forget(id, key);
  }

  async #make(owner: KeyOwner, run: RunStatement): Promise<void> {
    const { masters, randomBytes } = this.#options;
    const bytes = randomBytes(keyBytes);
    const id = toUuid(Buffer.from(randomBytes(16)));
    const wrapped = await masters.current.wrap(bytes, contextOf(id, owner));
    bytes.fill(0);
    await run({ text: insertText, parameters: [id, owner.purpose, owner.subject, Buffer.from(wrapped).toString("base64url"), masters.current.name] });
  }

  async #unwrap({ id, is_fresh: isFresh, is_restricted: isRestricted, purpose, subject, wrapped, wrapper }: KeyRow): Promise<SubjectKey> {
    const known = this.byIdAtHand(id);
    if (known !== undefined && known.isRestricted === isRestricted) return known;
    const bytes = await this.#options.masters.unwrap(Buffer.from(wrapped ?? "", "base64url"), { wrapper, context: contextOf(id, { purpose, subject }) });
    const key: SubjectKey = { id, idBytes: fromUuid(id), bytes, secret: createSecretKey(bytes), purpose, subject, isFresh, isRestricted };
    if (!isFresh) this.#remember(key);
    return key;
  }

  #remember(key: SubjectKey): void {
    this.#byId.delete(key.id);
    while (this.#byId.size >= this.#cacheMax) {
      const [id, oldest] = this.#byId.entries().next().value as [string, Cached];
      this.#forget(id, oldest.key);
    }
    this.#byId.set(key.id, { key, untilMs: this.#options.clock.elapsedMs() + this.#cacheMs });
    this.#newest.set(nameOf(key), key.id);
  }

  /** The bytes are not overwritten here: a call may be at work with them. */
  #forget(id: string, key: SubjectKey): void {
    this.#byId.delete(id);
    if (this.#newest.get(nameOf(key)) === id) this.#newest.delete(nameOf(key));
  }
}

/** What a wrapped key is bound to: put into the row of another subject, it does not open. */
export function contextOf(id: string, { purpose, subject }: KeyOwner): string {
  return `tenon key ${id} ${purpose} ${subject}`;
}

function nameOf({ purpose, subject }: KeyOwner): string {
  return `${purpose} ${subject}`;
}
