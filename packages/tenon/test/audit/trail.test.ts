/** How records come into the trail and under its seals, on both engines. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { type AuditStore, createAuditKeyPem, parseAuditKey, parseRecord, Sealer, ServiceTrail } from "../../src/audit/index.ts";
import { type Database, type Work, withSession } from "../../src/data/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { ManualClock } from "../calls/fixture.ts";
import { engines, type Opened } from "../data/engines.ts";
import { callTo, openOrders, order, orders, type OrdersService } from "../data/shop.ts";
import { clear, entry, key, type KeptTrail, Lines, openTrail, service } from "./kept-trail.ts";

for (const engine of engines) {
  describe(`the audit trail in ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let database: Database;
    let shop: OrdersService;
    let kept: KeptTrail;

    before(async () => {
      opened = await engine.open();
      database = opened.database;
      shop = await openOrders(database);
    });
    after(() => opened?.drop());
    beforeEach(async () => {
      await clear(database);
      kept = openTrail(database);
    });

    async function actions(): Promise<readonly (string | undefined)[]> {
      return (await kept.store.records(0, 100)).map(({ text }) => parseRecord(text)?.action);
    }

    /** A command that puts itself on record, and then does what it is told. */
    function place(id: number, rest: () => unknown = () => undefined): Promise<unknown> {
      const call = callTo(orders.place);
      return shop.run(orders.place, async ({ db }) => {
        await db.insertInto("orders").values(order(id)).execute();
        kept.trail.append(call.work as Work, [entry(id, { action: `orders.place-${id}` })]);
        return rest();
      }, { call });
    }

    test("a record is there if and only if the command's rows are", async () => {
      await place(1);
      await assert.rejects(place(2, () => { throw new Fault("unprocessable", "no"); }));
      await assert.rejects(place(1), "the row is there already, so COMMIT never comes");
      await place(3);
      assert.deepEqual(await actions(), ["orders.place-1", "orders.place-3"]);
      await kept.sealer.seal();
      const { findings, notes, records } = await kept.verify();
      assert.deepEqual([records, findings, notes], [2, [], []]);
      await shop.run(orders.place, async ({ db }) => void (await sql`truncate orders, order_lines`.execute(db)));
    });

    test("a number whose transaction was undone at COMMIT is said by the next record, and no hole is found", async () => {
      const call = callTo(orders.place);
      await assert.rejects(
        shop.run(orders.place, () => {
          kept.trail.append(call.work as Work, [entry(1)]);
          (call.work as Work).atCommit({ text: "select 1 / 0", parameters: [] });
        }, { call }),
      );
      await kept.trail.write([entry(2)]);
      kept.clock.advance(60_000);
      await kept.trail.write([entry(3)]);
      await kept.sealer.seal();
      const records = (await kept.store.records(0, 10)).map(({ text }) => parseRecord(text));
      assert.deepEqual(records.map((record) => [record?.number, record?.lost]), [[2, [1]], [3, undefined]]);
      const { findings, notes } = await kept.verify();
      assert.deepEqual([findings, notes], [[], []]);
    });

    test("a record that is written in somebody's session goes with their transaction", async () => {
      await withSession(database, { service: "orders", mode: "write" }, async (session) => {
        await session.script("begin");
        await kept.trail.appendIn(session, [entry(1, { action: "subject.erase" })]);
        await session.script("rollback");
        await session.script("begin");
        await kept.trail.appendIn(session, [entry(2, { action: "keys.revoke" })]);
        await session.script("commit");
      });
      assert.deepEqual(await actions(), ["keys.revoke"]);
      await kept.sealer.seal();
      assert.deepEqual((await kept.verify()).findings, []);
    });

    test("what is noted is written together, and the same thing many times is one record", async () => {
      for (let i = 0; i < 50; i++) kept.trail.note(entry(1, { action: "orders.get" }));
      kept.trail.note(entry(2, { action: "orders.get" }));
      assert.deepEqual(await actions(), []);
      kept.clock.advance(250);
      await kept.trail.flush();
      const records = (await kept.store.records(0, 10)).map(({ text }) => parseRecord(text));
      assert.deepEqual(records.map((record) => [record?.action, record?.times]), [["orders.get", 50], ["orders.get", undefined]]);
    });

    test("with the database out of reach notes wait, then are refused, and come when it is back", async () => {
      let isDown = true;
      const log = new Lines();
      const clock = new ManualClock();
      const store: AuditStore = Object.create(kept.store, {
        insert: { value: (records: never) => (isDown ? Promise.reject(new Fault("unavailable", "down")) : kept.store.insert(records)) },
      }) as AuditStore;
      const trail = new ServiceTrail({ store, service: "orders", writer: "b", key: undefined, clock, log, notesMax: 3 });
      for (let i = 0; i < 3; i++) trail.note(entry(i));
      await trail.flush();
      assert.throws(() => trail.note(entry(4)), { name: "Fault", code: "unavailable" });
      await assert.rejects(trail.write([entry(5)]), { code: "unavailable" });
      isDown = false;
      clock.advance(1_000);
      await trail.flush();
      assert.equal(trail.pending, 0);
      assert.equal((await kept.store.records(0, 10)).length, 3);
      assert.deepEqual(log.lines, ["error records of the audit trail cannot be written; they are kept and tried again", "info records of the audit trail are written again"]);
    });

    test("a record that is committed behind later ones is sealed with the next, and a restart knows of its place", { skip: engine.name === "pglite" }, async () => {
      await withSession(database, { service: "orders", mode: "write" }, async (session) => {
        await session.script("begin");
        await kept.trail.appendIn(session, [entry(1, { action: "late" })]); // takes place 1, and is not seen yet
        await kept.write(2);
        await kept.sealer.seal();
        await session.script("commit");
      });
      const restarted = openTrail(database);
      assert.equal(await restarted.sealer.seal(), 1);
      assert.deepEqual((await kept.store.seals(0, 10)).map(({ text }) => (JSON.parse(text) as { members: string }).members), ["2-3", "1"]);
      assert.deepEqual((await kept.verify()).findings, []);
    });

    test("two sealers of one service make one chain", async () => {
      const other = openTrail(database, { writer: "writer-b" });
      for (let round = 0; round < 5; round++) {
        await kept.write(3);
        await other.write(3);
        await Promise.all([kept.sealer.seal(), other.sealer.seal()]);
      }
      await kept.sealer.seal();
      const { findings, pending, records } = await kept.verify();
      assert.deepEqual([records, pending, findings], [30, 0, []]);
    });

    test("the sealer wakes a second after something was written, by itself", async () => {
      kept.sealer.start();
      await kept.write(1);
      kept.sealer.wake();
      kept.clock.advance(1_000);
      await kept.sealer.stop();
      assert.equal((await kept.verify()).pending, 0);
      assert.equal(kept.anchor.kept.length, 1);
    });

    test("what is written while the sealer works is sealed before it stops", async () => {
      const held = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      const slow = Object.create(kept.store) as AuditStore;
      slow.whileSealing = (task) =>
        kept.store.whileSealing(async (turn) => {
          await task(turn);
          reached.resolve();
          await held.promise;
        });
      const sealer = new Sealer({ store: slow, service, key, anchors: [], clock: kept.clock, log: kept.log });
      sealer.start();
      kept.clock.advance(1_000);
      await reached.promise;
      // On PGlite this waits for its only session, so it is committed behind the round.
      const written = kept.trail.write([entry(1)]);
      if (engine.name !== "pglite") await written;
      sealer.wake();
      kept.clock.advance(1_000);
      const stopped = sealer.stop();
      await Promise.race([stopped, pause(100)]);
      held.resolve();
      await Promise.all([written, stopped]);
      assert.deepEqual([(await kept.verify()).pending, kept.log.lines], [0, []]);
    });

    test("after the key was changed, what the old one signed and marked is still good where it is named", async () => {
      await kept.write(2);
      await kept.sealer.seal();
      const newKey = parseAuditKey(createAuditKeyPem());
      const changed = openTrail(database, { signing: newKey, writer: "writer-b" });
      await changed.write(2);
      await changed.sealer.seal();
      const { verifyTrail } = await import("../../src/audit/index.ts");
      assert.deepEqual((await verifyTrail({ store: kept.store, service: "orders", trusted: [newKey, key], keys: [newKey] })).findings, []);
      assert.match((await verifyTrail({ store: kept.store, service: "orders", trusted: [key] })).findings[0]?.message ?? "", /seal 2 is signed by a key that is not trusted here/);
    });

    test("searched by actor, subject, action, record, time and outcome, the newest first, in pages", async () => {
      await kept.write(20);
      await kept.trail.write([entry(99, { outcome: "refused", action: "keys.revoke" })]);
      const keysOf = async (filter: Parameters<typeof kept.store.search>[0], max = 100, beforeSeq?: number): Promise<readonly (string | undefined)[]> =>
        (await kept.store.search(filter, { max, beforeSeq })).map(({ text }) => parseRecord(text)?.record?.key);
      assert.deepEqual(await keysOf({ actor: "user-3", action: "orders.place" }), ["o-17", "o-10", "o-3"]);
      assert.deepEqual(await keysOf({ subject: "customer-0" }, 2), ["o-20", "o-15"]);
      assert.deepEqual(await keysOf({ subject: "customer-0" }, 2, 15), ["o-10", "o-5"]);
      assert.deepEqual(await keysOf({ action: "keys.*" }), ["o-99"]);
      assert.deepEqual(await keysOf({ outcome: "refused" }), ["o-99"]);
      assert.deepEqual(await keysOf({ record: "orders/orders/o-7" }), ["o-7"]);
      const fromMs = 1_700_000_000_000;
      assert.deepEqual(await keysOf({ sinceMs: fromMs + 18_000, untilMs: fromMs + 20_000, outcome: "done" }), ["o-19", "o-18"]);
    });

    test("old segments go to an archive with their seals left, and what is left is whole", async () => {
      const { archiveTrail, verifyTrail } = await import("../../src/audit/index.ts");
      for (let seal = 0; seal < 3; seal++) {
        await kept.write(5);
        await kept.sealer.seal();
      }
      const lines: string[] = [];
      const archive = { store: kept.store, service: "orders", key, beforeMs: 1_700_000_000_000 + 12_000, nowMs: kept.clock.nowMs(), write: async (line: string) => void lines.push(line), written: async () => undefined };
      assert.deepEqual(await archiveTrail(archive), { seals: 2, records: 10 });
      assert.equal(lines.length, 12);
      assert.equal((await kept.store.records(0, 100)).length, 5);
      const report = await kept.verify({ anchors: "used" });
      assert.deepEqual([report.records, report.seals, report.archivedSeals, report.findings], [5, 3, 2, []]);

      await kept.tamper("delete from tenon_audit where seq = 12");
      assert.deepEqual((await kept.verify()).findings.map(({ kind, seq }) => [kind, seq]), [["dropped", 12]]);
      await kept.tamper("insert into tenon_audit_archives (through_seq, note) values (15, '{\"service\":\"orders\",\"throughSeal\":3,\"throughSeq\":15}')");
      assert.match((await verifyTrail({ store: kept.store, service: "orders", trusted: [key] })).findings[0]?.message ?? "", /nobody with the key has signed it/);
    });
  });
}
