/**
 * The id of the order that a checkout makes, derived from who checks out and under which idempotency key. The same
 * request sent again means the same order, even when the first attempt died before it answered.
 */
import { createHash } from "node:crypto";
import type { Caller } from "tenon";

/** A UUID of version 8: https://www.rfc-editor.org/rfc/rfc9562#section-5.8 */
export function orderIdFor(caller: Caller, idempotencyKey: string): string {
  const digest = createHash("sha256").update(JSON.stringify([caller.issuer, caller.subject, idempotencyKey])).digest();
  const bytes = digest.subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80; // version 8
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80; // the variant of RFC 9562
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
