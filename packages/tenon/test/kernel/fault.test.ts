import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DeclaredFault, Fault, faultCodeForStatus, type FaultRow, faultTable } from "../../src/kernel/index.ts";

const rows: readonly (readonly [string, FaultRow])[] = Object.entries(faultTable);

describe("the fault table", () => {
  // Codes are in the programs of people whom we do not know. A line may be added here; a line that changes or goes
  // breaks them, and this test is there to say so.
  test("has these public codes, and a published one never changes", () => {
    const published = rows.map(([code, { http, grpc, retry, atFault }]) => `${code} ${http} ${grpc} ${retry} ${atFault}`);
    assert.deepEqual(published, [
      "invalid_argument 400 3 never caller",
      "unauthenticated 401 16 never caller",
      "permission_denied 403 7 never caller",
      "not_found 404 5 never caller",
      "method_not_allowed 405 12 never caller",
      "not_acceptable 406 3 never caller",
      "request_timeout 408 1 if_idempotent caller",
      "conflict 409 10 after_reread caller",
      "gone 410 5 never caller",
      "precondition_failed 412 9 after_reread caller",
      "payload_too_large 413 8 never caller",
      "uri_too_long 414 3 never caller",
      "unsupported_media_type 415 3 never caller",
      "unprocessable 422 9 never caller",
      "rate_limited 429 8 after_delay caller",
      "headers_too_large 431 3 never caller",
      "canceled 499 1 if_idempotent caller",
      "internal 500 13 never service",
      "unimplemented 501 12 never service",
      "overloaded 503 8 after_delay platform",
      "unavailable 503 14 if_idempotent dependency",
      "deadline_exceeded 504 4 if_idempotent dependency",
    ]);
  });

  test("has rows that are whole: a code in snake case, statuses that exist, a title that a person can read", () => {
    for (const [code, row] of rows) {
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
      assert.ok(row.http >= 400 && row.http <= 599, `${code}: HTTP ${row.http}`);
      assert.ok(Number.isInteger(row.grpc) && row.grpc >= 1 && row.grpc <= 16, `${code}: gRPC ${row.grpc}`); // 0 is OK
      assert.match(row.title, /^[A-Z].*[a-z]$/, code);
    }
    assert.equal(new Set(rows.map(([, row]) => row.title)).size, rows.length, "two rows with one title");
  });

  test("blames the caller for 4xx and nobody but us for 5xx", () => {
    for (const [code, row] of rows) assert.equal(row.atFault === "caller", row.http < 500, code);
  });

  test("never asks for a repeat of what can only fail again", () => {
    for (const [code, row] of rows) {
      if (row.retry !== "never") assert.ok([408, 409, 412, 429, 499, 503, 504].includes(row.http), code);
    }
  });
});

describe("a fault", () => {
  test("carries its row, and keeps facts and cause apart from what the caller is told", () => {
    const cause = new TypeError("SELECT * FROM secrets");
    const fault = new Fault("conflict", "the order has changed", { cause, retryAfterS: 3, details: [{ path: "/version", message: "is old" }], facts: { orders: 2 } });
    assert.equal(fault.status, 409);
    assert.equal(fault.publicCode, "conflict");
    assert.equal(fault.message, "the order has changed");
    assert.equal(fault.retryAfterS, 3);
    assert.deepEqual(fault.details, [{ path: "/version", message: "is old" }]);
    assert.deepEqual(fault.facts, { orders: 2 });
    assert.equal(fault.cause, cause);
    assert.equal(fault.name, "Fault");
  });

  test("without more to say has no cause, no details and no facts", () => {
    const fault = new Fault("internal", "internal error");
    assert.equal("cause" in fault, false);
    assert.deepEqual([fault.details, fault.facts, fault.retryAfterS], [[], {}, undefined]);
  });

  test("is made of anything thrown, of which nothing is told", () => {
    const known = new Fault("gone", "it is gone");
    assert.equal(Fault.from(known), known);
    for (const thrown of [new TypeError("password hunter2"), "text", undefined, null, { code: "gone" }]) {
      const fault = Fault.from(thrown);
      assert.equal(fault.code, "internal");
      assert.equal(fault.message, "internal error");
      assert.equal(fault.cause, thrown);
    }
  });

  test("that a contract declares has the contract's name and status, and a row of the table", () => {
    const fault = new DeclaredFault("OutOfStock", { sku: "a" }, 409);
    assert.ok(fault instanceof Fault);
    assert.deepEqual([fault.publicCode, fault.reason, fault.status, fault.code], ["OutOfStock", "OutOfStock", 409, "conflict"]);
    assert.equal(fault.message, "OutOfStock");
    assert.deepEqual(fault.data, { sku: "a" });
    assert.equal(new DeclaredFault("Locked", undefined, 423, { message: "it is locked" }).message, "it is locked");
  });

  test("falls under the row of its status, or the nearest that says the same", () => {
    assert.equal(faultCodeForStatus(404), "not_found");
    assert.equal(faultCodeForStatus(503), "overloaded");
    assert.equal(faultCodeForStatus(423), "unprocessable");
    assert.equal(faultCodeForStatus(418), "unprocessable");
    assert.equal(faultCodeForStatus(599), "internal");
    assert.equal(faultCodeForStatus(302), "internal");
  });
});
