/**
 * The Merkle tree of RFC 6962 section 2.1: one hash for a list of records, which none of them can leave, enter or change
 * places in without another hash. Leaves and inner nodes are hashed behind different bytes, so that neither can be taken
 * for the other.
 */
import { hash } from "node:crypto";

export const hashBytes = 32;

const innerPrefix = Buffer.from([1]);

/** The leaf of a text: SHA-256 over a zero byte and its UTF-8. */
export function leafHash(text: string): Buffer {
  return hash("sha256", `\0${text}`, "buffer");
}

/** @param leaves  Hashes, one after the other. @returns that of an empty text where there are none. */
export function merkleRoot(leaves: Buffer): Buffer {
  if (leaves.byteLength === 0) return hash("sha256", "", "buffer");
  let level = leaves;
  while (level.byteLength > hashBytes) level = levelAbove(level);
  return Buffer.from(level);
}

/** A last one without a neighbor goes up as it is: the same tree as by halves at powers of two. */
function levelAbove(level: Buffer): Buffer {
  const count = level.byteLength / hashBytes;
  const above = Buffer.allocUnsafe(Math.ceil(count / 2) * hashBytes);
  const both = Buffer.allocUnsafe(1 + 2 * hashBytes);
  innerPrefix.copy(both);
  for (let index = 0; index + 1 < count; index += 2) {
    level.copy(both, 1, index * hashBytes, (index + 2) * hashBytes);
    hash("sha256", both, "buffer").copy(above, (index / 2) * hashBytes);
  }
  if (count % 2 === 1) level.copy(above, above.byteLength - hashBytes, level.byteLength - hashBytes);
  return above;
}
