import assert from "node:assert/strict";
import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { beforeEach, describe, test } from "node:test";
import { Fault } from "../../src/kernel/index.ts";
import { type PossessionOptions, possessionVerifier } from "../../src/oidc/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";

type Json = Readonly<Record<string, unknown>>;
const token = "the.access.token";
const method = "POST";
const url = "https://shop.example/orders";

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

describe("possessionVerifier", () => {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = pair.publicKey.export({ format: "jwk" });
  const jkt = digest(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }));
  let clock: ManualClock;
  beforeEach(() => {
    clock = new ManualClock();
  });

  function claims(more: Json = {}): Json {
    return { jti: randomUUID(), htm: method, htu: url, iat: Math.floor(clock.nowMs() / 1_000), ath: digest(token), ...more };
  }

  function proofOf(payload: Json = claims(), header: Json = {}, key: KeyObject = pair.privateKey): string {
    const signed = `${encode({ typ: "dpop+jwt", alg: "ES256", jwk, ...header })}.${encode(payload)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  }

  function open(more: Partial<PossessionOptions> = {}) {
    const verifier = possessionVerifier({ clock, ...more });
    return (proof: string | undefined, how: { readonly cnf?: Json; readonly scheme?: "Bearer" | "DPoP"; readonly url?: string } = {}) =>
      verifier.verify(how.cnf ?? { jkt }, { token, scheme: how.scheme ?? "DPoP", evidence: { method, url: how.url ?? url, proof, certificate: undefined, site: undefined, origin: undefined } });
  }

  async function refused(shown: Promise<void>, reason: string): Promise<Fault> {
    let caught: Fault | undefined;
    await assert.rejects(shown, (thrown) => {
      assert.ok(thrown instanceof Fault, String(thrown));
      assert.deepEqual([thrown.code, thrown.facts["reason"]], ["unauthenticated", reason]);
      assert.match(String(thrown.facts["challenge"]), /^DPoP error="/);
      caught = thrown;
      return true;
    });
    return caught as Fault;
  }

  test("a fresh proof by the right key for this very request is taken, once", async () => {
    const show = open();
    const proof = proofOf();
    await show(proof);
    await refused(show(proof), "proof_repeated");
    clock.advance(59_000);
    await refused(show(proof), "proof_repeated");
    clock.advance(2_000);
    await refused(show(proof), "proof_out_of_time");
  });

  test("query and fragment of the URL do not count, and everything else does", async () => {
    const show = open();
    for (const htu of [`${url}?a=1`, `${url}#x`, "HTTPS://Shop.Example:443/orders"]) await show(proofOf(claims({ htu })));
    for (const htu of ["http://shop.example/orders", "https://shop.example/orders/", "https://evil.example/orders", "https://shop.example:8443/orders", "https://a@shop.example/orders", "/orders", "", undefined, 1]) {
      await refused(show(proofOf(claims({ htu }))), "proof_another_url");
    }
    await refused(show(proofOf(), { url: "" }), "proof_another_url");
  });

  test("a proof for another method, token, key or time is refused", async () => {
    const show = open();
    const nowS = Math.floor(clock.nowMs() / 1_000);
    for (const htm of ["GET", "post", undefined]) await refused(show(proofOf(claims({ htm }))), "proof_another_method");
    for (const ath of [digest("another"), undefined, token, `é${digest(token).slice(1)}`]) await refused(show(proofOf(claims({ ath }))), "proof_another_token");
    for (const iat of [nowS - 61, nowS + 6, undefined, String(nowS), -1]) {
      await assert.rejects(show(proofOf(claims({ iat }))), { code: "unauthenticated" });
    }
    for (const jti of ["", undefined, 7, "x".repeat(300)]) await assert.rejects(show(proofOf(claims({ jti }))), { code: "unauthenticated" });
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const otherJwk = other.publicKey.export({ format: "jwk" });
    await refused(show(proofOf(claims(), { jwk: otherJwk }, other.privateKey)), "proof_another_key");
  });

  test("forged proofs are refused: unsigned, signed with a secret, by a private key in the header, of another type, twice", async () => {
    const show = open();
    const payload = encode(claims());
    const header = (more: Json) => encode({ typ: "dpop+jwt", alg: "ES256", jwk, ...more });
    const hmac = (signed: string) => `${signed}.${createHmac("sha256", JSON.stringify(jwk)).update(signed).digest("base64url")}`;
    const privateJwk = pair.privateKey.export({ format: "jwk" });
    for (const proof of [
      undefined,
      "",
      "x",
      `${header({ alg: "none" })}.${payload}.`,
      `${header({ alg: "none" })}.${payload}.AAAA`,
      hmac(`${header({ alg: "HS256" })}.${payload}`),
      hmac(`${header({ alg: "HS256", jwk: { kty: "oct", k: Buffer.from(JSON.stringify(jwk)).toString("base64url") } })}.${payload}`),
      `${header({})}.${payload}.${Buffer.alloc(64).toString("base64url")}`,
      proofOf(claims(), { typ: "JWT" }),
      proofOf(claims(), { typ: undefined }),
      proofOf(claims(), { jwk: undefined }),
      proofOf(claims(), { jwk: privateJwk }),
      proofOf(claims(), { jwk: undefined, kid: "k", jku: "http://127.0.0.1:9/keys" }),
      proofOf(claims(), { crit: ["exp"] }),
      proofOf(claims(), { b64: false, crit: ["b64"] }),
      `${proofOf()}, ${proofOf()}`,
      `${proofOf()}.${"x".repeat(5_000)}`,
      proofOf(claims({ pad: "x".repeat(5_000) })),
    ]) {
      await assert.rejects(show(proof), { code: "unauthenticated", message: "the DPoP proof is not valid" }, String(proof));
    }
  });

  test("a bound token is not taken as a plain one, nor a plain one as a bound one, nor without a network", async () => {
    const show = open();
    await refused(show(undefined, { scheme: "Bearer" }), "no_proof");
    await refused(show(proofOf(), { cnf: {} }), "not_bound");
    const verifier = possessionVerifier({ clock });
    await refused(verifier.verify({ jkt }, { token, scheme: "DPoP", evidence: undefined }), "proof_missing");
  });

  test("where nonces are asked for, a proof needs the server's, which is good for some minutes and in every instance", async () => {
    const [here, there] = [open({ nonceSecret: "shared" }), open({ nonceSecret: "shared" })];
    const first = await refused(here(proofOf()), "proof_nonce");
    assert.match(String(first.facts["challenge"]), /use_dpop_nonce/);
    const nonce = String(first.facts["nonce"]);
    await there(proofOf(claims({ nonce })));
    clock.advance(4 * 60_000);
    await here(proofOf(claims({ nonce })));
    clock.advance(60_000);
    await refused(here(proofOf(claims({ nonce }))), "proof_nonce");
    for (const made of [`${nonce}x`, `${nonce.slice(0, -1)}é`, nonce.split(".", 1)[0], "", 1, undefined]) await refused(here(proofOf(claims({ nonce: made }))), "proof_nonce");
    const foreign = await refused(open({ nonceSecret: "other" })(proofOf()), "proof_nonce");
    await refused(here(proofOf(claims({ nonce: foreign.facts["nonce"] }))), "proof_nonce");
  });

  test("memory of proofs is bounded, and full it lets nobody in rather than one twice", async () => {
    const show = open({ proofsMax: 3 });
    const proofs = [proofOf(), proofOf(), proofOf()];
    for (const proof of proofs) await show(proof);
    await assert.rejects(show(proofOf()), { code: "overloaded" });
    for (const proof of proofs) await refused(show(proof), "proof_repeated");
    clock.advance(131_000); // two windows
    await show(proofOf());
  });

  test("a certificate-bound token takes the certificate of the connection, and no other", async () => {
    const verifier = possessionVerifier({ clock });
    const [own, other] = [certificate(), Buffer.from("another certificate")];
    const cnf = { "x5t#S256": createHash("sha256").update(own).digest("base64url") };
    const shown = (der: Uint8Array | undefined, scheme: "Bearer" | "DPoP" = "Bearer") => ({ token, scheme, evidence: { method, url, proof: undefined, certificate: der, site: undefined, origin: undefined } });
    await verifier.verify(cnf, shown(own));
    await assert.rejects(verifier.verify(cnf, shown(other)), { code: "unauthenticated", facts: { reason: "another_certificate", challenge: 'Bearer error="invalid_token"' } });
    await assert.rejects(verifier.verify(cnf, shown(undefined)), { code: "unauthenticated" });
    await assert.rejects(verifier.verify(cnf, { token, scheme: "Bearer", evidence: undefined }), { code: "unauthenticated" });
    await refused(verifier.verify(cnf, shown(own, "DPoP")), "not_dpop_bound");
    await assert.rejects(verifier.verify({ ...cnf, jkt }, shown(own)), { code: "unauthenticated" }, "bound twice, it has to be shown twice");
  });
});

/** Any bytes do: that they are a certificate is TLS's to see. */
function certificate(): Uint8Array {
  return Buffer.from("a certificate");
}
