/**
 * Who holds the master key: it wraps the keys of subjects, and never leaves its place. The embedded one is a key in the
 * environment or in a file; a key service keeps the same port, and its key is never seen by this process.
 */
import { createCipheriv, createDecipheriv, hash } from "node:crypto";
import { Fault } from "../kernel/index.ts";

/** `testing.ts` beside this file is the suite that each adapter passes. */
export interface KeyWrapper {
  /** Which master key it is: `local:6f1c…`. Stands beside each key that it wrapped, so another key has another name. */
  readonly name: string;
  /** @param context  What the key is for: needed again to unwrap it, and no secret. */
  wrap(key: Uint8Array, context: string): Uint8Array | Promise<Uint8Array>;
  /** @throws {Fault} `internal`: it was not wrapped by this master key for this context, or was changed. */
  unwrap(wrapped: Uint8Array, context: string): Uint8Array | Promise<Uint8Array>;
}

export type RandomBytes = (size: number) => Uint8Array;

/** Bytes of a key of AES-256. */
export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * A master key in this process: AES-256-GCM.
 *
 * @param master  32 bytes, from a good source of chance.
 * @throws {RangeError} a key of another length.
 */
export function localKeyWrapper(master: Uint8Array, randomBytes: RandomBytes): KeyWrapper {
  if (master.byteLength !== keyBytes) throw new RangeError(`a master key has ${keyBytes} bytes, and this one has ${master.byteLength}`);
  return {
    name: `local:${hash("sha256", Buffer.concat([Buffer.from("tenon master key"), master]), "hex").slice(0, 16)}`,

    wrap(key, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", master, nonce);
      cipher.setAAD(Buffer.from(context));
      return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
    },

    unwrap(wrapped, context) {
      try {
        const decipher = createDecipheriv("aes-256-gcm", master, wrapped.subarray(0, nonceBytes), { authTagLength: tagBytes });
        decipher.setAAD(Buffer.from(context));
        decipher.setAuthTag(wrapped.subarray(-tagBytes));
        return Buffer.concat([decipher.update(wrapped.subarray(nonceBytes, -tagBytes)), decipher.final()]);
      } catch (cause) {
        throw new Fault("internal", "a key in the database was not wrapped by this master key", { cause });
      }
    },
  };
}

/** Master keys of an app: the one that wraps, and those from before that still open what they wrapped. */
export class MasterKeys {
  readonly current: KeyWrapper;
  readonly #byName: ReadonlyMap<string, KeyWrapper>;

  constructor(current: KeyWrapper, former: readonly KeyWrapper[] = []) {
    this.current = current;
    this.#byName = new Map([...former, current].map((wrapper) => [wrapper.name, wrapper]));
  }

  /** @throws {Fault} `unavailable`: the master key that wrapped it is not configured. */
  unwrap(wrapped: Uint8Array, { context, wrapper: name }: { readonly wrapper: string; readonly context: string }): Uint8Array | Promise<Uint8Array> {
    const wrapper = this.#byName.get(name);
    if (wrapper === undefined) {
      throw new Fault("unavailable", `keys in the database were wrapped by the master key ${name}, and ${[...this.#byName.keys()].join(", ")} is configured: give that one as PRIVACY_MASTER_KEY, or as PRIVACY_MASTER_KEY_OLD while you rotate`);
    }
    return wrapper.unwrap(wrapped, context);
  }
}
