/** No secret stands in this repository, nor in what is built of it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { searchSecrets } from "../packages/tenon/src/cli/secret-files.ts";
import { findSecrets } from "../packages/tenon/src/cli/secret-scan.ts";
import { root } from "./source-files.ts";

const kindsIn = (text: string): readonly string[] => findSecrets(text).map(({ kind }) => kind);

/** Files that look as if they held one, each with its reason. */
const fixtures: Readonly<Record<string, string>> = {
  "packages/tenon/test/otlp/fixture-tls/key.pem": "the key of a certificate for localhost, made for a test",
};

describe("secrets", () => {
  test("stand in no file of the repository", () => {
    const { files, found } = searchSecrets(root);
    assert.deepEqual(found.filter(({ at }) => !(at.replace(/:\d+$/, "") in fixtures)), []);
    for (const path of Object.keys(fixtures)) assert.ok(found.some(({ at }) => at.startsWith(`${path}:`)), `${path} needs no exemption any more`);
    assert.ok(files > 500, `${files} files were looked at`);
  });

  test("are found by their form", () => {
    const drawn = (letters: number): string => randomBytes(letters).toString("base64url").replaceAll(/[-_]/g, "x").slice(0, letters);
    assert.deepEqual(kindsIn(`const key = "AKIA${drawn(64).toUpperCase().replaceAll(/[^A-Z0-9]/g, "").slice(0, 16)}";`), ["an access key of AWS"]);
    assert.deepEqual(kindsIn(`// ghp_${drawn(36)}`), ["a token of GitHub"]);
    assert.deepEqual(kindsIn(`one\ntwo sk_live_${drawn(24)}`), ["a live key of Stripe"]);
    assert.deepEqual(findSecrets(`one\ntwo sk_live_${drawn(24)}`)[0]?.line, 2);
    assert.deepEqual(kindsIn(`${["-----BEGIN", "PRIVATE", "KEY-----"].join(" ")}\n${drawn(64)}\n${drawn(64)}`), ["a private key"]);
    assert.deepEqual(kindsIn(`hvs.${drawn(30)}`), ["a token of Vault"]);
    for (let i = 0; i < 50; i += 1) {
      assert.deepEqual(kindsIn(`API_KEY="a1B${drawn(29)}"`), ["a secret under a name that says so"]);
      assert.deepEqual(kindsIn(`postgres://shop:a1B${drawn(21)}@db.internal/shop`), ["a password in a URL"]);
    }
  });

  test("are not what only looks like one to a machine", () => {
    for (const text of [
      'const password = "correct-horse-battery-staple";',
      "postgres://postgres:postgres@127.0.0.1:5432/shop",
      "redis://user:password@host:6379",
      'secret: "PAYMENTS_WEBHOOK_SECRET_NAME",',
      "password = process.env.DATABASE_PASSWORD_2",
      'apiKey: "<your key, 32 letters and digits 0-9>"',
      "AKIAIOSFODNN7EXAMPLE",
      "-----BEGIN PUBLIC KEY-----",
    ]) assert.deepEqual(kindsIn(text), [], text);
  });
});
