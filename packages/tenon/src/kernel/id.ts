import type { Random } from "./clock.ts";

/** Makes a new identifier at each call. */
export type IdSource = () => string;

/**
 * Identifiers of calls: 16 hexadecimal digits, unique in this process and, by a drawn prefix of 32 bits and a
 * counter that starts at a drawn place, as good as unique among processes. Cheap enough for every call; not a secret.
 */
export function createIdSource(random: Random): IdSource {
  const prefix = hex32(random() * 0x1_0000_0000);
  let next = Math.floor(random() * 0x1_0000_0000);
  return () => {
    next = (next + 1) >>> 0;
    return prefix + hex32(next);
  };
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
