/** The drill of rotation, in short: what counts is that calls are under way at each replacement, not how many. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keepsRotatePromise, runRotation } from "../rotate.ts";

describe("certificates that are replaced under load fail no call, and one that is revoked opens nothing", () => {
  for (const source of ["embedded", "mounted"] as const) {
    test(source === "embedded" ? "from the embedded authority" : "as mounted files, with an authority that is replaced too", async () => {
      const result = await runRotation({ source, seconds: source === "embedded" ? 7 : 12, clients: 6, restMs: 15, tell: () => undefined });
      assert.deepEqual({ failed: result.failed, unexpected: result.unexpected }, { failed: 0, unexpected: [] });
      assert.ok(result.calls > 100, `the load was no load: ${result.calls} calls`);
      assert.ok(keepsRotatePromise(result), JSON.stringify(result));
      if (source === "mounted") assert.ok(result.authorities > 1);
    });
  }
});
