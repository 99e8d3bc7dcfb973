import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { Fault } from "../../src/kernel/index.ts";
import { IssuerSettingsError, IssuerUnreachable, type OpenIdOptions, openIdVerifier } from "../../src/oidc/index.ts";
import { tokenVerifierContract } from "../../src/trust/testing.ts";
import { ManualClock } from "../trust/manual-clock.ts";
import { createKey, json, KeyServer, signToken } from "./key-server.ts";

tokenVerifierContract("openIdVerifier", async () => {
  const key = createKey("k1");
  const server = await KeyServer.open([createKey("k0"), key]);
  const clock = new ManualClock();
  return {
    verifier: openIdVerifier({ issuer: server.issuer, audience: "shop", clock, clockSkewMs: 5_000 }),
    issuer: server.issuer,
    audience: "shop",
    clockSkewMs: 5_000,
    setNowMs: (nowMs) => clock.set(nowMs),
    header: { alg: "ES256", kid: "k1" },
    privateKey: key.privateKey,
    publicJwk: key.publicJwk,
    close: () => server.close(),
  };
});

describe("openIdVerifier", () => {
  const first = createKey("first");
  const second = createKey("second");
  let server: KeyServer;
  let clock: ManualClock;

  beforeEach(async () => {
    server = await KeyServer.open([first]);
    clock = new ManualClock();
  });
  afterEach(() => server.close());

  function open(more: Partial<OpenIdOptions> = {}) {
    return openIdVerifier({ issuer: server.issuer, audience: "shop", clock, timeoutMs: 500, ...more });
  }

  function token(key = first, header: object = {}): string {
    const nowS = clock.nowMs() / 1_000;
    return signToken(key, { iss: server.issuer, aud: "shop", sub: "user-1", exp: nowS + 86_400 }, header);
  }

  const unavailable = { code: "unavailable", retryAfterS: 2 };
  const notValid = { code: "unauthenticated", message: "the token is not valid" };

  test("keys are found by discovery, and fetched once for many tokens", async () => {
    const verifier = open();
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token())));
    assert.deepEqual(server.asked, ["/.well-known/openid-configuration", "/keys"]);
  });

  test("a configured URL of the keys makes discovery needless", async () => {
    await open({ jwksUrl: `${server.issuer}/keys` }).verify(token());
    assert.deepEqual(server.asked, ["/keys"]);
  });

  test("a new key of the issuer is found when a token first names it", async () => {
    const verifier = open();
    await verifier.verify(token());
    server.keys = [second];
    clock.advance(31_000);
    const tokens = Array.from({ length: 10 }, () => verifier.verify(token(second)));
    assert.equal((await Promise.all(tokens)).length, 10);
    assert.equal(server.asked.filter((path) => path === "/keys").length, 2);
    await assert.rejects(verifier.verify(token(first)), notValid, "the key that was withdrawn is gone");
  });

  test("a flood of unknown keys makes one fetch per cool-down", async () => {
    const verifier = open();
    await verifier.verify(token());
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 20; i += 1) await assert.rejects(verifier.verify(token(createKey(`unknown-${i}`))), notValid);
      clock.advance(30_000);
    }
    assert.equal(server.asked.filter((path) => path === "/keys").length, 3);
  });

  test("keys are refreshed beside the calls, and a withdrawn one stops working", async () => {
    const verifier = open();
    await verifier.verify(token());
    server.keys = [second];
    clock.advance(300_000);
    await verifier.verify(token(first)); // still the old keys: nobody waits for the refresh
    await until(() => server.asked.length === 3);
    await until(() => verifier.verify(token(first)).then(() => false, () => true));
    assert.equal((await verifier.verify(token(second))).claims["sub"], "user-1");
  });

  test("an issuer that is down takes nobody with it for an hour, and is not stormed", async () => {
    const verifier = open();
    await verifier.verify(token());
    const { issuer, port } = server;
    const kept = signToken(first, { iss: issuer, aud: "shop", sub: "user-1", exp: clock.nowMs() / 1_000 + 86_400 });
    await server.close();
    clock.advance(3_599_000);
    assert.equal((await verifier.verify(kept)).claims["sub"], "user-1");
    clock.advance(2_000);
    await assert.rejects(verifier.verify(kept), unavailable);
    await server.listen(port);
    await assert.rejects(verifier.verify(kept), unavailable, "not asked again at once");
    clock.advance(2_000);
    assert.equal((await verifier.verify(kept)).claims["sub"], "user-1");
  });

  test("an issuer that is out of reach is `unavailable`, with the reason for logs and not for callers", async () => {
    const down = openIdVerifier({ issuer: "http://127.0.0.1:1", audience: "shop", clock, timeoutMs: 500 });
    await assert.rejects(down.prepare(), (thrown) => {
      assert.ok(thrown instanceof Fault && thrown.cause instanceof IssuerUnreachable);
      assert.equal(thrown.message, "the token cannot be verified now: the keys of its issuer are out of reach");
      assert.match(thrown.cause.message, /127\.0\.0\.1:1.*ECONNREFUSED|127\.0\.0\.1:1/);
      return true;
    });
  });

  for (const [what, path, answer, reason] of [
    ["silent", "/keys", () => undefined, /within 500 ms/],
    ["slow in its body", "/keys", (_, response) => void response.writeHead(200).write("{"), /within 500 ms/],
    ["failing", "/keys", (_, response) => void response.writeHead(500).end("{}"), /status 500/],
    ["pointing elsewhere", "/keys", (_, response) => void response.writeHead(302, { location: "/other" }).end(), /redirect/],
    ["endless", "/keys", (_, response) => void response.writeHead(200).end(Buffer.alloc(2_000_000, 32)), /more than 1048576 bytes/],
    ["not JSON", "/keys", (_, response) => void response.writeHead(200).end("<html>"), /not answer with JSON/],
    ["not keys", "/keys", (_, response) => json(response, { keys: "none" }), /JSON Web Key Set/],
    ["a list", "/keys", (_, response) => json(response, []), /JSON object/],
    ["without keys' place", "/.well-known/openid-configuration", (_, response) => json(response, { issuer: server.issuer }), /jwks_uri/],
    ["of another name", "/.well-known/openid-configuration", (_, response) => json(response, { issuer: `${server.issuer}/`, jwks_uri: "x" }), /speaks for the issuer/],
    ["with keys over plain http", "/.well-known/openid-configuration", (_, response) => json(response, { issuer: server.issuer, jwks_uri: "http://keys.example/" }), /not https/],
  ] as readonly [string, string, Parameters<KeyServer["answers"]["set"]>[1], RegExp][]) {
    test(`an issuer that is ${what} is \`unavailable\``, async () => {
      server.answers.set(path, answer);
      await assert.rejects(open().verify(token()), (thrown) => {
        assert.ok(thrown instanceof Fault && thrown.code === "unavailable");
        assert.match((thrown.cause as Error).message, reason);
        return true;
      });
    });
  }

  test("the log is told once per fetch that failed, and callers are not kept from other calls", async () => {
    const told: unknown[] = [];
    const log = { debug() {}, info() {}, error() {}, warn: (message: string) => void told.push(message) };
    server.answers.set("/keys", (_, response) => void response.writeHead(503).end());
    const verifier = open({ log });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => verifier.verify(token())));
    assert.ok(outcomes.every((outcome) => outcome.status === "rejected"));
    assert.equal(told.length, 1);
  });

  test("other keys in the set do no harm: symmetric, for encryption, of unknown kind, broken", async () => {
    const { publicKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { publicKey: short } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const others = [
      { ...short.export({ format: "jwk" }), kid: "short" },
      { kty: "oct", k: "c2VjcmV0", kid: "oct", alg: "HS256" },
      { ...rsa.export({ format: "jwk" }), kid: "enc", use: "enc" },
      { kty: "LATTICE", kid: "future" },
      { kty: "EC", crv: "P-256", x: "AA", y: "AA", kid: "broken" },
    ];
    server.answers.set("/keys", (_, response) => json(response, { keys: [...others, first.publicJwk] }));
    const told: string[] = [];
    const log = { debug() {}, info() {}, error() {}, warn: (message: string) => void told.push(message) };
    const verifier = open({ log });
    assert.ok(await verifier.verify(token()));
    assert.deepEqual(told, []);
    for (const header of [{ kid: "broken" }, { kid: "short", alg: "RS256" }]) await assert.rejects(verifier.verify(token(first, header)), notValid);
    assert.deepEqual(told, Array(2).fill("a key of the token issuer cannot be used"));
    for (const kid of ["oct", "enc", "future"]) await assert.rejects(verifier.verify(token(first, { kid })), notValid);
  });

  test("a token without `kid` is taken where the issuer has one key, and refused where it could be any", async () => {
    const verifier = open();
    assert.ok(await verifier.verify(token(first, { kid: undefined })));
    server.keys = [first, second];
    clock.advance(31_000);
    await verifier.verify(token(second));
    await assert.rejects(verifier.verify(token(first, { kid: undefined })), notValid);
  });

  test("RS256 and EdDSA tokens are taken, unless the app names other algorithms", async () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const ed = generateKeyPairSync("ed25519");
    const keys = [{ ...rsa.publicKey.export({ format: "jwk" }), kid: "rsa" }, { ...ed.publicKey.export({ format: "jwk" }), kid: "ed" }];
    server.answers.set("/keys", (_, response) => json(response, { keys }));
    const claims = { iss: server.issuer, aud: "shop", sub: "user-1", exp: clock.nowMs() / 1_000 + 60 };
    const signed = (header: object) => [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const rs = signed({ alg: "RS256", kid: "rsa" });
    const rsToken = `${rs}.${sign("sha256", Buffer.from(rs), rsa.privateKey).toString("base64url")}`;
    const edSigned = signed({ alg: "EdDSA", kid: "ed" });
    const edToken = `${edSigned}.${sign(null, Buffer.from(edSigned), ed.privateKey).toString("base64url")}`;
    assert.ok(await open().verify(rsToken));
    assert.ok(await open().verify(edToken));
    const strict = open({ algorithms: ["ES256"] });
    await assert.rejects(strict.verify(rsToken), notValid);
    await assert.rejects(strict.verify(edToken), notValid);
  });

  test("arbitrary text and arbitrary parts are refused, and never break anything", async () => {
    const verifier = open();
    const part = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.json().map((text) => Buffer.from(text).toString("base64url")),
      fc.record({ alg: fc.constantFrom("ES256", "RS256", "EdDSA", "none", "HS256"), kid: fc.constantFrom("first", "x"), typ: fc.jsonValue(), crit: fc.jsonValue() }, { requiredKeys: [] })
        .map((header) => Buffer.from(JSON.stringify(header)).toString("base64url")),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
        await assert.rejects(verifier.verify(parts.join(".")), { code: "unauthenticated" });
      }),
      { numRuns: 500 },
    );
  });

  test("settings that nothing could be verified with, or anything, are told in one go", () => {
    assert.throws(
      () => openIdVerifier({ issuer: "http://login.example", jwksUrl: "keys", audience: [""], algorithms: ["HS256", "none", "ES256"], clockSkewMs: -1, clock }),
      (thrown) => {
        assert.ok(thrown instanceof IssuerSettingsError);
        for (const problem of ["http://login.example", '"keys" is not a URL', "audience", "HS256, none", "clockSkewMs -1"]) assert.ok(thrown.message.includes(problem), problem);
        return true;
      },
    );
    assert.throws(() => open({ audience: [] }), IssuerSettingsError);
    assert.throws(() => open({ algorithms: [] }), IssuerSettingsError);
    assert.ok(open({ issuer: "http://login.internal", transport: "any" }));
  });

  test("an app that never sees a token never loads the library", async () => {
    const script = `
      import { registerHooks } from "node:module";
      const seen = [];
      registerHooks({ resolve(specifier, context, next) { if (specifier === "jose") seen.push(specifier); return next(specifier, context); } });
      const { openIdVerifier } = await import(${JSON.stringify(new URL("../../src/oidc/index.ts", import.meta.url).href)});
      const verifier = openIdVerifier({ issuer: "https://login.example", audience: "shop", clock: { nowMs: Date.now, elapsedMs: () => performance.now() } });
      const before = seen.length;
      await verifier.verify("x").catch(() => {});
      console.log(JSON.stringify([before, seen.length > 0]));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=tenon-source", "--input-type=module", "-e", script], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
    });
    assert.deepEqual(JSON.parse(stdout), [0, true]);
  });
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail("it did not come to pass within a second");
}
