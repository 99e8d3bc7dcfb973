/**
 * A seal: the checkpoint of the records that were chained together. It names each of them by its place in the table, holds
 * the root of the tree over their hashes and the hash of the seal before, and is signed. Seals are never removed, so the
 * chain can be followed from its beginning even where records have been moved to an archive.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "./canonical.ts";

export interface SealBody {
  readonly service: string;
  /** From 1, without gaps. */
  readonly number: number;
  /** Places of the records, in order: `1-40,43`. */
  readonly members: string;
  readonly size: number;
  /** Hexadecimal: the root of the tree over the hashes of the records, in order. */
  readonly root: string;
  /** Hexadecimal: the hash of the seal before; zeros for the first. */
  readonly previous: string;
  /** ISO 8601, in UTC. */
  readonly at: string;
  /** Places of records that were found without the mark of the app's key: others have written them. `""`: none. */
  readonly foreign: string;
}

/** As it is kept. */
export interface Seal {
  /** Canonical: what is hashed and signed. */
  readonly text: string;
  /** Hashes of the records, in order, one after the other. */
  readonly leaves: Buffer;
  readonly hash: Buffer;
  /** Of the key that signed; `undefined` where the app has none. */
  readonly keyId: string | undefined;
  readonly signature: Buffer | undefined;
}

export const noSeal = "0".repeat(64);

export function sealText(body: SealBody): string {
  return canonicalJson({ ...body });
}

export function sealHash(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

/** @returns `undefined` when the text is no seal. */
export function parseSeal(text: string): SealBody | undefined {
  try {
    const body = JSON.parse(text) as Partial<Record<keyof SealBody, unknown>> | null;
    const texts = [body?.service, body?.members, body?.root, body?.previous, body?.at, body?.foreign];
    const isSeal = texts.every((each) => typeof each === "string") && Number.isSafeInteger(body?.number) && Number.isSafeInteger(body?.size);
    return isSeal ? (body as SealBody) : undefined;
  } catch {
    return undefined;
  }
}

/** `[1, 2, 3, 7]` as `1-3,7`. @param places  Ascending. */
export function toRanges(places: readonly number[]): string {
  const ranges: string[] = [];
  for (let first = 0; first < places.length; ) {
    let last = first;
    while (places[last + 1] === (places[last] as number) + 1) last++;
    ranges.push(last === first ? `${places[first]}` : `${places[first]}-${places[last]}`);
    first = last + 1;
  }
  return ranges.join(",");
}

/** @param max  What is said beyond so many places is left out: it is no honest seal. */
export function fromRanges(text: string, max: number): number[] {
  const places: number[] = [];
  for (const range of text === "" ? [] : text.split(",")) {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    for (let place = first; place <= last && places.length < max; place++) places.push(place);
  }
  return places;
}
