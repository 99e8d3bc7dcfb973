/** Keys in this process alone, for tests. */
import type { KeyStore, StoredKey } from "./ports.ts";

export function memoryKeys(): KeyStore {
  const keys = new Map<string, StoredKey>();

  return {
    async add(key) {
      keys.set(key.id, key);
    },
    async find(id) {
      return keys.get(id);
    },
    async list() {
      return [...keys.values()].toSorted((a, b) => b.createdAtMs - a.createdAtMs || a.id.localeCompare(b.id));
    },
    async rotate({ digest: before, id }, { digest, expiresAtMs, formerUntilMs }) {
      const key = keys.get(id);
      if (key === undefined || key.digest !== before || key.revokedAtMs !== undefined) return false;
      keys.set(id, { ...key, digest, expiresAtMs, former: { digest: before, untilMs: formerUntilMs } });
      return true;
    },
    async revoke(id, atMs) {
      const key = keys.get(id);
      if (key === undefined || key.revokedAtMs !== undefined) return false;
      keys.set(id, { ...key, revokedAtMs: atMs });
      return true;
    },
  };
}
