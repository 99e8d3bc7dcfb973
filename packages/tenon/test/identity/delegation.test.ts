/** What a calling service may say of its caller, and what is not taken from it. */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import type { Caller } from "../../src/contract/index.ts";
import { createDelegation, IdPattern, readDelegation } from "../../src/identity/index.ts";

const pattern = new IdPattern("spiffe://example.org/shop/{service}");
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const common = { issuer: pattern.idOf("orders"), audience: pattern.idOf("payments"), thumbprint: "A".repeat(43), nowMs: 1_800_000_000_000 };
const ada: Caller = { kind: "person", subject: "ada", issuer: "https://id.example", scopes: new Set(["a"]), roles: new Set(["b"]), claims: { sub: "ada", iss: "https://id.example", team: "red", cnf: { jkt: "k" }, scope: "a secret" } };

/** As a service that was taken over would: its own key, and whatever it likes in the token. */
function changed(token: string, change: (claims: Record<string, Record<string, unknown>>) => void, key: KeyObject = privateKey): string {
  const [head = "", body = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, Record<string, unknown>>;
  change(claims);
  const text = `${head}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

function read(token: string) {
  const found = readDelegation(token, { ...common, key: publicKey, serviceOf: (id) => pattern.serviceOf(id) });
  assert.ok("caller" in found, JSON.stringify(found));
  return found;
}

test("claims about the token itself stay behind on both sides, and no service can make up to what a caller's token is bound", () => {
  const token = createDelegation({ ...common, caller: ada, boundToken: "the.bound.token", key: privateKey, idOf: (service) => pattern.idOf(service) });
  const { boundToken, caller } = read(token);
  assert.equal(boundToken, "the.bound.token");
  assert.deepEqual(caller.claims, { team: "red", sub: "ada", iss: "https://id.example" });
  const forged = read(changed(token, ({ tenon }) => Object.assign(tenon ?? {}, { claims: { cnf: { jkt: "made up" }, act: {}, scope: "all", sub: "olga", team: "blue" } })));
  assert.deepEqual(forged.caller.claims, { team: "blue", sub: "ada", iss: "https://id.example" });
  const acting = read(changed(token, ({ tenon }) => Object.assign(tenon ?? {}, { kind: "system", claims: { cnf: { jkt: "made up" }, service: "orders" } })));
  assert.deepEqual([acting.caller.kind, acting.caller.claims], ["system", { service: "orders" }]);
  assert.equal(read(changed(token, ({ tenon }) => Object.assign(tenon ?? {}, { token: 7 }))).boundToken, undefined);
});
