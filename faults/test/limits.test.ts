import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { runLimits } from "../limits.ts";

const redisUrl = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379";

async function isThere(): Promise<boolean> {
  const { hostname, port } = new URL(redisUrl);
  const socket = connect(Number(port || 6379), hostname);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test("three processes that share a limit in Redis let through what it says, to one in a hundred", { skip: (await isThere()) ? false : `no Redis at ${redisUrl}`, timeout: 60_000 }, async () => {
  const { expected, failed, offBy, passed, refused } = await runLimits({ redisUrl, calls: 600, ratePerSecond: 600, seconds: 3, tell: () => undefined });
  assert.equal(failed, 0);
  assert.ok(refused > 800, `${refused} were refused`);
  assert.ok(Math.abs(offBy) <= 1, `${passed} passed, ${expected} were expected`);
});
