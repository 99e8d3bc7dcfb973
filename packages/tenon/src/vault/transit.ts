/**
 * A master key that never leaves Vault: its transit engine wraps and unwraps. What a key is for goes along as associated
 * data, so the key has to be of a kind that authenticates it: `aes256-gcm96`, which is Vault's default. Vault rotates such a
 * key by itself, and goes on to open what earlier versions wrapped.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/secret/transit#encrypt-data
 */
import { Fault } from "../kernel/index.ts";
import type { KeyWrapper } from "../privacy/index.ts";
import { objectAt, VaultConnection, type VaultConnectionOptions, VaultError } from "./connection.ts";

export interface TransitOptions extends VaultConnectionOptions {
  /** Mount of the engine and name of the key: `transit/shop`. */
  readonly key: string;
}

export function openTransitWrapper(options: TransitOptions): KeyWrapper {
  const connection = new VaultConnection(options);
  const at = options.key.lastIndexOf("/");
  const [mount, name] = [options.key.slice(0, at), encodeURIComponent(options.key.slice(at + 1))];

  async function ask(what: "decrypt" | "encrypt", body: Readonly<Record<string, string>>, field: "ciphertext" | "plaintext"): Promise<string> {
    const answer = await connection.ask("POST", `${mount}/${what}/${name}`, body).catch((cause: unknown) => {
      const isRefused = cause instanceof VaultError && cause.status === 400 && what === "decrypt";
      throw isRefused ? new Fault("internal", `a key in the database was not wrapped by Vault's ${options.key}`, { cause }) : new Fault("unavailable", `Vault's ${options.key} could not be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    });
    const text = objectAt(answer, "data")?.[field];
    if (typeof text !== "string") throw new Fault("unavailable", `Vault's answer for ${options.key} has no ${field}`);
    return text;
  }

  return {
    name: `vault:${options.key}`,
    wrap: async (key, context) => Buffer.from(await ask("encrypt", { plaintext: base64(key), associated_data: base64(Buffer.from(context)) }, "ciphertext")),
    unwrap: async (wrapped, context) => Buffer.from(await ask("decrypt", { ciphertext: Buffer.from(wrapped).toString(), associated_data: base64(Buffer.from(context)) }, "plaintext"), "base64"),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
