import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "../../src/app/index.ts";
import { openVault, VaultError } from "../../src/vault/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";
import { VaultServer } from "./vault-server.ts";

async function withVault(task: (vault: VaultServer) => Promise<void>): Promise<void> {
  const vault = await VaultServer.open();
  try {
    await task(vault);
  } finally {
    await vault.close();
  }
}

describe("Vault", () => {
  test("fields of secrets are settings; of two of one name the first secret counts", () =>
    withVault(async (server) => {
      server.put("secret/shop", { DATABASE_URL: "postgres://one", PORT: 8080 });
      server.put("secret/common/all", { DATABASE_URL: "postgres://two", KEY: "k" });
      const vault = openVault({ address: `${server.url}/`, token: () => "root", namespace: "team", paths: ["secret/shop", "secret/common/all"], clock: systemClock });
      assert.deepEqual(await vault.read(), { DATABASE_URL: "postgres://one", PORT: "8080", KEY: "k" });
      assert.deepEqual(server.requests, [{ path: "secret/data/shop", namespace: "team" }, { path: "secret/data/common/all", namespace: "team" }]);
    }));

  test("a service account logs in once, again before its token ends, and again when the token is taken back", () =>
    withVault(async (server) => {
      server.put("secret/shop", { KEY: "k" });
      server.accounts.set("shop", "jwt-1");
      const clock = new ManualClock();
      const vault = openVault({ address: server.url, kubernetes: { role: "shop", mount: "kubernetes", readJwt: async () => "jwt-1\n" }, paths: ["secret/shop"], clock });
      await vault.read();
      await vault.read();
      assert.equal(server.logins, 1);
      clock.advance(2_399_000);
      await vault.read();
      assert.equal(server.logins, 1);
      clock.advance(2_000);
      await vault.read();
      assert.equal(server.logins, 2);
      server.revokeAll();
      assert.deepEqual(await vault.read(), { KEY: "k" });
      assert.equal(server.logins, 3);
    }));

  test("many who ask at once log in once, also when the token of all of them was taken back", () =>
    withVault(async (server) => {
      server.put("secret/shop", { KEY: "k" });
      server.accounts.set("shop", "jwt-1");
      const vault = openVault({ address: server.url, kubernetes: { role: "shop", mount: "kubernetes", readJwt: async () => "jwt-1" }, paths: ["secret/shop"], clock: new ManualClock() });
      const readAtOnce = () => Promise.all(Array.from({ length: 20 }, () => vault.read()));
      await readAtOnce();
      assert.equal(server.logins, 1);
      server.revokeAll();
      await readAtOnce();
      assert.equal(server.logins, 2);
    }));

  test("a login that failed is tried again by the next one who asks", () =>
    withVault(async (server) => {
      server.put("secret/shop", { KEY: "k" });
      const vault = openVault({ address: server.url, kubernetes: { role: "shop", mount: "kubernetes", readJwt: async () => "jwt-1" }, paths: ["secret/shop"], clock: new ManualClock() });
      await assert.rejects(vault.read(), { name: "VaultError", status: 403 });
      server.accounts.set("shop", "jwt-1");
      assert.deepEqual(await vault.read(), { KEY: "k" });
    }));

  test("what goes wrong is told with its place, and without a secret", () =>
    withVault(async (server) => {
      const open = (token: string, path = "secret/shop") => openVault({ address: server.url, token: () => token, paths: [path], clock: systemClock });
      const messageOf = async (vault: ReturnType<typeof open>): Promise<string> => {
        try {
          await vault.read();
        } catch (thrown) {
          assert.ok(thrown instanceof VaultError);
          return thrown.message;
        }
        return "none";
      };
      assert.equal(await messageOf(open("root")), "Vault answered 404 to GET secret/data/shop: there is nothing there");
      assert.equal(await messageOf(open("hvs.guess")), "Vault answered 403 to GET secret/data/shop: permission denied");
      server.isSealed = true;
      assert.equal(await messageOf(open("root")), "Vault answered 503 to GET secret/data/shop: Vault is sealed");
      assert.match(await messageOf(openVault({ address: "http://127.0.0.1:1", token: () => "root", paths: ["secret/shop"], clock: systemClock })), /^Vault at http:\/\/127\.0\.0\.1:1 does not answer$/);
      assert.match(await messageOf(openVault({ address: server.url, paths: ["secret/shop"], clock: systemClock })), /^there is no token for Vault/);
    }));
});
