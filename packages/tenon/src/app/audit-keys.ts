/** The key of the audit trail, from the file that the configuration names; in development it is made where it is not there. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuditKey } from "../audit/index.ts";
import { Fault } from "../kernel/index.ts";
import { MadeOnceError, readOrMake } from "../node/index.ts";
import { type Config, ConfigError } from "./config.ts";

export interface AuditKeys {
  /** `undefined`: nothing is signed. */
  readonly current: AuditKey | undefined;
  readonly older: readonly AuditKey[];
}

/**
 * @param how  `made where missing`: the first start in development makes a key; `as they are`: none is made.
 * @throws {ConfigError} a file cannot be read, or holds no such key.
 */
export async function openAuditKeys(config: Config, how: "made where missing" | "as they are"): Promise<AuditKeys> {
  const { createAuditKeyPem, parseAuditKey } = await import("../audit/index.ts");
  const read = async (file: string, env: string): Promise<AuditKey> => {
    try {
      return parseAuditKey(await readFile(file, "utf8"));
    } catch (cause) {
      const why = cause instanceof Fault ? cause.message : cause instanceof Error && "code" in cause ? `cannot be read (${String(cause.code)})` : "cannot be read";
      throw new ConfigError([`${env}: ${file}: ${why}`]);
    }
  };
  const older = await Promise.all(config.auditOlderKeyFiles.map((file) => read(file, "AUDIT_OLDER_KEY_FILES")));
  if (config.auditKeyFile !== "") return { current: await read(config.auditKeyFile, "AUDIT_KEY_FILE"), older };
  if (config.mode === "production") return { current: undefined, older };
  const file = join(config.dataDirectory, "audit-key.pem");
  if (how === "made where missing") {
    await readOrMake(file, createAuditKeyPem).catch((cause: unknown) => {
      throw cause instanceof MadeOnceError ? new ConfigError([`the key of the audit trail: ${cause.message}`]) : cause;
    });
  } else if (!existsSync(file)) return { current: undefined, older };
  return { current: await read(file, "AUDIT_KEY_FILE"), older };
}

/** Where checkpoints are added to; empty: nowhere. */
export function anchorFileOf(config: Config): string {
  if (config.auditAnchorFile !== "" || config.mode === "production") return config.auditAnchorFile;
  return join(config.dataDirectory, "audit-checkpoints.jsonl");
}
