/** What is done with keys: made, rotated, revoked. A key itself is shown once, to whoever makes it, and kept by nobody here. */
import type { Clock } from "../kernel/index.ts";
import { createKeyText, digestOf, textOf } from "./key-text.ts";
import type { KeyStore, StoredKey } from "./ports.ts";

export interface KeyDeskOptions {
  readonly store: KeyStore;
  readonly clock: Clock;
  /** So many bytes of chance, the best that there is: `crypto.randomBytes`. */
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface NewKey {
  readonly name: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** How long it is good for, in ms. */
  readonly lifeMs: number;
}

/** A key, and the text of it, which is not to be had again. */
export interface ShownKey {
  readonly key: StoredKey;
  readonly text: string;
}

export class KeyDesk {
  readonly #options: KeyDeskOptions;

  constructor(options: KeyDeskOptions) {
    this.#options = options;
  }

  async create({ lifeMs, name, roles, scopes, subject }: NewKey): Promise<ShownKey> {
    const { clock, randomBytes, store } = this.#options;
    const { id, secret, text } = createKeyText(randomBytes(40));
    const nowMs = clock.nowMs();
    const key: StoredKey = { id, name, subject, scopes, roles, digest: digestOf(secret), createdAtMs: nowMs, expiresAtMs: nowMs + lifeMs };
    await store.add(key);
    return { key, text };
  }

  /**
   * Gives a key another secret; the one before stays good for `overlapMs`, so that programs can be moved one by one.
   *
   * @param lifeMs  From now on, in ms.
   * @returns `undefined` where there is no such key, it is revoked, or somebody else rotates it right now.
   */
  async rotate(id: string, { lifeMs, overlapMs }: { readonly overlapMs: number; readonly lifeMs: number }): Promise<ShownKey | undefined> {
    const { clock, randomBytes, store } = this.#options;
    const before = await store.find(id);
    if (before === undefined) return undefined;
    const { secret } = createKeyText(randomBytes(40));
    const nowMs = clock.nowMs();
    const after = { digest: digestOf(secret), formerUntilMs: Math.min(nowMs + overlapMs, before.expiresAtMs), expiresAtMs: nowMs + lifeMs };
    if (!(await store.rotate(before, after))) return undefined;
    return { key: { ...before, digest: after.digest, expiresAtMs: after.expiresAtMs, former: { digest: before.digest, untilMs: after.formerUntilMs } }, text: textOf(id, secret) };
  }

  /** At once for whoever has not been seen lately, and within 5 s for everybody. */
  revoke(id: string): Promise<boolean> {
    return this.#options.store.revoke(id, this.#options.clock.nowMs());
  }

  list(): Promise<readonly StoredKey[]> {
    return this.#options.store.list();
  }
}
