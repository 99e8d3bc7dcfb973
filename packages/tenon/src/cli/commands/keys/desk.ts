/** What the commands about keys share: the desk on the app's database, lengths of time, and keys by the beginning of their ids. */
import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import type { KeyDesk, StoredKey } from "../../../keys/index.ts";
import { type Duration, parseDuration } from "../../../kernel/index.ts";
import { configLayers } from "../../config-layers.ts";
import { type Operator, type OperatorOptions, withOperator } from "../../events/operator.ts";
import { CommandProblem } from "../../problem.ts";
import { terminalLog } from "../../terminal-log.ts";
import type { Terminal } from "../../terminal.ts";

/** Nobody remembers for longer who has a key. */
const lifeMaxMs = 731 * 86_400_000;
export const defaultLife: Duration = "90d";
/** As many digits of an id are enough to mean one key. */
const idMinChars = 6;

export function withKeys<T>(options: OperatorOptions, terminal: Terminal, work: (desk: KeyDesk, operator: Operator) => Promise<T>): Promise<T> {
  return withOperator(options, terminal, async (operator) => {
    const { systemClock } = await import("../../../app/index.ts");
    const { databaseKeys, KeyDesk: Desk } = await import("../../../keys/index.ts");
    return work(new Desk({ store: databaseKeys(operator.database), clock: systemClock, randomBytes }), operator);
  });
}

/** Puts on record what was done to a key: who may do what has changed. */
export async function recordKeyAct(action: "keys.create" | "keys.rotate" | "keys.revoke", { id, name, roles, scopes, subject }: StoredKey, { app, database, location, terminal }: Operator): Promise<void> {
  const { parseConfig, recordOperatorAct, systemClock } = await import("../../../app/index.ts");
  const { config } = parseConfig(configLayers(location.home));
  const details = { key: id, name, callsAs: subject, scopes: scopes.join(" "), roles: roles.join(" ") };
  await recordOperatorAct(app, { action, by: userInfo().username, details }, { config, database, clock: systemClock, log: terminalLog(terminal) });
}

/** @throws {CommandProblem} */
export function parseLife(option: string, text: string, minMs: number): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= minMs && ms <= lifeMaxMs) return ms;
  throw new CommandProblem(`${option} ${text} is not a length of time that fits`, { remedy: "a number and a unit, two years at most: 12h, 30d, 365d", exitCode: 2 });
}

/** @throws {CommandProblem} there is none, or more than one. */
export async function findKey(desk: KeyDesk, begins: string): Promise<StoredKey> {
  const id = begins.replace(/^tnk_/, "").slice(0, 16).toLowerCase();
  const fitting = id.length < idMinChars ? [] : (await desk.list()).filter((key) => key.id.startsWith(id));
  if (fitting.length === 1 && fitting[0] !== undefined) return fitting[0];
  throw new CommandProblem(fitting.length === 0 ? `there is no key ${begins}` : `several keys begin with ${begins}`, { remedy: `tenon keys list shows them; ${idMinChars} digits of an id at least` });
}

/** A key as the commands show it. */
export interface KeyData {
  readonly id: string;
  readonly name: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly state: "good" | "expired" | "revoked";
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  /** The secret before the last rotation is taken until then. */
  readonly formerSecretUntil: string | null;
}

export function keyData({ createdAtMs, expiresAtMs, former, id, name, revokedAtMs, roles, scopes, subject }: StoredKey, nowMs: number): KeyData {
  const state = revokedAtMs !== undefined ? "revoked" : expiresAtMs <= nowMs ? "expired" : "good";
  return {
    id,
    name,
    subject,
    scopes,
    roles,
    state,
    createdAt: new Date(createdAtMs).toISOString(),
    expiresAt: new Date(expiresAtMs).toISOString(),
    revokedAt: revokedAtMs === undefined ? null : new Date(revokedAtMs).toISOString(),
    formerSecretUntil: former === undefined || former.untilMs <= nowMs ? null : new Date(former.untilMs).toISOString(),
  };
}
