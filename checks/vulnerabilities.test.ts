/** Nothing that is locked is known to be vulnerable, as far as the registry says. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertNoProblems } from "./problems.ts";
import { type AcceptedAdvisory, parseAuditReport, readAccepted, readAuditReport, vulnerabilities } from "./vulnerabilities.ts";

describe("known vulnerabilities", () => {
  test("of locked packages are none, or accepted with a reason until a day", (context) => {
    const report = readAuditReport();
    if (typeof report === "string") {
      context.skip(`NOT LOOKED AT: the registry gave no advisories (${report})`);
      return;
    }
    assertNoProblems(vulnerabilities(report, readAccepted(), new Date().toISOString().slice(0, 10)));
  });
});

describe("a vulnerable package is found out", () => {
  const report = { vulnerabilities: { lodash: { via: [{ title: "Prototype pollution", url: "https://github.com/advisories/GHSA-aaaa-bbbb-cccc", severity: "high", range: "<4.17.21" }] }, parent: { via: ["lodash"] } } };
  const accepted: AcceptedAdvisory = { id: "GHSA-aaaa-bbbb-cccc", package: "lodash", reason: "the function is not called by anything here", until: "2027-01-31" };

  test("unless it was accepted, and until that is over", () => {
    assert.match(vulnerabilities(report, [], "2026-11-26").join("\n"), /^lodash <4\.17\.21 has a known vulnerability \(high\): Prototype pollution/);
    assert.deepEqual(vulnerabilities(report, [accepted], "2026-11-26"), []);
    assert.equal(vulnerabilities(report, [accepted], "2027-01-31").length, 2);
    assert.equal(vulnerabilities(report, [{ ...accepted, package: "underscore" }], "2026-11-26").length, 2);
    assert.equal(vulnerabilities({ vulnerabilities: {} }, [accepted], "2026-11-26").length, 1);
    assert.equal(vulnerabilities(report, [{ ...accepted, reason: "ok" }], "2026-11-26").length, 1);
  });

  test("and a registry that gives no report is no good news", () => {
    assert.equal(parseAuditReport('{ "message": "405 Method Not Allowed", "statusCode": 405 }'), "405 Method Not Allowed");
    assert.equal(parseAuditReport(""), "npm audit printed no report");
    assert.deepEqual(parseAuditReport('{ "vulnerabilities": {} }'), { vulnerabilities: {} });
  });
});
