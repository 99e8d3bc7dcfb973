/** The certificate of a client, from a real TLS connection to the token that is bound to it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { promisify } from "node:util";
import { type KnownPeer, peerOf } from "../../src/node/testing.ts";
import { possessionVerifier } from "../../src/oidc/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";

const run = promisify(execFile);
const skip = await run("openssl", ["version"]).then(() => false, () => "there is no openssl: no certificate was shown in TLS");
const silent = { debug() {}, info() {}, warn() {}, error() {} };

interface Pair {
  readonly key: Buffer;
  readonly cert: Buffer;
}

describe("the certificate that a peer shows in TLS", { skip }, () => {
  let directory: string;
  const pairs = new Map<string, Pair>();
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-tls-"));
    for (const name of ["localhost", "alice", "mallory"]) {
      const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)];
      await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", `/CN=${name}`, "-keyout", key, "-out", cert]);
      pairs.set(name, { key: await readFile(key), cert: await readFile(cert) });
    }
  });
  after(() => rm(directory, { recursive: true }));

  /** What our side of the connection knows of a client that connects so. */
  async function shownBy(client: string | undefined): Promise<KnownPeer> {
    const own = pairs.get("localhost") as Pair;
    const shown = Promise.withResolvers<KnownPeer>();
    // Not asked whether the certificate is trusted: RFC 8705 section 7.2 lets clients sign their own.
    const server = tls.createServer({ ...own, requestCert: true, rejectUnauthorized: false }, (socket) => {
      socket.on("error", () => socket.destroy());
      shown.resolve(peerOf(socket, { clock: new ManualClock(), log: silent }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const socket = tls.connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", ca: own.cert, servername: "localhost", checkServerIdentity: () => undefined, ...(client === undefined ? {} : pairs.get(client)) });
    socket.on("error", shown.reject);
    try {
      const peer = await shown.promise;
      assert.equal(peer.isSecure, true);
      return peer;
    } finally {
      socket.destroy();
      server.close();
    }
  }

  test("is handed over as it was sent, and missing where none was shown", async () => {
    const { peerCertificate } = await shownBy("alice");
    assert.deepEqual(Buffer.from(peerCertificate ?? []), new X509Certificate((pairs.get("alice") as Pair).cert).raw);
    assert.equal((await shownBy(undefined)).peerCertificate, undefined);
  });

  test("lets whoever holds its key use a token that is bound to it, and nobody else", async () => {
    const bound = { "x5t#S256": createHash("sha256").update(new X509Certificate((pairs.get("alice") as Pair).cert).raw).digest("base64url") };
    const verifier = possessionVerifier({ clock: new ManualClock() });
    const show = async (client: string | undefined) => {
      const { peerCertificate: certificate } = await shownBy(client);
      return verifier.verify(bound, { token: "t", scheme: "Bearer", evidence: { method: "GET", url: "https://localhost/", proof: undefined, certificate, site: undefined, origin: undefined } });
    };
    await show("alice");
    await assert.rejects(show("mallory"), { code: "unauthenticated", facts: { reason: "another_certificate", challenge: 'Bearer error="invalid_token"' } });
    await assert.rejects(show(undefined), { code: "unauthenticated", facts: { reason: "no_certificate", challenge: 'Bearer error="invalid_token"' } });
  });
});
