/** Certificates that are written here are read by others as they are meant. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { createSigner, forge } from "./forge.ts";

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
}

const signer = createSigner("Authority ü", "spiffe://example.org");

describe("a certificate of a service", () => {
  test("says what it was made with", () => {
    const fromMs = Date.UTC(2049, 11, 31, 23, 59, 59);
    const untilMs = Date.UTC(2050, 0, 1, 0, 0, 1); // four digits of the year from here on
    const { cert, privateKey } = forge({ signer, uris: ["spiffe://example.org/shop/orders"], name: "orders", serial: Uint8Array.of(0x00, 0x80, 0x01), fromMs, untilMs });
    const certificate = new X509Certificate(cert);
    assert.deepEqual(
      [certificate.subject, certificate.issuer, certificate.subjectAltName, certificate.serialNumber, certificate.ca, certificate.validFromDate.getTime(), certificate.validToDate.getTime()],
      ["CN=orders", "CN=Authority ü", "URI:spiffe://example.org/shop/orders", "8001", false, fromMs, untilMs],
    );
    assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    assert.ok(certificate.checkPrivateKey(privateKey));
    assert.ok(certificate.checkIssued(new X509Certificate(signer.certificate)));
    assert.ok(certificate.verify(signer.publicKey));
    assert.equal(certificate.verify(forge({ uris: [] }).publicKey), false);
  });

  test("passes OpenSSL's strict checks for both sides, and one for one side the other's not", { skip: !hasOpenssl() && "there is no openssl here" }, async () => {
    const directory = await mkdtemp(join(tmpdir(), "tenon-openssl-"));
    const ca = join(directory, "ca.pem");
    const leaf = join(directory, "leaf.pem");
    async function verify(purpose: "sslclient" | "sslserver"): Promise<string> {
      const { stdout } = await promisify(execFile)("openssl", ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", ca, leaf]);
      return stdout.trim();
    }
    try {
      await writeFile(ca, signer.certificate);
      await writeFile(leaf, forge({ signer, uris: ["spiffe://example.org/shop/orders"] }).cert);
      assert.deepEqual([await verify("sslclient"), await verify("sslserver")], [`${leaf}: OK`, `${leaf}: OK`]);
      await writeFile(leaf, forge({ signer, uris: ["spiffe://example.org/shop/orders"], sides: ["server"] }).cert);
      assert.equal(await verify("sslserver"), `${leaf}: OK`);
      await assert.rejects(verify("sslclient"), /purpose/);
      await writeFile(leaf, forge({ signer: createSigner("Authority ü", "spiffe://example.org"), uris: [] }).cert);
      await assert.rejects(verify("sslserver"));
      const { stdout } = await promisify(execFile)("openssl", ["x509", "-in", ca, "-noout", "-ext", "basicConstraints,keyUsage"]);
      assert.match(stdout, /Basic Constraints: critical\s+CA:TRUE, pathlen:0\s+X509v3 Key Usage: critical\s+Certificate Sign, CRL Sign/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
