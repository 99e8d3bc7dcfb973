/** Collectors behind TLS: trusted by a certificate of one's own, and shown who sends. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Fault } from "../../src/kernel/index.ts";
import { accountOf, openExporting, spansOf, until } from "./exporting.ts";
import { FakeCollector } from "./fake-collector.ts";

const certificate = fileURLToPath(new URL("fixture-tls/certificate.pem", import.meta.url));
const clientKey = fileURLToPath(new URL("fixture-tls/key.pem", import.meta.url));

/** Takes nobody without a certificate. The one certificate of these tests serves both sides, and vouches for itself. */
async function openSecure(): Promise<FakeCollector> {
  const own = { cert: readFileSync(certificate), key: readFileSync(clientKey) };
  const collector = new FakeCollector((listener) => createServer({ ...own, ca: own.cert, requestCert: true, rejectUnauthorized: true }, listener));
  await collector.listen();
  return collector;
}

describe("a collector behind TLS", () => {
  test("is trusted by the given certificate, and shown the client's", async () => {
    await using collector = await openSecure();
    const url = `https://127.0.0.1:${collector.port}/v1/traces`;
    await using exporting = await openExporting(collector.port, { target: { url, certificate, clientKey, clientCertificate: certificate } });
    exporting.exporter.spans(spansOf(1_000));
    await exporting.exporter.stop();
    assert.equal(accountOf(exporting.exporter, "traces").sent, 1_000);
    assert.equal(collector.items("traces"), 1_000);
  });

  test("is not trusted without, and nothing is sent", async () => {
    await using collector = await openSecure();
    await using exporting = await openExporting(collector.port, { target: { url: `https://127.0.0.1:${collector.port}/v1/traces` } });
    exporting.exporter.spans(spansOf(500));
    await until(() => accountOf(exporting.exporter, "traces").failures >= 1, "it fails");
    assert.equal(exporting.log.lines[0]?.fields?.["reason"], "DEPTH_ZERO_SELF_SIGNED_CERT");
    assert.equal(collector.requests, 0);
  });

  test("a file that cannot be read keeps an app from starting, by name", async () => {
    await assert.rejects(openExporting(1, { target: { clientKey: "/no/such/key.pem" } }), (thrown) => {
      assert.ok(thrown instanceof Fault);
      assert.equal(thrown.code, "invalid_argument");
      assert.match(thrown.message, /\/no\/such\/key\.pem/);
      return true;
    });
  });
});
