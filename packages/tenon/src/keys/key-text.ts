/**
 * The text of a key: `tnk_`, its id, 256 random bits, and a checksum, all in hexadecimal.
 *
 *     tnk_1f0c…(16)_9ab3…(64)c01dbeef(8)
 *
 * The prefix and the checksum are for programs that look for secrets where none should be: they can tell a key from any
 * other text without asking anybody. The checksum keeps slips of the pen from the database, and protects nothing.
 */
import { hash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

const form = /^tnk_([0-9a-f]{16})_([0-9a-f]{64})([0-9a-f]{8})$/;

export interface KeyParts {
  readonly id: string;
  readonly secret: string;
}

/** @param random  40 bytes of chance, the best that there is. */
export function createKeyText(random: Uint8Array): KeyParts & { readonly text: string } {
  if (random.length !== 40) throw new RangeError(`a key is made of 40 random bytes, and not of ${random.length}`);
  const hex = Buffer.from(random).toString("hex");
  const [id, secret] = [hex.slice(0, 16), hex.slice(16)];
  return { id, secret, text: textOf(id, secret) };
}

/** `undefined` for any text that is no key. */
export function parseKeyText(text: string): KeyParts | undefined {
  const [, id, secret, checksum] = form.exec(text) ?? [];
  if (id === undefined || secret === undefined || checksum !== checksumOf(id, secret)) return undefined;
  return { id, secret };
}

/** The same key with another secret. */
export function textOf(id: string, secret: string): string {
  return `tnk_${id}_${secret}${checksumOf(id, secret)}`;
}

/** What is stored. No slow digest: nobody guesses 256 random bits, however fast. */
export function digestOf(secret: string): string {
  return hash("sha256", secret, "hex");
}

export function isSameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function checksumOf(id: string, secret: string): string {
  return crc32(`${id}_${secret}`).toString(16).padStart(8, "0");
}
