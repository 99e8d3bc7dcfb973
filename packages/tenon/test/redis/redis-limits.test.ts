import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../src/app/index.ts";
import type { Log } from "../../src/kernel/index.ts";
import { openRedisLimits, type RedisLimits } from "../../src/redis/index.ts";
import { GuardedLimits, type LimitPolicy, type WithoutStore } from "../../src/trust/index.ts";
import { limitStoreContract } from "../../src/trust/limit-testing.ts";
import { freePort, OwnRedis, skipOwn } from "./server.ts";

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

async function open(url: string): Promise<RedisLimits> {
  const limits = await openRedisLimits({ url, prefix: "test", log: silent, timeoutMs: 1_000 });
  await limits.start();
  return limits;
}

if (skipOwn === false) {
  limitStoreContract("Redis", async () => {
    const server = await OwnRedis.start();
    const store = await open(server.url);
    return {
      store,
      async close() {
        await store.stop();
        await server.kill();
      },
    };
  });
}

describe("limits in Redis", { skip: skipOwn }, () => {
  const policy: LimitPolicy = { id: "shop.act default", calls: 20, perMs: 3_600_000 };

  test("three clients count as one, to the call", async () => {
    const server = await OwnRedis.start();
    const stores = await Promise.all([open(server.url), open(server.url), open(server.url)]);
    try {
      const taken = await Promise.all(Array.from({ length: 90 }, (_, i) => (stores[i % 3] as RedisLimits).take([{ policy, key: "ada" }])));
      assert.equal(taken.filter(([state]) => state?.waitMs === 0).length, 20);
    } finally {
      for (const store of stores) await store.stop();
      await server.kill();
    }
  });

  test("no key holds what was counted", async () => {
    const server = await OwnRedis.start();
    const store = await open(server.url);
    try {
      await store.take([{ policy, key: "ada@example.com" }]);
      const { Redis } = await import("ioredis");
      const client = new Redis(server.url);
      const keys = await client.keys("*");
      const ttlMs = await client.pttl(keys[0] ?? "");
      client.disconnect();
      assert.equal(keys.length, 1);
      assert.match(keys[0] ?? "", /^test:limit:\{shop\.act\}:default:20\/3600000:[\w-]{27}$/);
      assert.ok(ttlMs > 0 && ttlMs <= 180_002, `it is forgotten when it says nothing any more: ${ttlMs}`);
    } finally {
      await store.stop();
      await server.kill();
    }
  });

  for (const without of ["local", "allow", "refuse"] satisfies WithoutStore[]) {
    test(`a server that dies is followed by "${without}" at once, and by itself again when it is back`, async () => {
      const server = await OwnRedis.start();
      const store = await open(server.url);
      const guarded = new GuardedLimits({ store, without, clock: systemClock, log: silent });
      const outcomes = async (count: number): Promise<readonly string[]> => {
        const found: string[] = [];
        for (let i = 0; i < count; i += 1) {
          try {
            const [state] = await guarded.take([{ policy: { ...policy, calls: 3 }, key: "ada" }]);
            found.push(state?.waitMs === 0 ? "in" : "limited");
          } catch (thrown) {
            found.push((thrown as { readonly code: string }).code);
          }
        }
        return found;
      };
      try {
        assert.deepEqual(await outcomes(4), ["in", "in", "in", "limited"]);
        await server.kill();
        const startedMs = systemClock.elapsedMs();
        const expected = { local: ["in", "in", "in", "limited"], allow: ["in", "in", "in", "in"], refuse: ["unavailable", "unavailable", "unavailable", "unavailable"] };
        assert.deepEqual(await outcomes(4), expected[without]);
        assert.ok(systemClock.elapsedMs() - startedMs < 1_000, "no call waited for it");
        assert.ok(guarded.withoutStore >= 4);

        await server.restart();
        for (let waited = 0; guarded.withoutStore > 0 && waited < 100; waited += 1) {
          const before = guarded.withoutStore;
          await outcomes(1);
          if (guarded.withoutStore === before) break;
          await pause(100);
        }
        const before = guarded.withoutStore;
        await outcomes(3);
        assert.equal(guarded.withoutStore, before, "Redis counts again");
      } finally {
        await store.stop();
        await server.kill();
      }
    });
  }

  test("a server that hangs is waited for once, not by every call", async () => {
    const server = await OwnRedis.start();
    const store = await openRedisLimits({ url: server.url, prefix: "test", log: silent });
    await store.start();
    const guarded = new GuardedLimits({ store, without: "allow", clock: systemClock, log: silent });
    try {
      await guarded.take([{ policy, key: "ada" }]);
      server.freeze();
      const startedMs = systemClock.elapsedMs();
      for (let i = 0; i < 100; i += 1) await guarded.take([{ policy, key: "ada" }]);
      assert.ok(systemClock.elapsedMs() - startedMs < 450, "100 ms for the first of them");
      assert.equal(guarded.withoutStore, 100);
    } finally {
      server.thaw();
      await store.stop();
      await server.kill();
    }
  });

  test("a server that is not there keeps nothing from starting", async () => {
    const store = await openRedisLimits({ url: `redis://127.0.0.1:${await freePort()}`, prefix: "test", log: silent });
    await store.start();
    await assert.rejects(async () => store.take([{ policy, key: "ada" }]));
    await store.stop();
  });
});
