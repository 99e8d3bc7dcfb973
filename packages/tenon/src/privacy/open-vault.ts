/** Opens the vault of a database: makes the key of its blind indexes where there is none, and finds out whether the master key fits. */
import { type Database, type Listening, runStatement } from "../data/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { MasterKeys, RandomBytes } from "./key-wrapper.ts";
import { SubjectKeys } from "./subject-keys.ts";
import { Vault } from "./vault.ts";

export interface OpenVaultOptions {
  readonly database: Database;
  readonly masters: MasterKeys;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Default `refused`. */
  readonly plainValues?: "accepted" | "refused";
  /** Whether data of restricted persons is opened. Default `refused`. */
  readonly restricted?: "opened" | "refused" | undefined;
}

/** What processes tell each other: whose keys have to be read again. */
export const evictionChannel = "tenon_privacy";

/**
 * @throws {Fault} `unavailable`: the keys in the database were wrapped by another master key, or it is out of reach;
 * `internal`: the master key is not the one that its name says.
 */
export async function openVault({ clock, database, masters, plainValues = "refused", randomBytes, restricted }: OpenVaultOptions): Promise<{ readonly vault: Vault; readonly listening: Listening | undefined }> {
  const keys = new SubjectKeys({ masters, clock, randomBytes });
  const run = (statement: { readonly text: string; readonly parameters: readonly unknown[] }) => runStatement(database, { service: "", mode: "admin", ...statement });
  const found = await keys.of("index", [""], run);
  const made = found.get("")?.bytes ?? new Uint8Array();
  const vault = new Vault({ keys, indexKey: made, clock, randomBytes, plainValues, restricted });
  const listening = database.listen?.(evictionChannel, (subject) => keys.evict(subject === "" ? undefined : subject));
  return { vault, listening };
}
