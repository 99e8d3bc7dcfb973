/** A master key in Vault's transit engine, against a server that speaks its documented API. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { systemClock } from "../../src/app/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { keyWrapperContract } from "../../src/privacy/testing.ts";
import { openTransitWrapper } from "../../src/vault/index.ts";
import { VaultServer } from "./vault-server.ts";

async function openServer(): Promise<VaultServer> {
  const server = await VaultServer.open();
  for (const name of ["transit/shop", "transit/other"]) server.keys.set(name, randomBytes(32));
  return server;
}

keyWrapperContract("a key in Vault's transit engine", async () => {
  const server = await openServer();
  const common = { address: server.url, token: () => "root", clock: systemClock };
  return { wrapper: openTransitWrapper({ ...common, key: "transit/shop" }), other: openTransitWrapper({ ...common, key: "transit/other" }), close: () => server.close() };
});

test("a token that is refused, a key that is not there and a Vault that is sealed are out of reach, and nothing is lost", async () => {
  const server = await openServer();
  try {
    const isOut = (thrown: unknown): boolean => thrown instanceof Fault && thrown.code === "unavailable" && /transit/.test(thrown.message);
    const open = (token: string, key: string) => openTransitWrapper({ address: server.url, token: () => token, clock: systemClock, key });
    await assert.rejects(async () => open("guessed", "transit/shop").wrap(randomBytes(32), "a"), isOut);
    await assert.rejects(async () => open("root", "transit/none").wrap(randomBytes(32), "a"), isOut);
    const wrapper = open("root", "transit/shop");
    const key = randomBytes(32);
    const wrapped = await wrapper.wrap(key, "a");
    server.isSealed = true;
    await assert.rejects(async () => wrapper.unwrap(wrapped, "a"), isOut);
    server.isSealed = false;
    assert.deepEqual(Buffer.from(await wrapper.unwrap(wrapped, "a")), key);
  } finally {
    await server.close();
  }
});

test("a login as a service account is made anew when its token was taken back", async () => {
  const server = await openServer();
  try {
    server.accounts.set("shop", "jwt-of-the-pod");
    const wrapper = openTransitWrapper({ address: server.url, clock: systemClock, key: "transit/shop", kubernetes: { role: "shop", mount: "kubernetes", readJwt: () => Promise.resolve("jwt-of-the-pod") } });
    const wrapped = await wrapper.wrap(randomBytes(32), "a");
    server.revokeAll();
    assert.equal((await wrapper.unwrap(wrapped, "a")).byteLength, 32);
    assert.equal(server.logins, 2);
  } finally {
    await server.close();
  }
});
