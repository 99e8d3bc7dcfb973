/**
 * Moving whole sealed segments out of the database. Their seals stay, so the chain can still be followed; a signed note
 * says up to where records are elsewhere, so that nobody can take records away and call it an archive.
 */
import { Fault } from "../kernel/index.ts";
import type { AuditKey, AuditPublicKey } from "./audit-key.ts";
import { canonicalJson } from "./canonical.ts";
import type { Finding } from "./findings.ts";
import type { AuditStore } from "./ports.ts";
import { RecordReader } from "./record-reader.ts";
import { fromRanges, parseSeal, type Seal } from "./seal.ts";

export interface ArchiveState {
  /** Up to which seal records are elsewhere; 0: none are. */
  readonly throughSeal: number;
  readonly throughSeq: number;
  readonly findings: readonly Finding[];
}

interface NoteBody {
  readonly throughSeal: number;
  readonly throughSeq: number;
  readonly sealHash: string;
}

/** What notes say that are signed by whom the verifier trusts. Where it knows no key, they are believed. */
export async function readArchive({ service, store, trusted }: { readonly service: string; readonly store: Pick<AuditStore, "archives">; readonly trusted: readonly AuditPublicKey[] }): Promise<ArchiveState> {
  let state: ArchiveState = { throughSeal: 0, throughSeq: 0, findings: [] };
  for (const { keyId, signature, text } of await store.archives()) {
    const body = JSON.parse(text) as Partial<NoteBody> & { readonly service?: string };
    const isSigned = signature !== undefined && trusted.some((key) => key.id === keyId && key.isSignatureOf(text, signature));
    if ((trusted.length > 0 && !isSigned) || body.service !== service) {
      state = { ...state, findings: [...state.findings, { kind: "seal", message: `a note says that records up to seal ${body.throughSeal} were archived, and nobody with the key has signed it` }] };
    } else if ((body.throughSeal ?? 0) > state.throughSeal) {
      state = { ...state, throughSeal: body.throughSeal ?? 0, throughSeq: body.throughSeq ?? 0 };
    }
  }
  return state;
}

export interface ArchiveOptions {
  readonly store: AuditStore;
  readonly service: string;
  readonly key: AuditKey | undefined;
  /** Seals that were made before are archived, in ms since 1970. */
  readonly beforeMs: number;
  readonly nowMs: number;
  /** Takes one line of JSON: seals and, behind each, its records. */
  readonly write: (line: string) => Promise<void>;
  /** All lines are kept: from here on records are removed. */
  readonly written: () => Promise<void>;
}

export interface ArchiveReport {
  readonly seals: number;
  readonly records: number;
}

/**
 * Writes the records of old seals, and then removes them. The trail has to have been verified before.
 *
 * @throws {Fault} `conflict`: records are missing or are in no seal.
 */
export async function archiveTrail({ beforeMs, key, nowMs, service, store, write, written }: ArchiveOptions): Promise<ArchiveReport> {
  const already = await readArchive({ service, store, trusted: key === undefined ? [] : [key] });
  const chosen = await chooseSeals(store, { after: already.throughSeal, beforeMs });
  const last = chosen.at(-1);
  if (last === undefined) return { seals: 0, records: 0 };
  const reader = new RecordReader(store);
  let records = 0;
  for (const { members, seal } of chosen) {
    await write(JSON.stringify({ seal: seal.text, leaves: seal.leaves.toString("base64"), hash: seal.hash.toString("hex"), key: seal.keyId, signature: seal.signature?.toString("base64") }));
    const rows = await reader.take(members);
    if (rows.size !== members.length) throw new Fault("conflict", `records of seal ${last.number} are missing: run tenon audit verify`);
    for (const seq of members) await write(JSON.stringify({ seq, record: rows.get(seq)?.text }));
    records += rows.size;
  }
  await written();
  const text = canonicalJson({ service, throughSeal: last.number, throughSeq: last.lastSeq, sealHash: last.seal.hash.toString("hex"), at: new Date(nowMs).toISOString(), records });
  await store.removeThrough(last.lastSeq, { text, keyId: key?.id, signature: key?.sign(text) });
  return { seals: chosen.length, records };
}

interface Chosen {
  readonly seal: Seal;
  readonly number: number;
  readonly members: readonly number[];
  /** The last place that this seal or one before it names. */
  readonly lastSeq: number;
}

/** Old seals, up to one behind which no seal names a place that lies before: the segments are whole then. */
async function chooseSeals(store: AuditStore, { after, beforeMs }: { readonly after: number; readonly beforeMs: number }): Promise<readonly Chosen[]> {
  const old: Chosen[] = [];
  let lastSeq = 0;
  let next = Number.POSITIVE_INFINITY;
  for (let number = after; next === Number.POSITIVE_INFINITY; ) {
    const page = await store.seals(number, 64);
    for (const seal of page) {
      const body = parseSeal(seal.text);
      const members = fromRanges(body?.members ?? "", Number.POSITIVE_INFINITY);
      number = body?.number ?? number + 1;
      if (Date.parse(body?.at ?? "") >= beforeMs) {
        next = Math.min(next, members[0] ?? next);
        continue;
      }
      lastSeq = Math.max(lastSeq, members.at(-1) ?? 0);
      old.push({ seal, number, members, lastSeq });
    }
    if (page.length < 64) break;
  }
  while (old.length > 0 && (old.at(-1) as Chosen).lastSeq >= next) old.pop();
  return old;
}
