/** Identifiers: of calls, to find one again in logs and traces. Made for every call, so one costs 20 ns; they keep no secret. */
import type { Clock, Random } from "./clock.ts";

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

/**
 * UUIDs of version 7 (RFC 9562): the instant in ms in front, so that rows made one after the other stand beside each other
 * in an index; a counter, so that those of one process and ms are in order; and 62 random bits. Not a secret.
 */
export function createUuidSource(clock: Pick<Clock, "nowMs">, random: Random): IdSource {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const nowMs = Math.floor(clock.nowMs());
    // A clock that was put back, and a ms with more than 4,096 of them, go on from where they were.
    if (nowMs > lastMs) {
      lastMs = nowMs;
      counter = Math.floor(random() * 0x800);
    } else if (++counter > 0xfff) {
      lastMs++;
      counter = 0;
    }
    const instant = lastMs.toString(16).padStart(12, "0");
    const variant = hex16(0x8000 | Math.floor(random() * 0x4000));
    const tail = hex16(Math.floor(random() * 0x1_0000)) + hex32(random() * 0x1_0000_0000);
    return `${instant.slice(0, 8)}-${instant.slice(8)}-${hex16(0x7000 | counter)}-${variant}-${tail}`;
  };
}

/** 64 bits drawn at random, as 16 hexadecimal digits. Not a secret. */
export function randomHex64(random: Random): string {
  return hex32(random() * 0x1_0000_0000) + hex32(random() * 0x1_0000_0000);
}

/** Two digits each: a look-up instead of a conversion, since an identifier is made for every call. */
const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex16(value: number): string {
  return (hexOfByte[value >>> 8] as string) + (hexOfByte[value & 0xff] as string);
}

function hex32(value: number): string {
  return hex16((value >>> 16) & 0xffff) + hex16(value & 0xffff);
}
