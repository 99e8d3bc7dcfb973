/** What whoever administers the database does to a trail, with all rights and triggers off, and what finds it. On both engines. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { createAuditKeyPem, leafHash, merkleRoot, noSeal, parseAuditKey, parseSeal, sealHash, sealText, verifyTrail } from "../../src/audit/index.ts";
import type { Database } from "../../src/data/index.ts";
import { engines, type Opened } from "../data/engines.ts";
import { clear, entry, key, type KeptTrail, openTrail, prepare, service } from "./kept-trail.ts";

for (const engine of engines) {
  describe(`tampering with a trail in ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let database: Database;
    let kept: KeptTrail;

    before(async () => {
      opened = await engine.open();
      database = opened.database;
      await prepare(database);
    });
    after(() => opened?.drop());
    beforeEach(async () => {
      await clear(database);
      kept = openTrail(database);
      for (let seal = 0; seal < 3; seal++) {
        await kept.write(10);
        await kept.sealer.seal();
      }
    });

    async function onlyFinding(): Promise<Awaited<ReturnType<KeptTrail["verify"]>>["findings"][number]> {
      const { findings, findingsCount } = await kept.verify();
      assert.equal(findingsCount, 1, JSON.stringify(findings));
      return findings[0] as (typeof findings)[number];
    }

    test("a trail that nobody touched is found to be whole", async () => {
      const report = await kept.verify({ anchors: "used" });
      assert.deepEqual([report.records, report.seals, report.pending, report.findings, report.notes], [30, 3, 0, [], []]);
      assert.equal(report.last?.number, 3);
    });

    test("a changed record is named, with those before and behind it", async () => {
      await kept.tamper("update tenon_audit set entry = replace(entry::text, 'user-1', 'user-9')::json where seq = 15");
      const { after: behind, before: ahead, kind, record, seal } = await onlyFinding();
      assert.deepEqual([kind, seal, record?.seq, record?.actor, ahead?.seq, behind?.seq], ["changed", 2, 15, "user-9", 14, 16]);
    });

    test("a changed record whose hash was mended with it is named", async () => {
      const [row] = await kept.tamper("select entry::text as entry from tenon_audit where seq = 15");
      const text = String(row?.["entry"]).replace("user-1", "user-9");
      await kept.tamper("update tenon_audit set entry = $1::json, hash = $2 where seq = 15", [text, leafHash(text)]);
      const { kind, record } = await onlyFinding();
      assert.deepEqual([kind, record?.seq, record?.actor], ["changed", 15, "user-9"]);
    });

    test("a dropped record is named by its place, with its neighbors", async () => {
      await kept.tamper("delete from tenon_audit where seq = 12");
      const { after: behind, before: ahead, kind, seq } = await onlyFinding();
      assert.deepEqual([kind, seq, ahead?.seq, behind?.seq], ["dropped", 12, 11, 13]);
    });

    test("a record that was inserted at a place between others, or behind them, is named", async () => {
      await kept.tamper("delete from tenon_audit where seq = 3"); // makes room, and is missed
      await kept.tamper("update tenon_audit_seals set number = number"); // changes nothing
      const [row] = await kept.tamper("select entry::text as entry from tenon_audit where seq = 4");
      const text = String(row?.["entry"]).replace(/user-\d/, "user-made-up");
      await kept.tamper("insert into tenon_audit (seq, entry, hash, mac) overriding system value values (3, $1::json, $2, $3)", [text, leafHash(text), Buffer.alloc(32)]);
      await kept.tamper("insert into tenon_audit (entry, hash, mac) values ($1::json, $2, $3)", [text, leafHash(text), Buffer.alloc(32)]);
      const { findings } = await kept.verify();
      assert.deepEqual(findings.map(({ kind, record, seq }) => [kind, seq, record?.actor]), [["changed", 3, "user-made-up"], ["inserted", 31, "user-made-up"]]);
    });

    test("a record at a place that no transaction took is named, also without the app's key", async () => {
      const [row] = await kept.tamper("select entry::text as entry from tenon_audit where seq = 4");
      const text = String(row?.["entry"]).replace(/user-\d/, "user-made-up");
      await kept.tamper("insert into tenon_audit (seq, entry, hash, mac) overriding system value values (0, $1::json, $2, null)", [text, leafHash(text)]);
      const withKey = await kept.verify();
      assert.deepEqual(withKey.findings.map(({ kind, seq }) => [kind, seq]), [["inserted", 0]]);
      const { findings } = await verifyTrail({ store: kept.store, service, trusted: [key] });
      assert.deepEqual(findings.map(({ kind, seq }) => [kind, seq]), [["inserted", 0]]);
    });

    test("records that have changed places are named", async () => {
      await kept.tamper("update tenon_audit as a set entry = b.entry, hash = b.hash, mac = b.mac from tenon_audit as b where a.seq in (14, 17) and b.seq = 31 - a.seq");
      const { findings } = await kept.verify();
      assert.deepEqual(findings.map(({ kind, message, seq }) => [kind, seq, message]), [
        ["reordered", 14, "the record at place 14 was sealed at place 17: records have changed places"],
        ["reordered", 17, "the record at place 17 was sealed at place 14: records have changed places"],
      ]);
    });

    test("a record that was moved behind all others is named", async () => {
      await kept.tamper("insert into tenon_audit (entry, hash, mac) select entry, hash, mac from tenon_audit where seq = 14");
      await kept.tamper("delete from tenon_audit where seq = 14");
      const { kind, message } = await onlyFinding();
      assert.deepEqual([kind, message], ["reordered", "the record that was sealed at place 14 stands at place 31 now"]);
    });

    test("a copy of a record is named, before and after it is sealed", async () => {
      await kept.tamper("insert into tenon_audit (entry, hash, mac) select entry, hash, mac from tenon_audit where seq = 14");
      assert.match((await onlyFinding()).message, /the record at place 31 is a copy/);
      await kept.sealer.seal();
      assert.match((await onlyFinding()).message, /the record at place 31 is a copy/);
    });

    /** Chains what is in the table anew from a seal on, as the sealer does. */
    async function rewriteFrom(number: number, signing: typeof key | undefined): Promise<void> {
      const seals = await kept.store.seals(0, 100);
      let previous = seals[number - 2]?.hash.toString("hex") ?? noSeal;
      for (const seal of seals.slice(number - 1)) {
        const body = parseSeal(seal.text);
        assert.ok(body !== undefined);
        const rows = await kept.store.recordsAt(Array.from({ length: 10 }, (_, index) => (body.number - 1) * 10 + index + 1));
        const leaves = Buffer.concat(rows.map(({ text }) => leafHash(text)));
        const text = sealText({ ...body, previous, root: merkleRoot(leaves).toString("hex") });
        await kept.tamper("update tenon_audit_seals set body = $1::json, leaves = $2, hash = $3, key = coalesce($5, key), signature = coalesce($4, signature) where number = $6", [text, leaves, sealHash(text), signing?.sign(text), signing?.id, body.number]);
        previous = sealHash(text).toString("hex");
      }
    }

    test("a whole tail that was written anew, seals and all, is found by its signatures", async () => {
      await kept.tamper("update tenon_audit set entry = replace(entry::text, '\"done\"', '\"refused\"')::json where seq > 10");
      await kept.tamper("update tenon_audit set hash = sha256('\\x00'::bytea || convert_to(entry::text, 'UTF8')) where seq > 10");
      await rewriteFrom(2, undefined);
      const { findings } = await kept.verify();
      assert.deepEqual(findings.map(({ kind, seal }) => [kind, seal]), [["seal", 2]]);
      assert.match(findings[0]?.message ?? "", /signature that does not fit/);
    });

    test("a tail that was signed with a key of the tamperer's own is found", async () => {
      await kept.tamper("update tenon_audit set entry = replace(entry::text, '\"done\"', '\"refused\"')::json where seq > 20");
      await kept.tamper("update tenon_audit set hash = sha256('\\x00'::bytea || convert_to(entry::text, 'UTF8')) where seq > 20");
      await rewriteFrom(3, parseAuditKey(createAuditKeyPem()));
      const { findings } = await kept.verify();
      assert.deepEqual(findings.map(({ kind, seal }) => [kind, seal]), [["seal", 3]]);
      assert.match(findings[0]?.message ?? "", /a key that is not trusted here/);
    });

    test("a trail that was written anew with the stolen key is found by an anchor, and by nothing else", async () => {
      await kept.tamper("update tenon_audit set entry = replace(entry::text, '\"done\"', '\"refused\"')::json where seq > 10");
      await kept.tamper("update tenon_audit set hash = sha256('\\x00'::bytea || convert_to(entry::text, 'UTF8')) where seq > 10");
      await rewriteFrom(2, key);
      assert.deepEqual((await kept.verify()).findings, []);
      const { findings } = await kept.verify({ anchors: "used" });
      assert.deepEqual(findings.map(({ kind, seal }) => [kind, seal]), [["anchor", 2]]);
    });

    test("an end that was cut off, records and seals, is found by an anchor and by the sealer", async () => {
      await kept.tamper("delete from tenon_audit where seq > 20");
      await kept.tamper("delete from tenon_audit_seals where number > 2");
      const { findings } = await kept.verify({ anchors: "used" });
      assert.deepEqual(findings.map(({ kind, seal }) => [kind, seal]), [["anchor", 3]]);
      await kept.write(1);
      await kept.sealer.seal();
      assert.ok(kept.log.lines.some((line) => line.startsWith("error the audit trail was cut off or rewritten")), kept.log.lines.join("\n"));
    });

    test("a seal that was taken out of the middle is named", async () => {
      await kept.tamper("delete from tenon_audit_seals where number = 2");
      const { findings } = await kept.verify();
      assert.match(findings.find(({ kind }) => kind === "seal")?.message ?? "", /seal 2 is missing before seal 3/);
    });

    test("a seal that was changed, or whose list of hashes was, is named", async () => {
      await kept.tamper("update tenon_audit_seals set leaves = set_byte(leaves, 5, 7) where number = 1");
      assert.ok((await kept.verify()).findings.some(({ message, seal }) => seal === 1 && /list of hashes/.test(message)));
      await kept.tamper("update tenon_audit_seals set body = replace(body::text, '\"size\":10', '\"size\":9')::json where number = 3");
      assert.ok((await kept.verify()).findings.some(({ message, seal }) => seal === 3 && /its hash is not that of its text/.test(message)));
    });

    test("a record that was changed before it was sealed lacks the mark of the key, and is sealed as foreign", async () => {
      await kept.write(2);
      const [row] = await kept.tamper("select entry::text as entry from tenon_audit where seq = 32");
      const text = String(row?.["entry"]).replace(/user-\d/, "user-made-up");
      await kept.tamper("update tenon_audit set entry = $1::json, hash = $2 where seq = 32", [text, leafHash(text)]);
      assert.deepEqual((await kept.verify()).findings.map(({ kind, seq }) => [kind, seq]), [["inserted", 32]]);
      await kept.sealer.seal();
      assert.ok(kept.log.lines.some((line) => line.startsWith("error records of the audit trail were not written by this app")));
      assert.deepEqual((await kept.verify()).findings.map(({ kind, record, seq }) => [kind, seq, record?.actor]), [["inserted", 32, "user-made-up"]]);
    });

    test("a record that was dropped before it was sealed leaves a hole in the numbers of its writer", async () => {
      await kept.write(3);
      await kept.tamper("delete from tenon_audit where seq = 32");
      await kept.write(15);
      await kept.sealer.seal();
      const { kind, message } = await onlyFinding();
      assert.equal(kind, "dropped");
      assert.match(message, /number 32 of the process writer-a is missing/);
    });

    test("a hole that a process left shortly before its end is a note: a crash leaves the same", async () => {
      await kept.write(3);
      await kept.tamper("delete from tenon_audit where seq = 32");
      await kept.sealer.seal();
      const { findings, notes } = await kept.verify();
      assert.deepEqual(findings, []);
      assert.match(notes.join("\n"), /number 32 of the process writer-a is missing.*it may have been cut short/);
    });

    test("the service's own role may add records and nothing else, and triggers refuse the owner too", async () => {
      const { withSession } = await import("../../src/data/index.ts");
      const tries = ["update tenon_audit set hash = hash", "delete from tenon_audit", "truncate tenon_audit", "update tenon_audit_seals set hash = hash", "delete from tenon_audit_seals", "truncate tenon_audit_seals", "insert into tenon_audit_archives (through_seq, note) values (99, '{}')", "delete from tenon_audit_archives"];
      for (const text of tries) {
        await assert.rejects(withSession(database, { service, mode: "write" }, (session) => session.query(text, [])), { sqlState: "42501" }, `the writer: ${text}`);
      }
      for (const text of tries.filter((each) => !each.startsWith("insert"))) {
        const owned = text.replaceAll("tenon_", "orders.tenon_");
        const isEmpty = text === "delete from tenon_audit_archives";
        if (!isEmpty) await assert.rejects(withSession(database, { service, mode: "admin" }, (session) => session.query(owned, [])), { sqlState: "42501" }, `the owner: ${owned}`);
      }
      await kept.trail.write([entry(99)]);
    });
  });
}
