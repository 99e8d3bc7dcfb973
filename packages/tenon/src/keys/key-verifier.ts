/**
 * Tells keys of the app's own from any other text.
 *
 * A text without the right form or checksum costs nothing. Guesses that have both are looked up, and no more than
 * `failuresMax` of them in `windowMs`: beyond that, keys that are not in mind have to wait. 256 bits are not guessed;
 * what is protected is the database.
 */
import { type Clock, Fault } from "../kernel/index.ts";
import type { TokenVerifier } from "../trust/index.ts";
import { digestOf, isSameDigest, parseKeyText } from "./key-text.ts";
import type { KeyStore, StoredKey } from "./ports.ts";

/** `iss` of callers with a key. */
export const keyIssuer = "urn:tenon:keys";

export interface KeyVerifierOptions {
  readonly store: KeyStore;
  readonly clock: Clock;
  /** Default 100. */
  readonly failuresMax?: number;
  /** Default 10 000. */
  readonly windowMs?: number;
}

export function keyVerifier({ clock, failuresMax = 100, store, windowMs = 10_000 }: KeyVerifierOptions): TokenVerifier {
  let windowStartMs = clock.elapsedMs();
  let failures = 0;

  function assertNoStorm(): void {
    const nowMs = clock.elapsedMs();
    if (nowMs - windowStartMs >= windowMs) {
      windowStartMs = nowMs;
      failures = 0;
    }
    if (failures >= failuresMax) throw new Fault("rate_limited", "too many keys that are not good were shown; try again in a moment", { retryAfterS: Math.ceil(windowMs / 1_000) });
  }

  return {
    async verify(text) {
      const parts = parseKeyText(text);
      if (parts === undefined) throw refusal("key_malformed");
      assertNoStorm();
      const key = await store.find(parts.id);
      const nowMs = clock.nowMs();
      const goodUntilMs = key === undefined ? undefined : goodUntil(key, digestOf(parts.secret));
      if (key === undefined || goodUntilMs === undefined) {
        failures += 1;
        throw refusal(key === undefined ? "key_unknown" : "key_wrong");
      }
      if (key.revokedAtMs !== undefined) throw refusal("key_revoked");
      if (nowMs >= goodUntilMs) throw new Fault("unauthenticated", "the key has expired", { facts: { reason: "expired" } });
      return { claims: claimsOf(key), expiresAtMs: goodUntilMs };
    },
  };
}

/** Until when a secret is good, whether or not that is over; `undefined` where it is not the key's. */
function goodUntil(key: StoredKey, digest: string): number | undefined {
  if (isSameDigest(digest, key.digest)) return key.expiresAtMs;
  const { former } = key;
  return former !== undefined && isSameDigest(digest, former.digest) ? former.untilMs : undefined;
}

/** `client_id` beside `sub`: a key is a program's. */
function claimsOf({ id, name, roles, scopes, subject }: StoredKey): Readonly<Record<string, unknown>> {
  return { iss: keyIssuer, sub: subject, client_id: subject, scope: scopes.join(" "), roles, key: id, key_name: name };
}

function refusal(reason: string): Fault {
  return new Fault("unauthenticated", "the key is not valid", { facts: { reason } });
}
