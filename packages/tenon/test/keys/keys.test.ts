import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { beforeEach, describe, test } from "node:test";
import { KeyDesk, type KeyStore, keyVerifier, memoryKeys, parseKeyText } from "../../src/keys/index.ts";
import { toCaller, VerifiedTokens } from "../../src/trust/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";

const dayMs = 86_400_000;

describe("keys of the app's own", () => {
  let clock: ManualClock;
  let store: KeyStore;
  let desk: KeyDesk;
  let lookUps: number;
  beforeEach(() => {
    clock = new ManualClock();
    const memory = memoryKeys();
    lookUps = 0;
    store = {
      ...memory,
      find(id) {
        lookUps += 1;
        return memory.find(id);
      },
    };
    desk = new KeyDesk({ store, clock, randomBytes });
  });

  function create() {
    return desk.create({ name: "nightly export", subject: "exporter", scopes: ["orders:read"], roles: ["auditor"], lifeMs: 90 * dayMs });
  }

  test("a key makes a program of its own subject, scopes and roles, until it expires", async () => {
    const { key, text } = await create();
    assert.match(text, /^tnk_[0-9a-f]{16}_[0-9a-f]{72}$/);
    const verifier = keyVerifier({ store, clock });
    const { claims, expiresAtMs } = await verifier.verify(text);
    const caller = toCaller(claims);
    assert.deepEqual([caller.kind, caller.subject, caller.issuer, [...caller.scopes], [...caller.roles]], ["program", "exporter", "urn:tenon:keys", ["orders:read"], ["auditor"]]);
    assert.equal(expiresAtMs, key.expiresAtMs);
    clock.advance(90 * dayMs);
    await assert.rejects(verifier.verify(text), { code: "unauthenticated", message: "the key has expired" });
  });

  test("nothing that is stored lets anybody in", async () => {
    const { key, text } = await create();
    const stored = JSON.stringify(await store.list());
    const secret = parseKeyText(text)?.secret ?? "";
    assert.ok(secret.length === 64 && !stored.includes(secret));
    const verifier = keyVerifier({ store, clock });
    for (const forged of [`tnk_${key.id}_${key.digest}`, key.digest, `tnk_${key.id}_${"0".repeat(72)}`]) await assert.rejects(verifier.verify(forged), { code: "unauthenticated", message: "the key is not valid" });
  });

  test("a slip of the pen is told without a look into the store", async () => {
    const { text } = await create();
    const verifier = keyVerifier({ store, clock });
    for (let at = 4; at < text.length; at += 5) {
      const other = text[at] === "0" ? "1" : "0";
      await assert.rejects(verifier.verify(text.slice(0, at) + other + text.slice(at + 1)), { code: "unauthenticated", facts: { reason: "key_malformed" } });
    }
    for (const slip of ["tnk_", `${text}0`, text.toUpperCase(), ` ${text}`, text.slice(0, -1), ""]) await assert.rejects(verifier.verify(slip), { facts: { reason: "key_malformed" } });
    assert.equal(lookUps, 0);
  });

  test("a rotated key has both secrets for the overlap, and then the new one alone", async () => {
    const { key, text } = await create();
    const rotated = await desk.rotate(key.id, { overlapMs: dayMs, lifeMs: 90 * dayMs });
    assert.ok(rotated !== undefined && rotated.text !== text);
    assert.equal(parseKeyText(rotated.text)?.id, key.id);
    const verifier = keyVerifier({ store, clock });
    assert.equal((await verifier.verify(text)).expiresAtMs, clock.nowMs() + dayMs);
    assert.equal((await verifier.verify(rotated.text)).expiresAtMs, clock.nowMs() + 90 * dayMs);
    clock.advance(dayMs);
    await assert.rejects(verifier.verify(text), { message: "the key has expired" });
    assert.ok(await verifier.verify(rotated.text));
    assert.equal(await desk.rotate("0".repeat(16), { overlapMs: 0, lifeMs: dayMs }), undefined);
  });

  test("a revoked key is refused, both its secrets, within the time that one is believed", async () => {
    const { key, text } = await create();
    const rotated = await desk.rotate(key.id, { overlapMs: dayMs, lifeMs: dayMs });
    const known = new VerifiedTokens({ verifier: keyVerifier({ store, clock }), clock, genuineMax: 10, maxAgeMs: 5_000, refusedMax: 10, refusedMaxAgeMs: 10_000, underwayMax: 10 });
    await known.verify(text);
    assert.equal(await desk.revoke(key.id), true);
    clock.advance(4_999);
    assert.ok(known.recall(text), "believed for a while");
    clock.advance(1);
    assert.equal(known.recall(text), undefined);
    for (const each of [text, rotated?.text ?? ""]) await assert.rejects(known.verify(each), { facts: { reason: "key_revoked" } });
  });

  test("guesses do not storm the store, and a moment later a good key is taken again", async () => {
    const { text } = await create();
    const verifier = keyVerifier({ store, clock, failuresMax: 10, windowMs: 1_000 });
    const outcomes: unknown[] = [];
    for (let guess = 0; guess < 30; guess += 1) {
      const { text: other } = await new KeyDesk({ store: memoryKeys(), clock, randomBytes }).create({ name: "x", subject: "x", scopes: [], roles: [], lifeMs: 1 });
      outcomes.push(await verifier.verify(other).catch((thrown: { readonly code: string }) => thrown.code));
    }
    assert.deepEqual(outcomes, [...Array<string>(10).fill("unauthenticated"), ...Array<string>(20).fill("rate_limited")]);
    assert.equal(lookUps, 10);
    clock.advance(1_000);
    assert.ok(await verifier.verify(text));
  });
});
