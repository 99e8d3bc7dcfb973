/**
 * A sealed value as it is stored: a text, so that it fits wherever the value stood.
 *
 *     tenon:1:  base64url( key 16 bytes · nonce 12 · ciphertext · tag 16 )
 *
 * AES-256-GCM. The ciphertext is one byte that says what the value is (`t` text, `j` JSON) and the value in UTF-8. What
 * the value is bound to (table, column, key of the row) is associated data: it is not stored, and has to be given again.
 *
 * @see https://csrc.nist.gov/pubs/sp/800/38/d/final  One key seals fewer than 2^32 values under random nonces (section 8.3).
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { SealError } from "../data/index.ts";
import type { RandomBytes } from "./key-wrapper.ts";

export const sealedPrefix = "tenon:1:";

const keyIdBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = keyIdBytes + nonceBytes;
const sealedForm = /^tenon:1:[A-Za-z0-9_-]{60,}$/;

const textMark = "t";

/** Where a sealed value is put together and taken apart: used within one turn, and it holds nothing plain. */
const tray = Buffer.allocUnsafeSlow(4_096);
const trayNonce = tray.subarray(keyIdBytes, headBytes);
const withTag = { authTagLength: tagBytes };

export interface DataKey {
  /** UUID. */
  readonly id: string;
  readonly idBytes: Uint8Array;
  readonly bytes: Uint8Array;
  /** The bytes as the cipher takes them, made once. */
  readonly secret: KeyObject;
}

/** @param bound  What the value belongs to: column, key of the row, … No part holds a zero character. */
export function sealValue(key: DataKey, value: unknown, { bound, randomBytes }: { readonly bound: readonly string[]; readonly randomBytes: RandomBytes }): string {
  const marked = typeof value === "string" ? `${textMark}${value}` : `j${JSON.stringify(value)}`;
  trayNonce.set(randomBytes(nonceBytes));
  const cipher = createCipheriv("aes-256-gcm", key.secret, trayNonce);
  cipher.setAAD(toBound(bound));
  const sealed = cipher.update(marked, "utf8");
  cipher.final(); // a stream cipher holds nothing back
  const bytes = headBytes + sealed.byteLength + tagBytes;
  const whole = bytes <= tray.byteLength ? tray : Buffer.allocUnsafe(bytes);
  whole.set(key.idBytes, 0);
  if (whole !== tray) whole.set(trayNonce, keyIdBytes);
  whole.set(sealed, headBytes);
  whole.set(cipher.getAuthTag(), headBytes + sealed.byteLength);
  return sealedPrefix + whole.toString("base64url", 0, bytes);
}

/** A sealed text, taken apart. */
export class Sealed {
  readonly #bytes: Buffer;

  /** @throws {SealError} it is none. */
  constructor(text: string) {
    this.#bytes = Buffer.from(text.slice(sealedPrefix.length), "base64url");
    if (!text.startsWith(sealedPrefix) || this.#bytes.byteLength <= headBytes + tagBytes) throw new SealError("an encrypted column holds a value that is not encrypted: run `tenon privacy encrypt`, and set PRIVACY_PLAIN_VALUES=accepted until it is through");
  }

  /** Whether it was sealed with this key. */
  isOf({ idBytes }: DataKey): boolean {
    for (let i = 0; i < keyIdBytes; i++) if (this.#bytes[i] !== idBytes[i]) return false;
    return true;
  }

  /** UUID of the key that it was sealed with. */
  get keyId(): string {
    return toUuid(this.#bytes);
  }

  /** @throws {SealError} it was changed, or is bound to something else. */
  open(key: DataKey, bound: readonly string[]): unknown {
    return toValue(this.openMarked(key, bound));
  }

  /** The value as it was sealed: a byte that says what it is, and its text. @throws {SealError} as {@link open}. */
  openMarked(key: DataKey, bound: readonly string[]): string {
    const bytes = this.#bytes;
    const decipher = createDecipheriv("aes-256-gcm", key.secret, bytes.subarray(keyIdBytes, headBytes), withTag);
    decipher.setAAD(toBound(bound));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    const plain = decipher.update(bytes.subarray(headBytes, -tagBytes));
    try {
      decipher.final();
    } catch (cause) {
      throw new SealError(`an encrypted value of ${bound[0]} does not open: it was changed, or moved here from another row, column or table`, { cause });
    }
    return plain.toString("utf8");
  }
}

/** @param marked  Of {@link Sealed.openMarked}. */
export function toValue(marked: string): unknown {
  const text = marked.slice(1);
  return marked.startsWith(textMark) ? text : (JSON.parse(text) as unknown);
}

/**
 * A value that no key opens without all the others of a set: it is sealed under one key that is derived from all of them (HKDF), and
 * says which they are.
 *
 *     tenon:all:  base64url( identifiers of the keys, 16 bytes each )  :  sealed value, as above
 */
const jointPrefix = "tenon:all:";
const jointForm = /^tenon:all:[A-Za-z0-9_-]{22,}:tenon:1:[A-Za-z0-9_-]{60,}$/;

/** What several keys make together. @param keys  In the order in which the value names them. */
export class JointKey {
  readonly #key: DataKey;
  readonly #prefix: string;

  constructor(keys: readonly DataKey[]) {
    const ids = Buffer.concat(keys.map(({ idBytes }) => idBytes));
    const bytes = Buffer.from(hkdfSync("sha256", Buffer.concat(keys.map(({ bytes: each }) => each)), ids, "tenon: all of these keys", 32));
    this.#key = { id: keys[0]?.id ?? "", idBytes: keys[0]?.idBytes ?? new Uint8Array(keyIdBytes), bytes, secret: createSecretKey(bytes) };
    this.#prefix = `${jointPrefix}${ids.toString("base64url")}:`;
  }

  seal(value: unknown, to: Parameters<typeof sealValue>[2]): string {
    return this.#prefix + sealValue(this.#key, value, to);
  }

  /** @throws {SealError} it was changed, or is bound to something else. */
  open(text: string, bound: readonly string[]): unknown {
    return new Sealed(text.slice(this.#prefix.length)).open(this.#key, bound);
  }
}

/** UUIDs of the keys that open a text together, in their order; `undefined` for one that is not sealed so. */
export function jointKeyIds(text: string): readonly string[] | undefined {
  if (!text.startsWith(jointPrefix) || !jointForm.test(text)) return undefined;
  const ids = Buffer.from(text.slice(jointPrefix.length, text.indexOf(":", jointPrefix.length)), "base64url");
  return Array.from({ length: ids.byteLength / keyIdBytes }, (_, i) => toUuid(ids.subarray(i * keyIdBytes)));
}

/** UUID of the key of a sealed text. */
export function sealedKeyId(text: string): string {
  return new Sealed(text).keyId;
}

/** Whether a text has the form of a sealed one. */
export function isSealed(text: string): boolean {
  return text.startsWith(sealedPrefix) && sealedForm.test(text);
}

/** The UUID in the first 16 bytes. */
export function toUuid(bytes: Buffer): string {
  const hex = bytes.toString("hex", 0, keyIdBytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function fromUuid(uuid: string): Uint8Array {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

function toBound(parts: readonly string[]): Buffer {
  return Buffer.from(parts.length === 2 ? `${parts[0]}\0${parts[1]}` : parts.join("\0"));
}
