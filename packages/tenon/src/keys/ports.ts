/** Where keys are kept: digests of them, and what they may do. `testing.ts` beside this file is the suite that adapters pass. */

export interface StoredKey {
  readonly id: string;
  /** For people: what the key is for. */
  readonly name: string;
  /** Who calls with it: `sub`. */
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** SHA-256 of the secret, in hexadecimal. */
  readonly digest: string;
  /** Of the secret before the last rotation, and until when it is taken; missing where there is none. */
  readonly former?: { readonly digest: string; readonly untilMs: number };
  /** All in milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs?: number;
}

/** All throw a {@link Fault} `unavailable` where the store is out of reach. */
export interface KeyStore {
  add(key: StoredKey): Promise<void>;
  find(id: string): Promise<StoredKey | undefined>;
  /** Those that were not removed, the newest first. */
  list(): Promise<readonly StoredKey[]>;
  /** Puts another secret in the place of `before.digest`, which stays good until `formerUntilMs`. `false`: that is not its secret any more, or it is revoked. */
  rotate(before: Pick<StoredKey, "id" | "digest">, after: { readonly digest: string; readonly formerUntilMs: number; readonly expiresAtMs: number }): Promise<boolean>;
  /** `false` where there is no such key, or it was revoked before. */
  revoke(id: string, atMs: number): Promise<boolean>;
}
