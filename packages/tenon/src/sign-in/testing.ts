/** What every SessionStore must do. An adapter's own test file is one call to this. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SessionStore, StoredSession } from "./ports.ts";

export interface StoreUnderTest {
  readonly store: SessionStore;
  close(): Promise<void>;
}

export function sessionStoreContract(adapter: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${adapter} keeps the SessionStore contract`, () => {
    let under: StoreUnderTest;
    before(async () => {
      under = await open();
    });
    after(() => under.close());

    function session(id: string, more: Partial<StoredSession> = {}): StoredSession {
      return { id, content: "sealed", startedAtMs: 1_000, usedAtMs: 1_000, endsAtMs: 9_000, ...more };
    }

    test("a session is found as it was added, until it is ended", async () => {
      const { store } = under;
      await store.add(session("a"));
      assert.deepEqual(await store.find("a"), session("a"));
      assert.equal(await store.find("b"), undefined);
      await store.end("a");
      await store.end("a");
      assert.equal(await store.find("a"), undefined);
    });

    test("use goes forward only", async () => {
      const { store } = under;
      await store.add(session("used"));
      await store.use("used", 3_000);
      await store.use("used", 2_000);
      await store.use("nobody", 2_000);
      assert.equal((await store.find("used"))?.usedAtMs, 3_000);
    });

    test("one at a time may renew, until it has or its time is over", async () => {
      const { store } = under;
      await store.add(session("held"));
      const taken = await Promise.all(Array.from({ length: 8 }, () => store.hold("held", 1_000, 500)));
      assert.deepEqual(taken.filter(Boolean), [true]);
      assert.equal(await store.hold("held", 1_499, 500), false);
      assert.equal(await store.hold("held", 1_500, 500), true);
      await store.renew("held", "fresh");
      assert.equal((await store.find("held"))?.content, "fresh");
      assert.equal(await store.hold("held", 1_501, 500), true);
      assert.equal(await store.hold("nobody", 1_000, 500), false);
    });

    test("what is over, or was not used for long, is swept, and nothing else", async () => {
      const { store } = under;
      await store.add(session("over", { usedAtMs: 5_000, endsAtMs: 6_000 }));
      await store.add(session("idle", { usedAtMs: 2_000 }));
      await store.add(session("busy", { usedAtMs: 5_000 }));
      await store.sweep(6_000, 4_000);
      assert.deepEqual([await store.find("over"), await store.find("idle"), (await store.find("busy"))?.id], [undefined, undefined, "busy"]);
    });
  });
}
