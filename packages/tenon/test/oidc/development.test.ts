import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { developmentAudience, developmentIssuer, DevelopmentKeyError, openDevelopmentIssuer } from "../../src/oidc/index.ts";
import { tokenVerifierContract } from "../../src/trust/testing.ts";
import { ManualClock } from "../trust/manual-clock.ts";

tokenVerifierContract("the development issuer", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tenon-issuer-"));
  const clock = new ManualClock();
  const { verifier, file } = await openDevelopmentIssuer({ directory, clock });
  const { d: _, ...publicJwk } = JSON.parse(await readFile(file, "utf8"));
  return {
    verifier,
    issuer: developmentIssuer,
    audience: developmentAudience,
    clockSkewMs: 0,
    setNowMs: (nowMs) => clock.set(nowMs),
    header: { alg: "ES256", kid: publicJwk.kid },
    privateKey: createPrivateKey({ key: JSON.parse(await readFile(file, "utf8")), format: "jwk" }),
    publicJwk,
    close: () => rm(directory, { recursive: true }),
  };
});

describe("the development issuer", async () => {
  const root = await mkdtemp(join(tmpdir(), "tenon-issuer-"));
  const clock = new ManualClock();
  after(() => rm(root, { recursive: true }));

  test("a token that it signs is verified, with everything that was asked for in it", async () => {
    const issuer = await openDevelopmentIssuer({ directory: join(root, "signs"), clock });
    const token = await issuer.sign({ subject: "user-1", scopes: ["orders:read", "orders:write"], roles: ["admin"], expiresInS: 60, claims: { tenant: "t1", iss: "evil", sub: "root", exp: 1e9 } });
    const { claims, expiresAtMs } = await issuer.verifier.verify(token);
    const { iat, jti, ...rest } = claims;
    const nowS = clock.nowMs() / 1_000;
    assert.deepEqual(rest, { iss: "urn:tenon:development", aud: "tenon", sub: "user-1", scope: "orders:read orders:write", roles: ["admin"], exp: nowS + 60, tenant: "t1" });
    assert.equal(iat, nowS);
    assert.equal(typeof jti, "string");
    assert.equal(expiresAtMs, clock.nowMs() + 60_000);
  });

  test("a token lives an hour unless asked otherwise, and nobody gets one without a subject or a life", async () => {
    const issuer = await openDevelopmentIssuer({ directory: join(root, "signs"), clock });
    const { expiresAtMs } = await issuer.verifier.verify(await issuer.sign({ subject: "user-1" }));
    assert.equal(expiresAtMs, clock.nowMs() + 3_600_000);
    await assert.rejects(issuer.sign({ subject: "" }), RangeError);
    await assert.rejects(issuer.sign({ subject: "user-1", expiresInS: 0 }), RangeError);
  });

  test("the key is made at first use for its owner's eyes only, and stays", async () => {
    const directory = join(root, "stays", "deeper");
    const first = await openDevelopmentIssuer({ directory, clock });
    const again = await openDevelopmentIssuer({ directory, clock });
    assert.ok(await again.verifier.verify(await first.sign({ subject: "user-1" })));
    assert.deepEqual(await readdir(directory), ["issuer.json"]);
    if (process.platform !== "win32") {
      assert.equal((await stat(first.file)).mode & 0o777, 0o600);
      assert.equal((await stat(directory)).mode & 0o777, 0o700);
    }
  });

  test("keys of two directories have nothing to do with each other", async () => {
    const one = await openDevelopmentIssuer({ directory: join(root, "one"), clock });
    const other = await openDevelopmentIssuer({ directory: join(root, "other"), clock });
    await assert.rejects(other.verifier.verify(await one.sign({ subject: "user-1" })), { code: "unauthenticated", message: "the token is not valid" });
  });

  test("openings at the same time, in one process and in several, end with one key", async () => {
    const directory = join(root, "race");
    const issuers = await Promise.all(Array.from({ length: 20 }, () => openDevelopmentIssuer({ directory, clock })));
    const token = await issuers[0]?.sign({ subject: "user-1" });
    for (const issuer of issuers) assert.ok(await issuer.verifier.verify(token ?? ""));

    const script = `
      const { openDevelopmentIssuer } = await import(${JSON.stringify(new URL("../../src/oidc/index.ts", import.meta.url).href)});
      while (Date.now() < Number(process.argv[2])) {}
      const issuer = await openDevelopmentIssuer({ directory: process.argv[1], clock: { nowMs: Date.now, elapsedMs: () => performance.now() } });
      console.log(await issuer.sign({ subject: "user-1" }));
    `;
    const shared = join(root, "processes");
    const startAtMs = Date.now() + 1_500;
    const tokens = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=tenon-source", "--input-type=module", "-e", script, shared, String(startAtMs)]);
        return stdout.trim();
      }),
    );
    const real = { nowMs: Date.now, elapsedMs: () => performance.now(), after: () => ({ cancel() {} }) };
    const { verifier } = await openDevelopmentIssuer({ directory: shared, clock: real });
    for (const each of tokens) assert.equal((await verifier.verify(each)).claims["sub"], "user-1");
    assert.deepEqual(await readdir(shared), ["issuer.json"]);
  });

  test("a file that cannot be used is named, with the remedy", async () => {
    const { file } = await openDevelopmentIssuer({ directory: join(root, "good"), clock });
    const good = JSON.parse(await readFile(file, "utf8"));
    const { file: otherFile } = await openDevelopmentIssuer({ directory: join(root, "good-2"), clock });
    const { d } = JSON.parse(await readFile(otherFile, "utf8"));
    const { d: _, ...publicHalf } = good;
    for (const [text, problem] of [
      ["", "is not JSON"],
      [JSON.stringify(good).slice(0, 40), "is not JSON"],
      ["null", "is not a private JSON Web Key"],
      ["{}", "is not a private JSON Web Key"],
      [JSON.stringify(publicHalf), "is not a private JSON Web Key"],
      [JSON.stringify({ ...good, crv: "P-384" }), "is not a private JSON Web Key"],
      [JSON.stringify({ ...good, x: "AA" }), "is not a key that can be used"],
      [JSON.stringify({ ...good, d }), ""],
    ] as const) {
      const directory = await mkdtemp(join(root, "bad-"));
      await writeFile(join(directory, "issuer.json"), text);
      await assert.rejects(openDevelopmentIssuer({ directory, clock }), (thrown) => {
        assert.ok(thrown instanceof DevelopmentKeyError, String(thrown));
        assert.ok(thrown.message.includes(join(directory, "issuer.json")));
        assert.ok(thrown.message.includes(problem), thrown.message);
        assert.match(thrown.message, /Delete it: a new one is made/);
        assert.ok(!thrown.message.includes(good.d), "the key itself is not told");
        return true;
      });
    }
  });

  test("a place where nothing can be read or written is named, with the remedy", async () => {
    const taken = join(root, "taken");
    await mkdir(join(taken, "issuer.json"), { recursive: true });
    await assert.rejects(openDevelopmentIssuer({ directory: taken, clock }), { name: "DevelopmentKeyError", message: /cannot be read \(EISDIR\)\. Give yourself the right/ });
    const file = join(root, "file");
    await writeFile(file, "");
    await assert.rejects(openDevelopmentIssuer({ directory: file, clock }), { name: "DevelopmentKeyError", message: /cannot be made \(EEXIST\)\. Make .*file a directory/ });
    await assert.rejects(openDevelopmentIssuer({ directory: join(file, "inner"), clock }), { name: "DevelopmentKeyError", message: /cannot be made \(ENOTDIR\)/ });
  });
});
