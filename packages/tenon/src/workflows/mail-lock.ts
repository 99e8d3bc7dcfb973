/** Whoever writes down a wait and whoever keeps an event take one lock, so that the two never miss each other. */
import { hash } from "node:crypto";
import type { Statement } from "../data/index.ts";

/** @param key  `undefined`: of waits for any event of the type. */
export function mailLock(workflow: string, type: string, key: string | undefined): bigint {
  return BigInt.asIntN(64, BigInt(`0x${hash("sha256", JSON.stringify(["mail", workflow, type, key ?? null]), "hex").slice(0, 16)}`));
}

export function mailLockStatement(workflow: string, type: string, key: string | undefined): Statement {
  return { text: "select pg_advisory_xact_lock($1::bigint)", parameters: [String(mailLock(workflow, type, key))] };
}
