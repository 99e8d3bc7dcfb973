import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runKills } from "../kill.ts";
import { type Ledger, pgliteLedger, postgresLedger } from "../ledger/rows.ts";
import { serverUrl, skip } from "./postgres-server.ts";

/** A few: `npm run faults -- kill` has as many as it is asked for. */
const kills = 3;

async function drill(open: () => Promise<Ledger>): Promise<void> {
  await using ledger = await open();
  const { acknowledged, appliedTwice, halfWritten, lost, repeats, unexpected, wrongAnswers } = await runKills({
    ledger,
    kills,
    clients: 8,
    lifeMaxMs: 800,
    random: Math.random,
  });
  assert.deepEqual({ lost, appliedTwice, halfWritten, wrongAnswers, unexpected }, { lost: 0, appliedTwice: 0, halfWritten: 0, wrongAnswers: 0, unexpected: [] });
  assert.ok(acknowledged > 10, `the load was no load: ${acknowledged} acknowledged`);
  assert.ok(repeats > 0, "no kill hit a command under way");
}

describe("a server that is killed again and again loses and repeats nothing", () => {
  test("on the embedded database", () => drill(pgliteLedger));

  test("on PostgreSQL", { skip }, () => drill(() => postgresLedger(serverUrl)));
});
