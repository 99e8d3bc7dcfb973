/** What the commands about the audit trail work with: the trail of each service, the app's keys, what anchors were told. */
import type { Config } from "../../app/index.ts";
import type { AuditKey, AuditPublicKey, Checkpoint, DatabaseAudit } from "../../audit/index.ts";
import { type Operator, type OperatorOptions, withOperator } from "../events/operator.ts";
import { findService } from "../events/targets.ts";
import { configLayers } from "../config-layers.ts";
import { CommandProblem } from "../problem.ts";
import type { Terminal } from "../terminal.ts";

export interface Trails {
  readonly operator: Operator;
  readonly config: Config;
  readonly nowMs: number;
  /** Of the services that were asked for. */
  readonly trails: readonly { readonly service: string; readonly store: DatabaseAudit }[];
}

/** @param name  Of one service; all of them without it. @throws {CommandProblem} */
export function withTrails<T>(options: OperatorOptions, { name, terminal }: { readonly name: string | undefined; readonly terminal: Terminal }, work: (trails: Trails) => Promise<T>): Promise<T> {
  return withOperator(options, terminal, async (operator) => {
    const { parseConfig, systemClock } = await import("../../app/index.ts");
    const { DatabaseAudit } = await import("../../audit/index.ts");
    const { database, location, owners } = operator;
    const asked = name === undefined ? owners : [findService(owners, name)];
    const { config } = parseConfig(configLayers(location.home));
    return work({ operator, config, nowMs: systemClock.nowMs(), trails: asked.map(({ name: service }) => ({ service, store: new DatabaseAudit(database, service) })) });
  });
}

export interface KnownKeys {
  /** Those of the configuration, which can tell records that wait for their seal from records made up. */
  readonly keys: readonly AuditKey[];
  readonly trusted: readonly AuditPublicKey[];
}

/** @param files  Public keys besides those of the configuration. @throws {CommandProblem} */
export async function readKeys(config: Config, files: readonly string[]): Promise<KnownKeys> {
  const { readFile } = await import("node:fs/promises");
  const { openAuditKeys } = await import("../../app/index.ts");
  const { parseAuditPublicKey } = await import("../../audit/index.ts");
  const { current, older } = await openAuditKeys(config, "as they are");
  const keys = [...(current === undefined ? [] : [current]), ...older];
  const given = await Promise.all(
    files.map(async (file) => {
      try {
        return parseAuditPublicKey(await readFile(file, "utf8"));
      } catch (cause) {
        throw new CommandProblem(`${file} is no public key that can be read`, { remedy: "the public half of the audit key, in PEM: openssl pkey -in audit-key.pem -pubout", exitCode: 2, cause });
      }
    }),
  );
  return { keys, trusted: [...keys, ...given] };
}

/** Checkpoints of a file, or of that of the configuration where there is one. @throws {CommandProblem} */
export async function readAnchors(config: Config, given: string | undefined): Promise<{ readonly file: string; readonly checkpoints: readonly Checkpoint[] }> {
  const { anchorFileOf } = await import("../../app/index.ts");
  const { readCheckpoints } = await import("../../node/index.ts");
  const file = given ?? anchorFileOf(config);
  if (file === "") return { file, checkpoints: [] };
  try {
    return { file, checkpoints: await readCheckpoints(file) };
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (isMissing && given === undefined) return { file: "", checkpoints: [] };
    throw new CommandProblem(`the checkpoints in ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { remedy: "a file to which AUDIT_ANCHOR_FILE has added, as it was written", exitCode: 1, cause });
  }
}
