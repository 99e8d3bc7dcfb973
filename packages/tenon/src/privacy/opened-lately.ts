/**
 * Values that were opened lately, by their sealed text, so that a row that is read again and again is not decrypted each
 * time: a cipher costs 2 to 4 µs a value, about half of what an encrypted value costs in all. A value is good as long as
 * the very key that it was opened with is at hand, so an erasure ends it when it ends the key; all are let go when
 * anybody's keys are dropped, and each after two minutes at the latest.
 */
import { isSamePlace, type SealedField, type SealedPlace } from "../data/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { SubjectKey, SubjectKeys } from "./subject-keys.ts";

/** Values in each of two halves. Both together have a megabyte of short values, and 8 MB at worst. */
const halfMax = 2_048;
/** Longer ones are opened each time: their decryption is what they cost. */
const markedMax = 1_024;
const halfMs = 60_000;

interface Opened {
  readonly key: SubjectKey;
  readonly place: SealedPlace;
  /** Of `Sealed.openMarked`. */
  readonly marked: string;
}

type Keys = Pick<SubjectKeys, "byIdAtHand" | "drops">;

export class OpenedLately {
  readonly #keys: Keys;
  readonly #clock: Clock;
  #newer = new Map<string, Opened>();
  #older = new Map<string, Opened>();
  /** How often keys had been dropped when the first of these values was opened. */
  #drops = 0;
  #isTurning = false;

  constructor(keys: Keys, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** @returns `undefined`: it has to be opened. */
  find(field: SealedField): Opened | undefined {
    if (this.#drops !== this.#keys.drops) this.#clear();
    const opened = this.#newer.get(field.sealed) ?? this.#older.get(field.sealed);
    if (opened === undefined || this.#keys.byIdAtHand(opened.key.id) !== opened.key) return undefined;
    return isSamePlace(opened.place, field) ? opened : undefined;
  }

  add({ column, key: row, sealed }: SealedField, key: SubjectKey, marked: string): void {
    if (key.isFresh || marked.length > markedMax) return;
    if (this.#newer.size >= halfMax) this.#turn();
    this.#newer.set(sealed, { key, place: { column, key: row }, marked });
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#clock.after(halfMs, () => this.#turnByTime());
  }

  #turnByTime(): void {
    this.#turn();
    this.#isTurning = this.#older.size > 0;
    if (this.#isTurning) this.#clock.after(halfMs, () => this.#turnByTime());
  }

  #turn(): void {
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  #clear(): void {
    this.#newer = new Map();
    this.#older = new Map();
    this.#drops = this.#keys.drops;
  }
}
