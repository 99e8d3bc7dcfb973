/**
 * What every TokenVerifier must do. An adapter's own test file is one call to this.
 *
 * The forgeries are the published ones: RFC 8725 section 2, and those of the wild that its authors did not foresee.
 */
import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign as signBytes, type webcrypto } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Fault } from "../kernel/index.ts";
import type { TokenVerifier } from "./ports.ts";

type Json = Readonly<Record<string, unknown>>;

/** An adapter, and what it takes to make tokens for it. The issuer's key has to be an ES256 key. */
export interface VerifierUnderTest {
  readonly verifier: TokenVerifier;
  readonly issuer: string;
  readonly audience: string;
  readonly clockSkewMs: number;
  /** Sets the clock that the verifier was given. */
  setNowMs(nowMs: number): void;
  /** The header of a genuine token: `alg`, and `kid` where the issuer gives one. */
  readonly header: Json;
  readonly privateKey: KeyObject;
  readonly publicJwk: webcrypto.JsonWebKey;
  close(): Promise<void>;
}

const nowS = 1_800_000_000;
const publicMessages = new Set([
  "the token has expired",
  "the token is for another audience",
  "the token is from another issuer",
  "the token is not valid yet",
  "the token is not valid",
]);

export function tokenVerifierContract(adapter: string, open: () => Promise<VerifierUnderTest>): void {
  describe(`${adapter} keeps the TokenVerifier contract`, () => {
    let under: VerifierUnderTest;
    before(async () => {
      under = await open();
    });
    after(() => under.close());

    function claims(more: Json = {}): Json {
      return { iss: under.issuer, aud: under.audience, sub: "user-1", iat: nowS, exp: nowS + 600, ...more };
    }

    function genuine(payload: Json = claims(), header: Json = {}): string {
      const signed = `${encode({ ...under.header, ...header })}.${encode(payload)}`;
      const signature = signBytes("sha256", Buffer.from(signed), { key: under.privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    }

    async function refused(token: string, message = "the token is not valid"): Promise<void> {
      under.setNowMs(nowS * 1_000);
      await assert.rejects(under.verifier.verify(token), (thrown) => {
        assert.ok(thrown instanceof Fault, `a ${String(thrown)} instead of a Fault`);
        assert.equal(thrown.code, "unauthenticated");
        assert.equal(thrown.message, message);
        assert.ok(publicMessages.has(thrown.message));
        assert.ok(typeof thrown.facts["reason"] === "string", "the log is told why");
        return true;
      });
    }

    test("a genuine token gives its claims and its expiry", async () => {
      under.setNowMs(nowS * 1_000);
      const payload = claims({ scope: "orders:read orders:write", nested: { list: [1, "two"] } });
      const { claims: found, expiresAtMs } = await under.verifier.verify(genuine(payload));
      assert.deepEqual({ ...found }, payload);
      assert.equal(expiresAtMs, (nowS + 600) * 1_000 + under.clockSkewMs);
    });

    test("a token is good until the millisecond before its expiry, and refused at it", async () => {
      const token = genuine();
      const { expiresAtMs } = await under.verifier.verify(token);
      under.setNowMs(expiresAtMs - 1);
      assert.equal((await under.verifier.verify(token)).claims["sub"], "user-1");
      under.setNowMs(expiresAtMs);
      await assert.rejects(under.verifier.verify(token), { code: "unauthenticated", message: "the token has expired" });
      await refused(genuine(claims({ exp: nowS - 3_600 })), "the token has expired");
    });

    test("a token is refused before its time", async () => {
      await refused(genuine(claims({ nbf: nowS + 3_600 })), "the token is not valid yet");
      assert.equal((await under.verifier.verify(genuine(claims({ nbf: nowS })))).claims["nbf"], nowS);
    });

    test("a token has to be for this audience", async () => {
      await refused(genuine(claims({ aud: "somebody-else" })), "the token is for another audience");
      await refused(genuine(claims({ aud: ["a", "b"] })), "the token is for another audience");
      await refused(genuine(claims({ aud: [] })), "the token is for another audience");
      await refused(genuine(claims({ aud: `${under.audience}.evil` })), "the token is for another audience");
      await refused(genuine(claims({ aud: undefined })));
      assert.ok(await under.verifier.verify(genuine(claims({ aud: ["other", under.audience] }))));
    });

    test("a token has to be from this issuer, to the letter", async () => {
      await refused(genuine(claims({ iss: "https://evil.example" })), "the token is from another issuer");
      await refused(genuine(claims({ iss: `${under.issuer}/` })), "the token is from another issuer");
      await refused(genuine(claims({ iss: [under.issuer] })), "the token is from another issuer");
      await refused(genuine(claims({ iss: undefined })));
    });

    test("a token that never expires, or is for nobody, is refused", async () => {
      await refused(genuine(claims({ exp: undefined })));
      await refused(genuine(claims({ exp: String(nowS + 600) })));
      await refused(genuine(claims({ exp: null })));
      await refused(genuine(claims({ exp: 1e30 })));
      await refused(genuine(claims({ sub: undefined })));
    });

    test("a token for another use, by the same key, is refused", async () => {
      for (const typ of ["logout+jwt", "dpop+jwt", "secevent+jwt", "entity-statement+jwt", "", null, 1, ["JWT"]]) await refused(genuine(claims(), { typ }));
      for (const typ of ["JWT", "at+jwt", "AT+JWT", "application/at+jwt", undefined]) {
        assert.ok(await under.verifier.verify(genuine(claims(), { typ })), `typ ${typ}`);
      }
    });

    test("an identity token, or one that its claims give away, is no token for calling", async () => {
      for (const more of [{ nonce: "n-1" }, { at_hash: "x" }, { c_hash: "x", scope: "openid" }, { token_use: "id" }, { typ: "ID" }, { typ: "Refresh" }, { events: {} }]) {
        await refused(genuine(claims(more)));
        await refused(genuine(claims(more), { typ: "JWT" }));
      }
      for (const more of [{ typ: "Bearer" }, { token_use: "access" }, { nonce: "n-1", scope: "orders:read" }]) assert.ok(await under.verifier.verify(genuine(claims(more))), JSON.stringify(more));
    });

    test("a text that two readers could read in two ways is refused, even when the issuer signed it", async () => {
      const { aud, exp, iss, sub } = claims();
      const twice = [
        `{"iss":${JSON.stringify(iss)},"aud":${JSON.stringify(aud)},"exp":${String(exp)},"sub":"admin","sub":${JSON.stringify(sub)}}`,
        `{"iss":${JSON.stringify(iss)},"aud":${JSON.stringify(aud)},"exp":${String(exp)},"sub":"admin","s\\u0075b":${JSON.stringify(sub)}}`,
        `{"iss":${JSON.stringify(iss)},"aud":${JSON.stringify(aud)},"exp":${String(exp)},"sub":${JSON.stringify(sub)},"realm":{"roles":["a"],"roles":["b"]}}`,
        `{"iss":${JSON.stringify(iss)},"aud":${JSON.stringify(aud)},"exp":${String(exp)},"sub":"\xff"}`,
      ];
      for (const text of twice) {
        const signed = `${encode(under.header)}.${encodeText(text)}`;
        await refused(`${signed}.${signBytes("sha256", Buffer.from(signed), { key: under.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`);
      }
      const header = JSON.stringify(under.header).replace("{", '{"alg":"none",');
      const signed = `${encodeText(header)}.${encode(claims())}`;
      await refused(`${signed}.${signBytes("sha256", Buffer.from(signed), { key: under.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`);
      const same = claims({ list: [{ a: 1 }, { a: 2 }], text: '"a":1,"a":2' });
      assert.ok(await under.verifier.verify(genuine(same)), "names may stand in several objects, and in texts");
    });

    test("a name of a key leads nowhere: neither into files, nor into a database, nor past the end of a text", async () => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      for (const kid of ["../../../../dev/null", "/dev/null", "' UNION SELECT 'key'; --", "key\0", "\0", "http://127.0.0.1:9/key", "__proto__", "constructor", "x".repeat(2_000), "", 0, null, {}, ["a"]]) {
        const signed = `${encode({ ...under.header, kid })}.${encode(claims())}`;
        await refused(`${signed}.${signBytes("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`);
        await refused(`${signed}.${createHmac("sha256", "").update(signed).digest("base64url")}`);
      }
    });

    test("a token for one kind of key is refused with another one's algorithm", async () => {
      const [, payload = "", signature = ""] = genuine().split(".");
      for (const alg of ["ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "RS256", "PS256", "RSA-OAEP", "dir", "A128KW", "es256", " ES256"]) await refused(`${encode({ ...under.header, alg })}.${payload}.${signature}`);
    });

    test("a token inside of a token is not unpacked, and an encrypted one is none", async () => {
      await refused(genuine(claims(), { cty: "JWT", typ: "JOSE" }));
      const inner = encodeText(JSON.stringify(genuine()));
      const signed = `${encode({ ...under.header, cty: "JWT" })}.${inner}`;
      await refused(`${signed}.${signBytes("sha256", Buffer.from(signed), { key: under.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`);
      await refused(`${encode({ alg: "dir", enc: "A128GCM", zip: "DEF" })}..AAAA.${"A".repeat(1_000)}.AAAA`);
      await refused(JSON.stringify({ payload: encode(claims()), signatures: [] }));
    });

    test("`none` is no algorithm, however it is written", async () => {
      const payload = encode(claims());
      const signature = genuine().split(".")[2] ?? "";
      for (const alg of ["none", "None", "NONE", "nOnE", "", undefined, null, 0]) {
        const header = encode({ ...under.header, alg });
        await refused(`${header}.${payload}.`);
        await refused(`${header}.${payload}`);
        await refused(`${header}.${payload}.${signature}`);
      }
    });

    test("the public key is no shared secret", async () => {
      const key = createPublicKey({ key: under.publicJwk, format: "jwk" });
      const secrets = [
        key.export({ type: "spki", format: "pem" }),
        key.export({ type: "spki", format: "pem" }).trim(),
        key.export({ type: "spki", format: "der" }),
        JSON.stringify(under.publicJwk),
        "",
      ];
      for (const [alg, digest] of [["HS256", "sha256"], ["HS384", "sha384"], ["HS512", "sha512"]] as const) {
        for (const secret of secrets) {
          const signed = `${encode({ ...under.header, alg })}.${encode(claims())}`;
          await refused(`${signed}.${createHmac(digest, secret).update(signed).digest("base64url")}`);
        }
      }
    });

    test("a key that the token brings along is not looked at", async () => {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const jwk = { ...publicKey.export({ format: "jwk" }), kid: "own", alg: "ES256", use: "sig" };
      for (const header of [
        { jwk },
        { jwk, kid: "own" },
        { jku: "http://127.0.0.1:9/keys", kid: "own" },
        { x5u: "http://127.0.0.1:9/certificate" },
        { x5c: [publicKey.export({ type: "spki", format: "der" }).toString("base64")] },
      ]) {
        const signed = `${encode({ ...under.header, ...header })}.${encode(claims())}`;
        const signature = signBytes("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
        await refused(`${signed}.${signature.toString("base64url")}`);
      }
    });

    test("what was signed cannot be changed, nor a signature made up", async () => {
      const [header = "", payload = "", signature = ""] = genuine().split(".");
      await refused(`${header}.${encode(claims({ sub: "admin" }))}.${signature}`);
      await refused(`${encode({ ...under.header, extra: 1 })}.${payload}.${signature}`);
      await refused(`${header}.${payload}.`);
      await refused(`${header}.${payload}.${Buffer.alloc(64).toString("base64url")}`); // CVE-2022-21449
      await refused(`${header}.${payload}.${Buffer.alloc(64, 0xff).toString("base64url")}`);
      await refused(`${header}.${payload}.${randomBytes(64).toString("base64url")}`);
      const der = signBytes("sha256", Buffer.from(`${header}.${payload}`), under.privateKey);
      await refused(`${header}.${payload}.${der.toString("base64url")}`); // right, but in the other encoding
    });

    test("extensions that are not understood are refused, as `crit` asks", async () => {
      await refused(genuine(claims(), { crit: ["exp"], exp: 1 }));
      await refused(genuine(claims(), { crit: [] }));
      await refused(genuine(claims(), { crit: "b64" }));
      await refused(genuine(claims(), { b64: false, crit: ["b64"] }));
    });

    test("text that is no token is refused, however short, long or odd", async () => {
      const token = genuine();
      for (let length = 0; length < token.length; length += 7) await refused(token.slice(0, length));
      const [header = "", payload = "", signature = ""] = token.split(".");
      for (const text of [
        ".", "..", "...", "....", " ", "\0", "null", "{}", "[]", "Bearer x", "💥.💥.💥",
        `${token}.`, `.${token}`, `${token} `, ` ${token}`, `${token}\n`, `${token}=`, `${token}.${token}`,
        `${header}..${signature}`, `${header}.${signature}`, `${header}.${payload}.${signature}.${payload}.${signature}`,
        `${encodeText("null")}.${payload}.${signature}`, `${encodeText("[]")}.${payload}.${signature}`,
        `${encodeText('"ES256"')}.${payload}.${signature}`, `${encodeText('{"alg":"ES256"')}.${payload}.${signature}`,
        `${encodeText('{"alg":{"toString":1},"__proto__":{"alg":"none"}}')}.${payload}.${signature}`,
        "a".repeat(1_000_000), `${"a".repeat(500_000)}.${"b".repeat(500_000)}.${"c".repeat(86)}`, ".".repeat(100_000),
        `${encodeText(`{"alg":"ES256","a":${"[".repeat(50_000)}`)}.${payload}.${signature}`,
      ]) await refused(text);
    });

    test("a payload that is no object is refused even when the issuer signed it", async () => {
      for (const text of ["null", "[]", "1", '"x"', "", "{", "\xff\xfe", "[".repeat(5_000)]) {
        const signed = `${encode(under.header)}.${encodeText(text)}`;
        const signature = signBytes("sha256", Buffer.from(signed), { key: under.privateKey, dsaEncoding: "ieee-p1363" });
        await refused(`${signed}.${signature.toString("base64url")}`);
      }
    });
  });
}

function encode(value: Json): string {
  return encodeText(JSON.stringify(value));
}

function encodeText(text: string): string {
  return Buffer.from(text, "latin1").toString("base64url");
}
