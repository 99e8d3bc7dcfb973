import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toCaller } from "../../src/trust/index.ts";

const base = { iss: "https://login.example", sub: "user-1" };

describe("toCaller", () => {
  test("scopes are the words of `scope`, else `scp` as text or list", () => {
    const scopesOf = (claims: object) => [...toCaller({ ...base, ...claims }).scopes];
    assert.deepEqual(scopesOf({ scope: "orders:read  orders:write " }), ["orders:read", "orders:write"]);
    assert.deepEqual(scopesOf({ scp: "orders:read orders:write" }), ["orders:read", "orders:write"]);
    assert.deepEqual(scopesOf({ scp: ["orders:read", 1, null, ""] }), ["orders:read"]);
    assert.deepEqual(scopesOf({ scope: "", scp: "orders:write" }), [], "an empty `scope` is an answer");
    for (const scope of [undefined, null, 1, {}, { length: 1, 0: "orders:read" }, true]) assert.deepEqual(scopesOf({ scope }), []);
  });

  test("roles are the texts in the list under `roles`", () => {
    const rolesOf = (roles: unknown) => [...toCaller({ ...base, roles }).roles];
    assert.deepEqual(rolesOf(["admin", "clerk", "admin", 7, null, ["root"], ""]), ["admin", "clerk"]);
    for (const roles of [undefined, null, "admin", { 0: "admin" }, 1]) assert.deepEqual(rolesOf(roles), []);
  });

  test("a client that acts for itself is a program, anybody else a person", () => {
    const kindOf = (claims: object) => toCaller({ ...base, ...claims }).kind;
    assert.equal(kindOf({}), "person");
    assert.equal(kindOf({ client_id: "web", azp: "web" }), "person");
    for (const claims of [{ client_id: "user-1" }, { azp: "user-1" }, { idtyp: "app" }, { gty: "client-credentials" }]) assert.equal(kindOf(claims), "program");
  });

  test("no claim makes a caller of the platform's own kind", () => {
    for (const claims of [{ kind: "system" }, { idtyp: "system" }, { sub: "system" }]) assert.notEqual(toCaller({ ...base, ...claims }).kind, "system");
  });

  test("a token that does not say for whom and by whom is refused", () => {
    for (const claims of [{ sub: "" }, { sub: 1 }, { sub: undefined }, { iss: "" }, { iss: ["x"] }, { iss: undefined }]) {
      assert.throws(() => toCaller({ ...base, ...claims }), { code: "unauthenticated", message: "the token is not valid" });
    }
  });

  test("what one call does to the claims, another does not see", () => {
    const caller = toCaller({ ...base, tenant: { id: "t1", tags: ["a"] } });
    const tenant = caller.claims["tenant"] as { id: string; tags: string[] };
    assert.throws(() => void (tenant.id = "t2"), TypeError);
    assert.throws(() => tenant.tags.push("b"), TypeError);
    assert.throws(() => void ((caller as { subject: string }).subject = "root"), TypeError);
  });
});
