/** The drill of the audit trail, in short, on the embedded engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPglite } from "../../packages/tenon/src/pglite/index.ts";
import { keepsAuditPromise, runAuditDrill } from "../audit-tampering.ts";

test("what an administrator does to a trail of some seals is found by name, and what was done is put right in between", { timeout: 120_000 }, async () => {
  const database = await openPglite({ cacheDir: process.env["TENON_CACHE"] ?? ".tenon/cache" });
  try {
    const result = await runAuditDrill({ database, records: 12_500, tell: () => undefined });
    assert.equal(result.records, 12_500);
    assert.equal(result.seals, 4);
    assert.ok(keepsAuditPromise(result), JSON.stringify(result.tamperings, undefined, 2));
    assert.equal(result.tamperings.length, 6);
  } finally {
    await database.close();
  }
});
