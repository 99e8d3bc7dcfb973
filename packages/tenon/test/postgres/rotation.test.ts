/** The user and password of a database may change while the app runs: new connections use what is current. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Session } from "../../src/data/index.ts";
import { openPostgres } from "../../src/postgres/index.ts";
import { serverUrl, skip } from "../data/server.ts";

test("a new connection is opened by the URL as it is now, and open ones go on", { skip }, async () => {
  const role = `tenon_rotation_${randomUUID().slice(0, 8)}`;
  const first = new URL(serverUrl);
  let current = first.href;
  const database = await openPostgres({ url: first.href, currentUrl: () => current, poolMax: 2 });
  const take = (): Promise<Session> => database.acquire({ service: "", mode: "admin", timeoutMs: 5_000 });
  const userOf = async (session: Session): Promise<unknown> => (await session.query("select session_user::text as who", [])).rows[0]?.["who"];
  const old = await take();
  try {
    await old.query(`create role ${role} login password 'second'`, []);
    const second = new URL(first);
    second.username = role;
    second.password = "second";
    current = second.href;
    const fresh = await take();
    assert.equal(await userOf(fresh), role);
    assert.notEqual(await userOf(old), role, "what is open goes on");
    fresh.release("broken");
  } finally {
    await old.query(`drop role if exists ${role}`, []);
    old.release();
    await database.close();
  }
});
