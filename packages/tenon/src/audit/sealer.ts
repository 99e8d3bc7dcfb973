/**
 * Chains the records of a service shortly after they were committed. Records commit unchained, so that no transaction waits
 * for another one's; the sealer takes those that are visible, in the order of their places, puts their hashes under one
 * root, signs that together with the hash of the seal before, and tells the checkpoint to the anchors.
 *
 *     committed ──≤ 1 s──► sealed ──► anchored
 *
 * One sealer of a service works at a time, under a lock of the database that ends with its transaction. A place that was
 * empty when the places behind it were sealed is looked at again, for as long as a transaction may still fill it.
 */
import type { Clock, Log, Part, Timer } from "../kernel/index.ts";
import type { AuditKey } from "./audit-key.ts";
import { leafHash, merkleRoot } from "./merkle.ts";
import type { AuditAnchor, AuditStore, Checkpoint, SealingTurn, StoredRecord } from "./ports.ts";
import { fromRanges, noSeal, parseSeal, type Seal, sealHash, sealText, toRanges } from "./seal.ts";

export interface SealerOptions {
  readonly store: AuditStore;
  readonly service: string;
  readonly key: AuditKey | undefined;
  /** Keys that other processes of the app may still write under. */
  readonly olderKeys?: readonly AuditKey[];
  readonly anchors: readonly AuditAnchor[];
  readonly clock: Clock;
  readonly log: Log;
  /** How long records wait for others before they are sealed, in ms. Default 1 000. */
  readonly waitMs?: number;
  /** How often it is looked for what other processes have written and not sealed, in ms. Default 30 000. */
  readonly pollMs?: number;
}

/** Records of one seal. */
export const sealMax = 4_096;
/** Seals that are read to find empty places again after a restart. */
const rememberedSeals = 32;
/** How long a place may be filled late, in ms: longer than any transaction may take. */
const holeKeptMs = 3_600_000;
const holesMax = 10_000;

interface Known {
  readonly number: number;
  readonly hash: string;
}

export class Sealer implements Part {
  readonly name: string;
  readonly #options: SealerOptions;
  /** Empty places, and when they were first seen to be. */
  readonly #holes = new Map<number, number>();
  /** The last seal that was seen or made here. */
  #known: Known | undefined = undefined;
  #lastSeq = 0;
  #timer: Timer | undefined = undefined;
  #isSoon = false;
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: SealerOptions) {
    this.name = `sealer of ${options.service}`;
    this.#options = options;
  }

  start(): void {
    this.#wait(this.#options.waitMs ?? 1_000);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
    await this.#round();
  }

  /** There is something to seal. */
  wake(): void {
    if (this.#isStopped || this.#isSoon) return;
    this.#isSoon = true;
    this.#timer?.cancel();
    this.#wait(this.#options.waitMs ?? 1_000);
  }

  /** Seals what there is. @returns How many records were sealed here. @throws {Fault} `unavailable` */
  async seal(): Promise<number> {
    let sealed = 0;
    for (;;) {
      let made: { readonly seal: Seal; readonly size: number } | undefined;
      await this.#options.store.whileSealing(async (turn) => {
        made = await this.#sealOne(turn);
      });
      if (made === undefined) return sealed;
      sealed += made.size;
      await this.#tell(made.seal);
    }
  }

  #wait(ms: number): void {
    this.#timer = this.#options.clock.after(ms, () => {
      this.#isSoon = false;
      // One after the other: a round that finds the lock taken seals nothing, also when the one that holds it is our own.
      this.#running = this.#running.then(() => this.#round()).finally(() => {
        if (!this.#isStopped && !this.#isSoon) this.#wait(this.#options.pollMs ?? 30_000);
      });
    });
  }

  async #round(): Promise<void> {
    const { log, service } = this.#options;
    try {
      await this.seal();
    } catch (error) {
      log.warn("records of the audit trail could not be sealed; they wait", { service, error });
    }
  }

  async #sealOne(turn: SealingTurn): Promise<{ readonly seal: Seal; readonly size: number } | undefined> {
    const { clock, key, log, service } = this.#options;
    const previous = await this.#catchUp(turn);
    const records = await turn.pending(this.#lastSeq, [...this.#holes.keys()], sealMax);
    if (records.length === 0) return undefined;
    const leaves = Buffer.concat(records.map(({ text }) => leafHash(text)));
    const foreign = records.filter((record) => !this.#isOurs(record)).map(({ seq }) => seq);
    if (foreign.length > 0) log.error("records of the audit trail were not written by this app; they are sealed as foreign", { service, places: toRanges(foreign) });
    const members = records.map(({ seq }) => seq);
    const body = { service, number: (previous?.number ?? 0) + 1, members: toRanges(members), size: records.length, root: merkleRoot(leaves).toString("hex"), previous: previous?.hash ?? noSeal, at: new Date(clock.nowMs()).toISOString(), foreign: toRanges(foreign) };
    const text = sealText(body);
    const seal: Seal = { text, leaves, hash: sealHash(text), keyId: key?.id, signature: key?.sign(text) };
    await turn.add(seal);
    return { seal, size: records.length };
  }

  /** Reads what others have sealed since, and notices when the chain is not what it was. */
  async #catchUp(turn: SealingTurn): Promise<Known | undefined> {
    const { log, service } = this.#options;
    let seals = await turn.last(this.#known === undefined ? rememberedSeals : 1);
    const numberOf = (seal: Seal | undefined): number => (seal === undefined ? 0 : (parseSeal(seal.text)?.number ?? 0));
    const before = this.#known;
    const last = seals.at(-1);
    const isRewritten = before !== undefined && (numberOf(last) < before.number || (numberOf(last) === before.number && last?.hash.toString("hex") !== before.hash));
    if (isRewritten) log.error("the audit trail was cut off or rewritten: its last seal is not the one that was there. Run tenon audit verify", { service, seal: before.number, hash: before.hash });
    if (before !== undefined && numberOf(last) > before.number + 1) seals = await turn.last(Math.min(rememberedSeals, numberOf(last) - before.number));
    for (const seal of seals) if (before === undefined || numberOf(seal) > before.number) this.#fold(seal);
    this.#forget();
    if (last !== undefined) this.#known = { number: numberOf(last), hash: last.hash.toString("hex") };
    return last === undefined ? undefined : this.#known;
  }

  /** Which places are sealed, and which were left empty on the way. */
  #fold(seal: Seal): void {
    const nowMs = this.#options.clock.nowMs();
    const body = parseSeal(seal.text);
    const members = fromRanges(body?.members ?? "", sealMax);
    // What was before the first seal that is read after a restart is over, unless it is the first of all.
    if (this.#lastSeq === 0 && body?.number !== 1) this.#lastSeq = (members[0] ?? 1) - 1;
    for (const seq of members) {
      this.#holes.delete(seq);
      for (let hole = this.#lastSeq + 1; hole < seq && this.#holes.size < holesMax; hole++) this.#holes.set(hole, nowMs);
      this.#lastSeq = Math.max(this.#lastSeq, seq);
    }
  }

  #forget(): void {
    const beforeMs = this.#options.clock.nowMs() - holeKeptMs;
    for (const [seq, sinceMs] of this.#holes) if (sinceMs < beforeMs) this.#holes.delete(seq);
  }

  #isOurs({ hash, mac, text }: StoredRecord): boolean {
    const { key, olderKeys = [] } = this.#options;
    if (key === undefined) return true; // nobody can tell
    const leaf = leafHash(text);
    return leaf.equals(hash) && mac !== undefined && [key, ...olderKeys].some((each) => each.isMacOf(leaf, mac));
  }

  async #tell(seal: Seal): Promise<void> {
    const { anchors, log, service } = this.#options;
    for (const anchor of anchors) {
      try {
        await anchor.keep(toCheckpoint(seal, service));
      } catch (error) {
        log.warn("a checkpoint of the audit trail could not be told; the next one says the same and more", { service, anchor: anchor.name, error });
      }
    }
  }
}

export function toCheckpoint({ hash, keyId, signature, text }: Seal, service: string): Checkpoint {
  const body = parseSeal(text);
  return { service, number: body?.number ?? 0, hash: hash.toString("hex"), at: body?.at ?? "", keyId, signature: signature?.toString("base64") };
}

/** How often the log says the last checkpoint, in ms. */
const logEveryMs = 600_000;

/** Tells checkpoints to the log, which leaves the machine in most places: the first one, and then one in ten minutes. */
export class LogAnchor implements AuditAnchor {
  readonly name = "log";
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #toldMs = new Map<string, number>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  keep({ hash, number, service }: Checkpoint): Promise<void> {
    const nowMs = this.#clock.nowMs();
    if (nowMs - (this.#toldMs.get(service) ?? Number.NEGATIVE_INFINITY) >= logEveryMs) {
      this.#toldMs.set(service, nowMs);
      this.#log.info("checkpoint of the audit trail", { service, seal: number, hash });
    }
    return Promise.resolve();
  }
}
