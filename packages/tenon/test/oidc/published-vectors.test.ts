/**
 * Examples that were published with the standards, as tokens that reach an app. Their claims are not meant for it, so
 * what counts is the reason: `another_issuer` behind a signature that is right, and nothing that far behind one that is not.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as jose from "jose";
import { Fault } from "../../src/kernel/index.ts";
import { asymmetricAlgorithms, openIdVerifier } from "../../src/oidc/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";
import { json, KeyServer } from "./key-server.ts";

const payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const ecKey = { kty: "EC", crv: "P-256", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" };
const secretKey = { kty: "oct", k: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" };
const edKey = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
const ecSignature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

async function reasonFor(key: object, token: string): Promise<unknown> {
  const server = await KeyServer.open([]);
  try {
    server.answers.set("/keys", (_, response) => json(response, { keys: [key] }));
    const clock = new ManualClock();
    clock.set(1_300_819_000_000);
    const thrown: unknown = await openIdVerifier({ issuer: server.issuer, audience: "shop", clock }).verify(token).then(() => undefined, (error: unknown) => error);
    assert.ok(thrown instanceof Fault && thrown.code === "unauthenticated", String(thrown));
    return thrown.facts["reason"];
  } finally {
    await server.close();
  }
}

test("RFC 7515 appendix A.3: the signature of ES256 is right, and is right for nothing else", async () => {
  const token = `eyJhbGciOiJFUzI1NiJ9.${payload}.${ecSignature}`;
  // The claims lack what every token here has to say.
  assert.equal(await reasonFor(ecKey, token), "ERR_JWT_CLAIM_VALIDATION_FAILED");
  assert.equal(await reasonFor(ecKey, token.replace("DtEh", "DtEi")), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
  assert.equal(await reasonFor({ ...ecKey, x: ecKey.y, y: ecKey.x }, token), "key_unusable");
});

test("RFC 7515 appendix A.1: a shared secret is no key, even where an issuer publishes it", async () => {
  const token = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${payload}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`;
  assert.equal(await reasonFor(secretKey, token), "ERR_JOSE_ALG_NOT_ALLOWED");
});

test("RFC 7515 appendix A.5: what is not signed is not taken", async () => {
  assert.equal(await reasonFor(ecKey, `eyJhbGciOiJub25lIn0.${payload}.`), "malformed");
  assert.equal(await reasonFor(ecKey, `eyJhbGciOiJub25lIn0.${payload}.AAAA`), "ERR_JOSE_ALG_NOT_ALLOWED");
});

test("RFC 7515 appendix E: an extension that nobody knows is refused", async () => {
  const header = Buffer.from('{"alg":"none",\r\n "crit":["http://example.com/UNDEFINED"],\r\n "http://example.com/UNDEFINED":true\r\n}').toString("base64url");
  assert.equal(await reasonFor(ecKey, `${header}.RkFJTA.AAAA`), "ambiguous"); // its payload is no JSON, besides
  const signed = Buffer.from('{"alg":"ES256","crit":["http://example.com/UNDEFINED"],"http://example.com/UNDEFINED":true}').toString("base64url");
  assert.equal(await reasonFor(ecKey, `${signed}.${payload}.${ecSignature}`), "ERR_JOSE_NOT_SUPPORTED");
});

test("RFC 8037 appendix A.4: a signature of Ed25519 over a text that is no claims", async () => {
  const token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  assert.equal(await reasonFor(edKey, token), "ambiguous");
});

interface VectorFile {
  readonly testGroups: readonly {
    readonly public?: object;
    readonly private?: object;
    readonly tests: readonly { readonly tcId: number; readonly jws: unknown; readonly result: "valid" | "invalid" | "acceptable" }[];
  }[];
}

// Not part of this repository: https://github.com/C2SP/wycheproof, testvectors_v1/json_web_signature_test.json
const suite = process.env["WYCHEPROOF_JWS"];

/** Their payloads are no claims, and are refused for that before anything else: so the signatures are asked about alone as well, with the algorithms that an app takes. */
async function isSigned(key: object, jws: string): Promise<boolean> {
  const keys = jose.createLocalJWKSet({ keys: [key] });
  return jose.compactVerify(jws, keys, { algorithms: [...asymmetricAlgorithms] }).then(() => true, () => false);
}

test("Wycheproof: none of its forged signatures is taken, and right ones are", { skip: suite === undefined ? "WYCHEPROOF_JWS names no file of vectors" : false }, async () => {
  const { testGroups } = JSON.parse(readFileSync(suite ?? "", "utf8")) as VectorFile;
  const tried = { forged: 0, right: 0 };
  for (const group of testGroups) {
    const key = group.public ?? group.private ?? {};
    for (const { jws, result, tcId } of group.tests) {
      if (typeof jws !== "string") continue;
      if (result === "valid" && (await isSigned(key, jws))) tried.right += 1;
      if (result !== "invalid") continue;
      assert.equal(await isSigned(key, jws), false, `vector ${tcId}`);
      const reason = await reasonFor(key, jws);
      assert.notEqual(reason, "another_issuer", `vector ${tcId}`);
      assert.notEqual(reason, "ERR_JWT_CLAIM_VALIDATION_FAILED", `vector ${tcId}`);
      tried.forged += 1;
    }
  }
  assert.ok(tried.forged > 0, "the file holds forgeries");
  assert.ok(tried.right > 0, "the file holds signatures that are right, which a check that refuses everything would refuse");
});
