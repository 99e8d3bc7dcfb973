/** The vault of an app, opened with the master key that the configuration names. Loaded only where something is encrypted. */
import { randomFillSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../data/index.ts";
import type { Clock, Part } from "../kernel/index.ts";
import { MadeOnceError, readOrMake } from "../node/index.ts";
import { type KeyWrapper, localKeyWrapper, MasterKeys, openVault, type RandomBytes, type Vault } from "../privacy/index.ts";
import { type Config, ConfigError } from "./config.ts";
import { kmsRegionOf, masterKey } from "./privacy-settings.ts";
import { serviceAccountToken } from "./secrets.ts";
import { SettingProblem } from "./setting.ts";

/** Chance is asked for in portions: a system call for each value would cost as much as sealing it. */
const poolBytes = 8_192;

/** Good for keys and nonces. */
export function createRandomBytes(): RandomBytes {
  const pool = Buffer.allocUnsafe(poolBytes);
  let at = poolBytes;
  return (size) => {
    if (size > 64) return randomFillSync(Buffer.allocUnsafe(size));
    if (at + size > poolBytes) {
      randomFillSync(pool);
      at = 0;
    }
    at += size;
    return Buffer.from(pool.subarray(at - size, at)); // a copy: what is drawn next must not change it
  };
}

export interface OpenedPrivacy {
  readonly vault: Vault;
  readonly part: Part;
}

export interface PrivacyOptions {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  /** Whether data of restricted persons is opened. Default `refused`. */
  readonly restricted?: "opened" | "refused" | undefined;
  /** VAULT_TOKEN as it is now: whoever gives it may give another one while the app runs. Default: as at the start. */
  readonly vaultToken?: (() => string | undefined) | undefined;
}

/** @throws {ConfigError} there is no master key, or a file of one cannot be read. */
export async function openPrivacy({ clock, config, database, restricted, vaultToken }: PrivacyOptions): Promise<OpenedPrivacy> {
  const randomBytes = createRandomBytes();
  const masters = await openMasters(config, { clock, randomBytes, vaultToken });
  const { listening, vault } = await openVault({ clock, database, masters, randomBytes, restricted, plainValues: config.plainValues });
  return { vault, part: { name: "keys of subjects", start: () => undefined, stop: async () => listening?.close() } };
}

/**
 * The master key that wraps, and each other one that is configured: it opens what it wrapped, until everything was wrapped anew.
 *
 * @throws {ConfigError}
 */
export async function openMasters(config: Config, { clock, randomBytes, vaultToken }: Pick<PrivacyOptions, "clock" | "vaultToken"> & { readonly randomBytes: RandomBytes }): Promise<MasterKeys> {
  const toWrapper = (text: string): KeyWrapper => localKeyWrapper(Buffer.from(text, "base64"), randomBytes);
  const configured = config.masterKey !== "" ? config.masterKey : config.masterKeyFile === "" ? undefined : await readKey("PRIVACY_MASTER_KEY_FILE", config.masterKeyFile);
  const old = config.masterKeyOld !== "" ? config.masterKeyOld : config.masterKeyOldFile === "" ? undefined : await readKey("PRIVACY_MASTER_KEY_OLD_FILE", config.masterKeyOldFile);
  const local = configured ?? (config.keyWrapper === "local" ? await developmentKey(config, randomBytes) : undefined);
  const byKind = {
    local: local === undefined ? undefined : toWrapper(local),
    vault: config.vaultKey === "" ? undefined : await openVaultWrapper(config, { clock, vaultToken }),
    kms: config.kmsKey === "" ? undefined : await openAwsWrapper(config),
  };
  const current = byKind[config.keyWrapper];
  if (current === undefined) throw new ConfigError([`PRIVACY_KEY_WRAPPER is ${config.keyWrapper}, and no such key is named`]);
  const others = Object.values(byKind).filter((wrapper) => wrapper !== undefined && wrapper !== current);
  return new MasterKeys(current, [...(others as readonly KeyWrapper[]), ...(old === undefined ? [] : [toWrapper(old)])]);
}

async function openVaultWrapper(config: Config, { clock, vaultToken: currentToken }: Pick<PrivacyOptions, "clock" | "vaultToken">): Promise<KeyWrapper> {
  const { vaultAddress: address, vaultKey: key, vaultKubernetesMount: mount, vaultNamespace: namespace, vaultRole: role, vaultToken } = config;
  if (address === "") throw new ConfigError(["VAULT_ADDR is missing: PRIVACY_VAULT_KEY names a key in Vault"]);
  const { openTransitWrapper } = await import("../vault/index.ts");
  const kubernetes = role === "" ? undefined : { role, mount, readJwt: () => readFile(process.env["VAULT_KUBERNETES_JWT_FILE"] ?? serviceAccountToken, "utf8") };
  return openTransitWrapper({ address, namespace, key, clock, token: currentToken ?? (() => vaultToken), kubernetes });
}

async function openAwsWrapper(config: Config): Promise<KeyWrapper> {
  const { awsAccessKeyId: accessKeyId, awsSecretAccessKey: secretAccessKey, awsSessionToken, kmsEndpoint, kmsKey: key } = config;
  const { openKmsWrapper } = await import("../kms/index.ts");
  return openKmsWrapper({ key, region: kmsRegionOf(config), endpoint: kmsEndpoint === "" ? undefined : kmsEndpoint, credentials: { accessKeyId, secretAccessKey, sessionToken: awsSessionToken === "" ? undefined : awsSessionToken } });
}

async function readKey(setting: string, path: string): Promise<string> {
  try {
    return masterKey(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof SettingProblem) throw new ConfigError([`the file of ${setting} ${error.message}`]);
    throw new ConfigError([`the file of ${setting} cannot be read: ${path}`]);
  }
}

/** Made once and kept beside the embedded database; for a database in memory, for as long as that lives. */
async function developmentKey(config: Config, randomBytes: RandomBytes): Promise<string> {
  if (config.mode === "production") {
    throw new ConfigError(["PRIVACY_MASTER_KEY is missing: columns of this app are encrypted, and in production the master key is yours to keep. `openssl rand -base64 32` makes one; without it the data cannot be read again"]);
  }
  const make = (): string => Buffer.from(randomBytes(32)).toString("base64");
  if (config.databaseUrl === "pglite:memory") return make();
  const path = join(config.dataDirectory, "master.key");
  try {
    return masterKey(await readOrMake(path, () => `${make()}\n`));
  } catch (error) {
    if (error instanceof SettingProblem) throw new ConfigError([`the development master key, ${path}, ${error.message}`]);
    if (error instanceof MadeOnceError) throw new ConfigError([`the development master key: ${error.message}`]);
    throw error;
  }
}
