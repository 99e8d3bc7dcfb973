/** Settings from files and from Vault: found, masked, and read anew while the app runs. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { app, contract, query, secret, service } from "../../src/index.ts";
import { ConfigError, openMasterKeys, parseConfig, Secrets, startApp, systemClock } from "../../src/app/index.ts";
import { VaultServer } from "../vault/vault-server.ts";

describe("settings", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-secrets-"));
  });
  after(() => rm(directory, { recursive: true }));

  const write = (name: string, text: string) => writeFile(join(directory, name), text);
  const open = (values: Readonly<Record<string, string>>, file: Readonly<Record<string, string>> = {}) => Secrets.open([{ name: "environment", values }, { name: ".env", values: file }], systemClock);

  test("come from the file that NAME_FILE names, and from a directory of files; the environment is stronger, .env weaker", async () => {
    await write("url", "postgres://from-file\n");
    await write("OIDC_AUDIENCE", "from-directory");
    await write("HOST", "from-directory");
    const { layers } = await open({ DATABASE_URL_FILE: join(directory, "url"), SECRETS_DIRECTORY: directory, HOST: "127.0.0.1" }, { DATABASE_URL: "postgres://from-dotenv", OIDC_AUDIENCE: "from-dotenv" });
    const { config, lines } = parseConfig(layers);
    assert.equal(config.databaseUrl, "postgres://from-file");
    assert.equal(config.oidcAudience, "from-directory");
    assert.equal(config.host, "127.0.0.1");
    assert.deepEqual(lines.filter(({ env }) => env === "DATABASE_URL").map(({ from, value }) => [from, value]), [["file", "***"]], "masked, whatever it comes from");
  });

  test("that name a file by themselves are left to whoever reads it", async () => {
    await write("master", "not text to be read as a setting");
    const secrets = await open({ PRIVACY_MASTER_KEY_FILE: join(directory, "master") });
    assert.equal(secrets.current("PRIVACY_MASTER_KEY"), undefined);
    assert.equal(secrets.current("PRIVACY_MASTER_KEY_FILE"), join(directory, "master"));
  });

  test("in a file that cannot be read are told by name", async () => {
    const { layers } = await open({ DATABASE_URL_FILE: join(directory, "nothing") });
    assert.throws(() => parseConfig(layers), (thrown) => {
      assert.ok(thrown instanceof ConfigError);
      assert.match(thrown.message, /DATABASE_URL_FILE names .*nothing, which cannot be read: ENOENT/);
      return true;
    });
  });

  test("come from Vault, below files and above .env, and change while the app runs", async () => {
    const vault = await VaultServer.open();
    try {
      vault.put("secret/shop", { DATABASE_URL: "postgres://vault-1", HOST: "vault" });
      await write("token", "root\n");
      const secrets = await open({ VAULT_ADDR: vault.url, VAULT_TOKEN_FILE: join(directory, "token"), VAULT_SECRETS: "secret/shop", HOST_FILE: join(directory, "token") }, { DATABASE_URL: "postgres://dotenv" });
      const changes: string[] = [];
      secrets.onChange((changed) => changes.push(changed.join(",")));
      assert.equal(secrets.current("DATABASE_URL"), "postgres://vault-1");
      assert.equal(secrets.current("HOST"), "root");
      vault.put("secret/shop", { DATABASE_URL: "postgres://vault-2" });
      assert.deepEqual(await secrets.reread(), ["DATABASE_URL", "HOST"]);
      assert.equal(secrets.current("DATABASE_URL"), "postgres://vault-2");
      assert.deepEqual(await secrets.reread(), []);
      assert.deepEqual(changes, ["DATABASE_URL,HOST"]);
      vault.isSealed = true;
      await assert.rejects(secrets.reread(), /Vault is sealed/);
      assert.equal(secrets.current("DATABASE_URL"), "postgres://vault-2", "what was read before goes on");
    } finally {
      await vault.close();
    }
  });

  test("a Vault without a path, or out of reach, keeps the app from starting", async () => {
    await assert.rejects(open({ VAULT_ADDR: "http://127.0.0.1:1", VAULT_TOKEN: "t" }), /VAULT_SECRETS is missing/);
    await assert.rejects(open({ VAULT_ADDR: "http://127.0.0.1:1", VAULT_TOKEN: "t", VAULT_SECRETS: "shop" }), (thrown) => thrown instanceof ConfigError && /VAULT_SECRETS must be mount and path/.test(thrown.message));
    await assert.rejects(open({ VAULT_ADDR: "http://127.0.0.1:1", VAULT_TOKEN: "t", VAULT_SECRETS: "secret/shop" }), /Vault at http:\/\/127\.0\.0\.1:1 does not answer/);
  });

  test("a Vault whose token and secrets anybody on the way could read is not asked", async () => {
    for (const address of ["http://vault.example:8200", "http://127.0.0.1.example:8200", "vault.example"]) {
      await assert.rejects(open({ VAULT_ADDR: address, VAULT_TOKEN: "t", VAULT_SECRETS: "secret/shop" }), (thrown) => thrown instanceof ConfigError && /VAULT_ADDR must /.test(thrown.message));
    }
    assert.throws(() => parseConfig([{ name: "test", values: { VAULT_ADDR: "http://vault.example:8200" } }]), /VAULT_ADDR/);
  });

  test("the token of a master key in Vault is that of the moment", async () => {
    const vault = await VaultServer.open();
    try {
      vault.keys.set("transit/shop", randomBytes(32));
      vault.grant("first");
      await write("vault-token", "first\n");
      const secrets = await open({ PRIVACY_KEY_WRAPPER: "vault", PRIVACY_VAULT_KEY: "transit/shop", VAULT_ADDR: vault.url, VAULT_TOKEN_FILE: join(directory, "vault-token"), HOST_FILE: "" });
      const { config } = parseConfig(secrets.layers);
      const { current } = await openMasterKeys(config, { vaultToken: () => secrets.current("VAULT_TOKEN") });
      const key = randomBytes(32);
      const wrapped = await current.wrap(key, "a");
      vault.revokeAll();
      vault.grant("second");
      await write("vault-token", "second\n");
      await secrets.reread();
      assert.deepEqual(Buffer.from(await current.unwrap(wrapped, "a")), key);
    } finally {
      await vault.close();
    }
  });

  test("of a service reach its handlers anew without a restart", async () => {
    await write("API_KEY", "first");
    const made = contract("keys", { show: query({ http: "GET /show", access: "public", output: z.object({ length: z.int(), last: z.string() }) }) });
    const keys = service(made, { config: z.object({ API_KEY: secret(z.string()) }), handlers: { show: ({ config }) => ({ length: config.API_KEY.length, last: config.API_KEY.at(-1) ?? "" }) } });
    const values = { PORT: "0", HOST: "127.0.0.1", SECRETS_DIRECTORY: directory, SECRETS_REREAD_S: "1", LOG_LEVEL: "error", HOST_FILE: "", TENON_DIRECTORY: directory };
    const started = await startApp(app("keys", { services: [keys] }), { layers: [{ name: "test", values }] });
    try {
      const show = async (): Promise<unknown> => (await fetch(`${started.url}/show`)).json();
      assert.deepEqual(await show(), { length: 5, last: "t" });
      await write("API_KEY", "the second");
      for (let waited = 0; waited < 50 && (JSON.stringify(await show())).includes("5"); waited += 1) await pause(100);
      assert.deepEqual(await show(), { length: 10, last: "d" });
    } finally {
      await started.stop();
    }
  });
});
