/**
 * Records that are not where they were sealed. Two that have changed places, and one that was moved, look like changed,
 * dropped and inserted ones until what was found is compared with what is missed. So findings about records are held back
 * to the end, and then told in the order of places.
 */
import { type Finding, type Findings, nameOf } from "./findings.ts";
import type { StoredRecord } from "./ports.ts";

interface Held {
  finding: Finding;
  /** Hexadecimal. */
  readonly sealed?: string;
  readonly found?: string;
}

/** Beyond so many they are not compared: the trail is in pieces, and the first ones say so. */
const heldMax = 10_000;

export class Displaced {
  readonly #held: Held[] = [];
  #open: Held[] = [];
  readonly #movedTo = new Map<string, number>();
  #beyond = 0;

  /** A record that is missed. */
  lost(finding: Finding, sealed: Uint8Array): void {
    this.#hold({ finding, sealed: hexOf(sealed) });
  }

  /** A record that is not what was sealed at its place. */
  strange(finding: Finding, { found, sealed }: { readonly sealed: Uint8Array; readonly found: Uint8Array }): void {
    this.#hold({ finding, sealed: hexOf(sealed), found: hexOf(found) });
  }

  /** A record that no seal knows at its place. */
  added(finding: Finding, found: Uint8Array): void {
    this.#hold({ finding, found: hexOf(found) });
  }

  /** Whether a record that no seal names at its place is one that is missed at another. */
  isMissed(found: Uint8Array, seq: number): boolean {
    if (this.#held.length === 0) return false;
    const hash = hexOf(found);
    if (!this.#held.some(({ sealed }) => sealed === hash)) return false;
    this.#movedTo.set(hash, seq);
    return true;
  }

  /** The next record that is as it should be. */
  passed(findings: Findings, row: StoredRecord): void {
    findings.passed(() => nameOf(row));
    if (this.#open.length === 0) return;
    const after = nameOf(row);
    for (const held of this.#open) held.finding = { ...held.finding, after };
    this.#open = [];
  }

  settle(findings: Findings): void {
    const sealedAt = new Map(this.#held.flatMap(({ finding, sealed }) => (sealed === undefined ? [] : [[sealed, finding.seq] as const])));
    const foundAt = new Map<string, number | undefined>(this.#movedTo);
    for (const { finding, found } of this.#held) if (found !== undefined) foundAt.set(found, finding.seq);
    for (const { finding, found, sealed } of this.#held.toSorted((a, b) => (a.finding.seq ?? 0) - (b.finding.seq ?? 0))) {
      const from = found === undefined ? undefined : sealedAt.get(found);
      const to = sealed === undefined || found !== undefined ? undefined : foundAt.get(sealed);
      if (from !== undefined) findings.add({ ...finding, kind: "reordered", message: `the record at place ${finding.seq} was sealed at place ${from}: records have changed places` });
      else if (to !== undefined) findings.add({ ...finding, kind: "reordered", message: `the record that was sealed at place ${finding.seq} stands at place ${to} now` });
      else findings.add(finding);
    }
    findings.count += this.#beyond;
  }

  #hold(held: Held): void {
    if (this.#held.length >= heldMax) {
      this.#beyond++;
      return;
    }
    this.#held.push(held);
    this.#open.push(held);
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
