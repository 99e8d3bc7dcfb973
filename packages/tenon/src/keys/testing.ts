/** What every KeyStore must do. An adapter's own test file is one call to this. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KeyStore, StoredKey } from "./ports.ts";

export interface KeyStoreUnderTest {
  readonly store: KeyStore;
  close(): Promise<void>;
}

export function keyStoreContract(adapter: string, open: () => Promise<KeyStoreUnderTest>): void {
  describe(`${adapter} keeps the KeyStore contract`, () => {
    let under: KeyStoreUnderTest;
    before(async () => {
      under = await open();
    });
    after(() => under.close());

    function key(id: string, more: Partial<StoredKey> = {}): StoredKey {
      return { id, name: "nightly export", subject: "exporter", scopes: ["orders:read"], roles: [], digest: `digest of ${id}`, createdAtMs: 1_000, expiresAtMs: 9_000, ...more };
    }

    test("before there is any key, there is none", async () => {
      assert.deepEqual([await under.store.find("a"), await under.store.list(), await under.store.revoke("a", 1)], [undefined, [], false]);
    });

    test("keys are found as they were added, the newest first", async () => {
      await under.store.add(key("a"));
      await under.store.add(key("b", { createdAtMs: 2_000, roles: ["admin"], scopes: [] }));
      assert.deepEqual(await under.store.find("a"), key("a"));
      assert.deepEqual((await under.store.list()).map(({ id }) => id), ["b", "a"]);
    });

    test("of two that rotate a key at once, one does", async () => {
      const { store } = under;
      const rotated = await Promise.all(["x", "y"].map((digest) => store.rotate(key("a"), { digest, formerUntilMs: 5_000, expiresAtMs: 20_000 })));
      assert.deepEqual(rotated.filter(Boolean), [true]);
      const after = await store.find("a");
      assert.deepEqual([after?.former, after?.expiresAtMs, after?.digest !== key("a").digest], [{ digest: key("a").digest, untilMs: 5_000 }, 20_000, true]);
    });

    test("a key is revoked once, and rotated no more", async () => {
      const { store } = under;
      assert.deepEqual([await store.revoke("b", 3_000), await store.revoke("b", 4_000)], [true, false]);
      assert.equal((await store.find("b"))?.revokedAtMs, 3_000);
      assert.equal(await store.rotate(key("b"), { digest: "z", formerUntilMs: 1, expiresAtMs: 2 }), false);
    });
  });
}
