/** What all Identities must do. An adapter's own test file is one call to this. */
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Fault } from "../kernel/index.ts";
import { thumbprintOf } from "./peer.ts";
import type { Identities } from "./ports.ts";
import type { IdPattern } from "./spiffe.ts";

/** An adapter with the service `orders`, and what it takes to try it. */
export interface IdentitiesUnderTest {
  readonly identities: Identities;
  readonly pattern: IdPattern;
  nowMs(): number;
  /** Lets a certificate be replaced, and the adapter notice. */
  replace(): Promise<void>;
  /** Writes the list of what is revoked anew, and lets the adapter notice. */
  setRevoked(lines: readonly string[]): Promise<void>;
  /** Puts the source out of order, and lets the adapter notice. */
  breakSource(): Promise<void>;
  /** Lets so much time pass that no certificate is valid any more. */
  outlive(): Promise<void>;
  close(): Promise<void>;
}

export function identitiesContract(adapter: string, open: () => Promise<IdentitiesUnderTest>): void {
  describe(`${adapter} keeps the Identities contract`, () => {
    let under: IdentitiesUnderTest;
    before(async () => {
      under = await open();
    });
    after(() => under.close());

    test("a service has a certificate for its id, of an authority of the bundle, with its key, valid now", () => {
      const { bundle, chain, expiresAtMs, id, key, serial, service, thumbprint } = under.identities.of("orders");
      const certificate = new X509Certificate(chain);
      assert.deepEqual([service, id], ["orders", under.pattern.idOf("orders")]);
      assert.equal(certificate.subjectAltName, `URI:${id}`);
      assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
      assert.ok(certificate.verify(new X509Certificate(bundle).publicKey));
      assert.equal(expiresAtMs, certificate.validToDate.getTime());
      assert.ok(certificate.validFromDate.getTime() <= under.nowMs() && under.nowMs() < expiresAtMs);
      assert.deepEqual([serial, thumbprint], [certificate.serialNumber, thumbprintOf(certificate)]);
    });

    test("it is the same one until it is replaced", () => {
      assert.equal(under.identities.of("orders"), under.identities.of("orders"));
    });

    test("a service of somewhere else has none", () => {
      assert.throws(() => under.identities.of("payments"), (error) => error instanceof Fault && error.code === "unavailable");
    });

    test("whoever listens is told when it is replaced, and gets the new one", async () => {
      const first = under.identities.of("orders");
      const seen: string[] = [];
      under.identities.onRotate(() => seen.push(under.identities.of("orders").serial));
      await under.replace();
      const second = under.identities.of("orders");
      assert.notEqual(second.serial, first.serial);
      assert.notEqual(second.key, first.key);
      assert.deepEqual(seen, [second.serial]);
    });

    test("what is revoked is known, by serial in any form or by id, and whoever listens is told", async () => {
      const { id, serial } = under.identities.of("orders");
      let told = 0;
      under.identities.onRotate(() => (told += 1));
      assert.equal(under.identities.isRevoked(serial, id), false);
      const withColons = (serial.match(/../g) ?? []).join(":").toLowerCase();
      await under.setRevoked([`00:${withColons} # lost laptop`]);
      assert.equal(under.identities.isRevoked(serial, id), true);
      assert.equal(under.identities.isRevoked("0123", id), false);
      await under.setRevoked(["# nothing else", "", under.pattern.idOf("orders")]);
      assert.equal(under.identities.isRevoked("0123", id), true);
      assert.equal(under.identities.isRevoked("0123", under.pattern.idOf("payments")), false);
      await under.setRevoked([]);
      assert.equal(under.identities.isRevoked(serial, id), false);
      assert.equal(told, 3);
    });

    test("a list that cannot be read changes nothing: what was revoked stays so", async () => {
      const { id, serial } = under.identities.of("orders");
      await under.setRevoked([serial]);
      await under.setRevoked(["not a serial!"]);
      assert.equal(under.identities.isRevoked(serial, id), true);
      await under.setRevoked([]);
    });

    test("a source that is out of order takes nothing away", async () => {
      const last = under.identities.of("orders");
      await under.breakSource();
      assert.equal(under.identities.of("orders"), last);
    });

    test("and nobody is believed beyond the end of his certificate", async () => {
      await under.outlive();
      assert.throws(() => under.identities.of("orders"), (error) => error instanceof Fault && error.code === "unavailable" && /expired/.test(error.message));
    });
  });
}
