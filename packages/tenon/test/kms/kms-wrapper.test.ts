/** A master key in AWS KMS, against a server that speaks its documented API and checks signatures; and the way from one master key to another. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { ConfigError, openMasterKeys, parseConfig, systemClock } from "../../src/app/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { openKmsWrapper } from "../../src/kms/index.ts";
import { type MasterKeys, openVault, rotateMaster } from "../../src/privacy/index.ts";
import { keyWrapperContract } from "../../src/privacy/testing.ts";
import { openServerDatabase, skip } from "../data/server.ts";
import { people, openPeople, ada } from "../privacy/people.ts";
import { VaultServer } from "../vault/vault-server.ts";
import { KmsServer } from "./kms-server.ts";

const keyArn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

async function openServer(): Promise<KmsServer> {
  const server = await KmsServer.open();
  for (const key of [keyArn, "alias/other"]) server.keys.set(key, randomBytes(32));
  return server;
}

keyWrapperContract("a key in AWS KMS", async () => {
  const server = await openServer();
  const common = { endpoint: server.url, region: "eu-central-1", credentials };
  return { wrapper: await openKmsWrapper({ ...common, key: keyArn }), other: await openKmsWrapper({ ...common, key: "alias/other" }), close: () => server.close() };
});

test("who signs with another secret is refused, a busy server is asked again, and the context tells of nobody", async () => {
  const server = await openServer();
  try {
    const open = (secretAccessKey = credentials.secretAccessKey, key = keyArn) => openKmsWrapper({ endpoint: server.url, region: "eu-central-1", key, credentials: { ...credentials, secretAccessKey } });
    const refusal = (type: string) => (thrown: unknown) => thrown instanceof Fault && thrown.code === "unavailable" && thrown.message.includes(type);
    await assert.rejects(async () => (await open("guessed")).wrap(randomBytes(32), "a"), refusal("InvalidSignatureException"));
    await assert.rejects(async () => (await open(undefined, "alias/none")).wrap(randomBytes(32), "a"), refusal("NotFoundException"));
    server.busy = 1;
    const key = randomBytes(32);
    const wrapper = await open();
    const wrapped = await wrapper.wrap(key, "subject ada");
    assert.deepEqual(Buffer.from(await wrapper.unwrap(wrapped, "subject ada")), key);
    assert.ok(!JSON.stringify(server.contexts).includes("ada"));
  } finally {
    await server.close();
  }
});

test("what is missing beside a wrapper is told with its setting", async () => {
  const problems = (values: Readonly<Record<string, string>>): string => {
    try {
      parseConfig([{ name: "test", values }]);
      return "";
    } catch (thrown) {
      assert.ok(thrown instanceof ConfigError);
      return thrown.message;
    }
  };
  assert.match(problems({ PRIVACY_KEY_WRAPPER: "vault" }), /PRIVACY_VAULT_KEY is missing/);
  assert.match(problems({ PRIVACY_KEY_WRAPPER: "kms" }), /PRIVACY_KMS_KEY is missing/);
  assert.match(problems({ PRIVACY_KEY_WRAPPER: "kms", PRIVACY_KMS_KEY: "alias/shop" }), /AWS_REGION is missing[^]*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing/);
  assert.match(problems({ PRIVACY_VAULT_KEY: "shop" }), /mount and name/);
  const { config } = parseConfig([{ name: "test", values: { PRIVACY_KEY_WRAPPER: "vault", PRIVACY_VAULT_KEY: "transit/shop" } }]);
  await assert.rejects(openMasterKeys(config), /VAULT_ADDR is missing/);
});

describe("from one master key to another", { skip }, () => {
  test("a key of the app's own, then one in Vault, then one in KMS: values stay readable, and each old one is needed no more", async () => {
    const [vault, kms, opened] = [await VaultServer.open(), await openServer(), await openServerDatabase()];
    try {
      vault.keys.set("transit/shop", randomBytes(32));
      const local = { PRIVACY_MASTER_KEY: randomBytes(32).toString("base64") };
      const inVault = { VAULT_ADDR: vault.url, VAULT_TOKEN: "root", PRIVACY_VAULT_KEY: "transit/shop" };
      const inKms = { PRIVACY_KMS_KEY: keyArn, PRIVACY_KMS_ENDPOINT: kms.url, AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };
      const masters = (values: Readonly<Record<string, string>>): Promise<MasterKeys> => openMasterKeys(parseConfig([{ name: "test", values }]).config);
      const readAda = async (by: MasterKeys): Promise<string | undefined> => {
        const service = await openPeople(opened.database, { masters: by });
        return service.run(people.get, async ({ db }) => (await db.selectFrom("people").select("name").where("email", "=", ada.email).executeTakeFirst())?.name);
      };

      const first = await openPeople(opened.database, { masters: await masters(local) });
      await first.run(people.put, ({ db }) => db.insertInto("people").values(ada).execute());

      assert.ok((await rotateMaster(opened.database, await masters({ ...local, ...inVault, PRIVACY_KEY_WRAPPER: "vault" }))) >= 2);
      const vaultAlone = await masters({ ...inVault, PRIVACY_KEY_WRAPPER: "vault" });
      assert.equal(await readAda(vaultAlone), ada.name);
      await assert.rejects(openVault({ database: opened.database, masters: await masters(local), clock: systemClock, randomBytes }), /wrapped by the master key vault:transit\/shop/);

      assert.ok((await rotateMaster(opened.database, await masters({ ...inVault, ...inKms, PRIVACY_KEY_WRAPPER: "kms" }))) >= 2);
      vault.revokeAll();
      assert.equal(await readAda(await masters({ ...inKms, PRIVACY_KEY_WRAPPER: "kms" })), ada.name);
    } finally {
      await opened.drop();
      await vault.close();
      await kms.close();
    }
  });
});
