/** Identifiers: of calls, to find one again in logs and traces. Made for every call, so one costs 20 ns; they keep no secret. */
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
    return prefix + hex16(next >>> 16) + hex16(next & 0xffff);
  };
}

/** Two digits each: a look-up instead of a conversion, since an identifier is made for every call. */
const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex16(value: number): string {
  return (hexOfByte[value >>> 8] as string) + (hexOfByte[value & 0xff] as string);
}

function hex32(value: number): string {
  return hex16((value >>> 16) & 0xffff) + hex16(value & 0xffff);
}
