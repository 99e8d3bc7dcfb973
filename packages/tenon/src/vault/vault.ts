/**
 * Reads secrets of the key-value engine, version 2.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
 */
import { objectAt, VaultConnection, type VaultConnectionOptions, VaultError } from "./connection.ts";

export interface VaultOptions extends VaultConnectionOptions {
  /** Mount and path: `secret/shop`. The fields of all of them are joined; of two of one name the first counts. */
  readonly paths: readonly string[];
}

export interface Vault {
  /** @throws {VaultError} a secret cannot be read, with where and why, and without any value. */
  read(): Promise<Readonly<Record<string, string>>>;
}

export function openVault(options: VaultOptions): Vault {
  const connection = new VaultConnection(options);
  return {
    async read() {
      const found: Record<string, string> = {};
      for (const path of options.paths) {
        for (const [name, value] of Object.entries(await readPath(connection, path))) found[name] ??= value;
      }
      return found;
    },
  };
}

async function readPath(connection: VaultConnection, path: string): Promise<Readonly<Record<string, string>>> {
  const [mount = "", ...rest] = path.split("/");
  const body = await connection.ask("GET", `${mount}/data/${rest.map(encodeURIComponent).join("/")}`);
  const data = objectAt(objectAt(body, "data"), "data");
  if (data === undefined) throw new VaultError(`Vault has nothing at ${path}, or its engine is not version 2 of the key-value engine`);
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]));
}
