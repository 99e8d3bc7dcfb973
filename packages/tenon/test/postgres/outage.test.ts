import assert from "node:assert/strict";
import { createServer, type Server, Socket } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { sql } from "kysely";
import { deadline } from "../../src/calls/index.ts";
import type { Database } from "../../src/data/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { openPostgres } from "../../src/postgres/index.ts";
import { openServerDatabase, type ServerDatabase, skip } from "../data/server.ts";
import { callTo, clock, openOrders, order, orders, type OrdersService } from "../data/shop.ts";

/** Passes bytes on to the server, until it is told not to. */
class Line {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  isSilent = false;
  port = 0;

  async open(target: { readonly host: string; readonly port: number }): Promise<void> {
    this.#server = createServer((near) => {
      const far = new Socket().connect(target.port, target.host);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
      }
      near.on("data", (bytes) => this.isSilent || far.write(bytes)).on("close", () => far.destroy());
      far.on("data", (bytes) => this.isSilent || near.write(bytes)).on("close", () => near.destroy());
    });
    await new Promise<void>((resolve) => this.#server?.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.#server.address() as { port: number }).port;
  }

  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server?.listening === true) await new Promise((resolve) => this.#server?.close(resolve));
  }
}

describe("a database that goes away", { skip }, () => {
  let opened: ServerDatabase;
  let service: OrdersService;
  const line = new Line();
  let target: { readonly host: string; readonly port: number };
  let throughLine: Database;
  let distant: OrdersService;

  before(async () => {
    opened = await openServerDatabase({ statementTimeoutMs: 1_000 });
    service = await openOrders(opened.database);
    const url = new URL(opened.url);
    target = { host: url.hostname, port: Number(url.port || 5432) };
    await line.open(target);
    url.hostname = "127.0.0.1";
    url.port = String(line.port);
    throughLine = await openPostgres({ url: url.href, poolMax: 2, connectTimeoutMs: 300, statementTimeoutMs: 600, answerGraceMs: 200 });
    distant = await openOrders(throughLine);
  });
  after(async () => {
    await throughLine.close();
    await line.cut();
    await opened.drop();
  });
  beforeEach(() => service.run(orders.place, async ({ db }) => void (await sql`truncate orders, order_lines`.execute(db))));

  function ids(): Promise<number[]> {
    return service.run(orders.get, async ({ db }) => (await db.selectFrom("orders").select("id").orderBy("id").execute()).map((row) => row.id));
  }

  async function kill(pid: number): Promise<void> {
    const session = await opened.database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
    await session.query("select pg_terminate_backend($1, 2000)", [pid]);
    session.release();
  }

  const ownPid = sql<{ pid: number }>`select pg_backend_pid() as pid`;

  test("nobody listens: `unavailable`, at once, for everybody who asks", async () => {
    const away = await openPostgres({ url: "postgres://root@127.0.0.1:1/nothing", connectTimeoutMs: 2_000 });
    const startedMs = performance.now();
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => away.acquire({ service: "orders", mode: "read", timeoutMs: 5_000 })));
    assert.ok(asked.every((result) => result.status === "rejected" && (result.reason as Fault).code === "unavailable"));
    assert.ok(performance.now() - startedMs < 1_000);
    await away.close();
  });

  test("somebody listens and never answers: `unavailable` after the connect time-out", async () => {
    const silent = new Line();
    silent.isSilent = true;
    await silent.open(target);
    const away = await openPostgres({ url: `postgres://root@127.0.0.1:${silent.port}/nothing`, connectTimeoutMs: 200 });
    const startedMs = performance.now();
    await assert.rejects(away.acquire({ service: "", mode: "admin", timeoutMs: 5_000 }), { code: "unavailable" });
    assert.ok(performance.now() - startedMs < 1_000);
    await away.close();
    await silent.cut();
  });

  test("a backend that is killed inside of a transaction: nothing is kept, the call is told, the next one works", async () => {
    const lost = service.run(orders.place, async ({ db }) => {
      await db.insertInto("orders").values(order(1)).execute();
      await kill((await ownPid.execute(db)).rows[0]?.pid ?? 0);
      await db.insertInto("orders").values(order(2)).execute();
    });
    await assert.rejects(lost, { code: "unavailable" });
    await service.run(orders.place, ({ db }) => db.insertInto("orders").values(order(3)).execute());
    assert.deepEqual(await ids(), [3]);
  });

  test("a backend that was killed before COMMIT: the call is told that its end is not known, and is not run again", async () => {
    let runs = 0;
    const lost = service.run(orders.place, async ({ db }) => {
      runs++;
      await db.insertInto("orders").values(order(1)).execute();
      await kill((await ownPid.execute(db)).rows[0]?.pid ?? 0);
    });
    await assert.rejects(lost, (fault: Fault) => fault.code === "unavailable" && /is not known/.test(fault.message));
    assert.equal(runs, 1);
  });

  test("connections that died while they lay in the pool are replaced without anybody noticing", async () => {
    const pidOf = (which: typeof orders.get | typeof orders.place) => service.run(which, async ({ db }) => (await ownPid.execute(db)).rows[0]?.pid ?? 0);
    for (const operation of [orders.get, orders.place]) {
      const before = await pidOf(operation);
      await kill(before);
      assert.notEqual(await pidOf(operation), before);
    }
    assert.deepEqual(await ids(), []);
  });

  test("a line that is cut and mended: failures are `unavailable` in between, and then it works again", async () => {
    await distant.run(orders.place, ({ db }) => db.insertInto("orders").values(order(1)).execute());
    await line.cut();
    const startedMs = performance.now();
    await assert.rejects(distant.run(orders.place, ({ db }) => db.insertInto("orders").values(order(2)).execute()), { code: "unavailable" });
    await assert.rejects(distant.run(orders.get, ({ db }) => db.selectFrom("orders").selectAll().execute()), { code: "unavailable" });
    assert.ok(performance.now() - startedMs < 1_000);
    await line.open(target);
    await new Promise((resolve) => setTimeout(resolve, 250)); // as long as a database is taken to be away after a failure
    await distant.run(orders.place, ({ db }) => db.insertInto("orders").values(order(3)).execute());
    assert.deepEqual(await ids(), [1, 3]);
  });

  test("a line that falls silent under a statement is cut in the end, and nobody hangs", async () => {
    await distant.run(orders.get, ({ db }) => db.selectFrom("orders").selectAll().execute());
    line.isSilent = true;
    const startedMs = performance.now();
    await assert.rejects(distant.run(orders.get, ({ db }) => db.selectFrom("orders").selectAll().execute()), { code: "unavailable" });
    line.isSilent = false;
    // The time-out of the statement, the server's grace to say so, a look every half second, and a new connection.
    assert.ok(performance.now() - startedMs < 3_000);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await distant.run(orders.get, ({ db }) => db.selectFrom("orders").selectAll().execute());
  });

  test("a statement over its time-out is `deadline_exceeded`, and its session goes on", async () => {
    const slow = service.run(orders.get, ({ db }) => sql`select pg_sleep(3)`.execute(db));
    await assert.rejects(slow, { code: "deadline_exceeded" });
    assert.deepEqual(await ids(), []);
  });

  test("a call that is canceled stops its statement on the server", async () => {
    for (const operation of [orders.get, orders.place]) {
      const call = callTo(operation);
      const reason = new Fault("canceled", "the caller went away");
      const startedMs = performance.now();
      setTimeout(() => call.cancel(reason), 100);
      await assert.rejects(service.run(operation, ({ db }) => sql`select pg_sleep(0.9) as tenon_cancel_me`.execute(db), { call }), reason);
      assert.ok(performance.now() - startedMs < 600, `${operation.id} took ${performance.now() - startedMs} ms`);
      const session = await opened.database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
      const { rows } = await session.query("select count(*) as count from pg_stat_activity where state = 'active' and datname = current_database() and query like '%tenon_cancel_me%' and pid <> pg_backend_pid()", []);
      session.release();
      assert.deepEqual(rows, [{ count: 0 }]);
    }
  });

  test("a cancellation never hits whoever has the session next", async () => {
    const single = await openPostgres({ url: opened.url, poolMax: 1 });
    for (let round = 0; round < 20; round++) {
      const session = await single.acquire({ service: "orders", mode: "read", timeoutMs: 1_000 });
      const running = session.query("select pg_sleep(0.002)", []).catch((error: { readonly sqlState: string }) => assert.equal(error.sqlState, "57014"));
      await new Promise((resolve) => setTimeout(resolve, round % 4));
      session.cancel();
      await running;
      session.release();
      const next = await single.acquire({ service: "orders", mode: "read", timeoutMs: 1_000 });
      assert.deepEqual((await next.query("select 1 as one from pg_sleep(0.003)", [])).rows, [{ one: 1 }]);
      next.release();
    }
    await single.close();
  });

  test("a handler that does not notice its deadline gives its session back all the same", async () => {
    const call = callTo(orders.place, { timeoutMs: 150 });
    const { data } = service;
    const stages = deadline({ clock }).compile(
      orders.place,
      data.transaction.compile(orders.place, async (current) => {
        await data.workOf(current).db.insertInto("orders").values(order(1)).execute();
        await new Promise((resolve) => setTimeout(resolve, 600)); // something that takes no signal
      }),
    );
    await assert.rejects(async () => stages(call), { code: "deadline_exceeded" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const session = await opened.database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
    const { rows } = await session.query("select count(*) as count from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'", []);
    session.release();
    assert.deepEqual(rows, [{ count: 0 }]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.deepEqual(await ids(), []);
  });
});
