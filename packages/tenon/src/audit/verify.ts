/**
 * Reads a trail from its beginning and says whether it is what was written. Streams: memory does not grow with the trail.
 *
 * What whoever administers the database can do, and by what it shows:
 *
 *     change a record                       its hash is not the one in its seal
 *     drop one, insert one, swap two        the seal names another record at the place, or none
 *     and mend the seal's list of hashes    the root in the signed text does not fit the list
 *     and sign anew                         cannot: the key is not in the database. The signature does not fit
 *     cut the end off, records and seals    an anchor knows a seal that is not there
 *     with the key stolen, rewrite all      the anchors know other seals
 *     make up a record before it is sealed  it lacks the mark of the app's key
 *     drop one before it is sealed          the numbers of its writer have a hole, unless it was the last
 */
import type { AuditKey, AuditPublicKey } from "./audit-key.ts";
import { parseRecord } from "./entry.ts";
import { type Finding, Findings, nameOf, type RecordName } from "./findings.ts";
import { hashBytes, leafHash, merkleRoot } from "./merkle.ts";
import { NumberGaps } from "./number-gaps.ts";
import type { AuditStore, Checkpoint, StoredRecord } from "./ports.ts";
import { readArchive } from "./archive.ts";
import { RecordReader } from "./record-reader.ts";
import { fromRanges, noSeal, parseSeal, type Seal, type SealBody, sealHash } from "./seal.ts";
import { Displaced } from "./displaced.ts";

export interface VerifyOptions {
  readonly store: Pick<AuditStore, "seals" | "records" | "recordsAt" | "archives">;
  readonly service: string;
  /** Who may have signed. Empty: nothing is known of signatures. */
  readonly trusted: readonly AuditPublicKey[];
  /** The app's own key, where the verifier may have it: tells records that wait for their seal from records made up. */
  readonly keys?: readonly AuditKey[];
  /** What was told outside of the database, of this service. */
  readonly checkpoints?: readonly Checkpoint[];
  /** Findings that are listed. Default 100; the others are counted. */
  readonly findingsMax?: number;
  readonly onProgress?: (records: number) => void;
}

export interface VerifyReport {
  readonly service: string;
  /** Records that were read. */
  readonly records: number;
  readonly seals: number;
  /** Records that wait for their seal. */
  readonly pending: number;
  /** Seals whose records are in an archive. */
  readonly archivedSeals: number;
  /** The last seal: what to compare with what others have on record. */
  readonly last: Checkpoint | undefined;
  /** In the order in which they were found. Empty: all is well. */
  readonly findings: readonly Finding[];
  readonly findingsCount: number;
  /** What could not be looked at, and what is no proof of anything. */
  readonly notes: readonly string[];
}

/** Seals of one page: from few to many, as they are small. */
const pageMin = 64;
const pageMax = 4_096;
const pageBytes = 4_000_000;
/** Records of one seal, at most, that are believed. */
const membersMax = 1_000_000;

/** @throws {Fault} `unavailable` */
export async function verifyTrail(options: VerifyOptions): Promise<VerifyReport> {
  const archive = await readArchive(options);
  return new TrailVerifier(options, archive).run();
}

class TrailVerifier {
  readonly #options: VerifyOptions;
  readonly #archive: Awaited<ReturnType<typeof readArchive>>;
  readonly #reader: RecordReader;
  readonly #findings: Findings;
  readonly #gaps: NumberGaps;
  readonly #displaced = new Displaced();
  readonly #notes: string[] = [];
  readonly #anchored = new Map<number, string>();
  #seals = 0;
  #number = 0;
  #previous = noSeal;
  #last: Seal | undefined = undefined;
  #before: StoredRecord | undefined = undefined;
  #pending = 0;

  constructor(options: VerifyOptions, archive: Awaited<ReturnType<typeof readArchive>>) {
    this.#options = options;
    this.#archive = archive;
    this.#reader = new RecordReader(options.store, options.onProgress);
    this.#findings = new Findings(options.findingsMax ?? 100);
    this.#gaps = new NumberGaps(archive.throughSeal === 0);
    for (const { hash, number } of options.checkpoints ?? []) this.#anchored.set(number, hash);
    for (const finding of archive.findings) this.#findings.add(finding);
  }

  async run(): Promise<VerifyReport> {
    let page = pageMin;
    for (;;) {
      const seals = await this.#options.store.seals(this.#number, page);
      if (seals.length === 0) break;
      this.#signatures(seals);
      for (const seal of seals) await this.#seal(seal);
      const bytes = seals.reduce((sum, { leaves }) => sum + leaves.byteLength, 0);
      page = Math.max(pageMin, Math.min(pageMax, bytes * 2 < pageBytes ? page * 2 : Math.floor(page / 2)));
    }
    await this.#rest();
    this.#displaced.settle(this.#findings);
    this.#numbers();
    this.#cutOff();
    if (this.#options.trusted.length === 0) this.#notes.push("no key is known here, so signatures were not looked at: without them only an anchor shows whether the end was rewritten");
    return this.#report();
  }

  #report(): VerifyReport {
    const { keyId, signature, text } = this.#last ?? {};
    const body = text === undefined ? undefined : parseSeal(text);
    const { service } = this.#options;
    return {
      service,
      records: this.#reader.count,
      seals: this.#seals,
      pending: this.#pending,
      archivedSeals: this.#archive.throughSeal,
      last: body === undefined ? undefined : { service, number: body.number, hash: this.#previous, at: body.at, keyId, signature: signature?.toString("base64") },
      findings: this.#findings.listed,
      findingsCount: this.#findings.count,
      notes: this.#notes,
    };
  }

  /** A seal holds the hash of the one before, so the last signature of a page stands for the page. Where it fails, each is looked at. */
  #signatures(seals: readonly Seal[]): void {
    if (this.#options.trusted.length === 0) return;
    const last = seals.at(-1);
    if (last === undefined || this.#isSigned(last)) return;
    const first = seals.find((seal) => !this.#isSigned(seal)) ?? last;
    const number = parseSeal(first.text)?.number;
    const why = first.signature === undefined ? "has no signature" : this.#options.trusted.some(({ id }) => id === first.keyId) ? "has a signature that does not fit" : `is signed by a key that is not trusted here (${first.keyId})`;
    this.#findings.add({ kind: "seal", seal: number, message: `seal ${number ?? "?"} ${why}: it, and all behind it, may have been written by somebody without the key`, before: this.#name(this.#before) });
  }

  #isSigned({ keyId, signature, text }: Seal): boolean {
    return signature !== undefined && this.#options.trusted.some((key) => key.id === keyId && key.isSignatureOf(text, signature));
  }

  async #seal(seal: Seal): Promise<void> {
    const body = parseSeal(seal.text);
    if (body === undefined) {
      this.#number++;
      this.#sealFinding(this.#number, "is not readable");
      return;
    }
    this.#seals++;
    this.#chain(seal, body);
    if (body.number > this.#archive.throughSeal) await this.#records(seal, body);
    this.#last = seal;
  }

  #chain(seal: Seal, body: SealBody): void {
    const hash = sealHash(seal.text);
    const { number } = body;
    if (number !== this.#number + 1) {
      const missing = number - 1 === this.#number + 1 ? `seal ${this.#number + 1} is` : `seals ${this.#number + 1} to ${number - 1} are`;
      this.#findings.add({ kind: "seal", seal: this.#number + 1, message: `${missing} missing before seal ${number}`, before: this.#name(this.#before) });
    } else if (body.previous !== this.#previous) {
      this.#sealFinding(number, `does not follow from seal ${number - 1}: one of them was changed`);
    }
    if (!hash.equals(seal.hash)) this.#sealFinding(number, "was changed: its hash is not that of its text");
    if (merkleRoot(seal.leaves).toString("hex") !== body.root) this.#sealFinding(number, "was changed: its list of hashes does not fit its root");
    if (body.service !== this.#options.service) this.#sealFinding(number, `is of another service, ${body.service}`);
    const anchored = this.#anchored.get(number);
    if (anchored !== undefined && anchored !== hash.toString("hex")) {
      this.#findings.add({ kind: "anchor", seal: number, message: `seal ${number} is not the one that an anchor was told: from here on the trail was written anew`, before: this.#name(this.#before) });
      this.#anchored.clear(); // all behind it differ too
    }
    this.#number = number;
    this.#previous = hash.toString("hex");
  }

  async #records({ leaves }: Seal, body: SealBody): Promise<void> {
    const members = fromRanges(body.members, Math.min(membersMax, leaves.byteLength / hashBytes + 1));
    if (members.length * hashBytes !== leaves.byteLength || members.length !== body.size) this.#sealFinding(body.number, "was changed: it does not name as many records as it has hashes");
    const foreign = new Set(fromRanges(body.foreign, membersMax));
    const rows = await this.#reader.take(members);
    members.forEach((seq, index) => {
      const sealed = leaves.subarray(index * hashBytes, (index + 1) * hashBytes);
      const row = rows.get(seq);
      if (row === undefined) {
        const finding = { kind: "dropped" as const, seq, seal: body.number, message: `the record at place ${seq} is gone`, before: this.#name(this.#before) };
        this.#displaced.lost(finding, sealed);
        return;
      }
      const leaf = leafHash(row.text);
      const record = parseRecord(row.text);
      if (!leaf.equals(sealed)) {
        this.#displaced.strange({ kind: "changed", seq, seal: body.number, message: `the record at place ${seq} is not what was sealed`, record: nameOf(row), before: this.#name(this.#before) }, { sealed, found: leaf });
        this.#before = row;
        return;
      }
      if (!row.hash.equals(leaf)) this.#findings.add({ kind: "changed", seq, seal: body.number, message: `the hash beside the record at place ${seq} was changed`, record: nameOf(row), before: this.#name(this.#before) });
      if (foreign.has(seq)) this.#findings.add({ kind: "inserted", seq, seal: body.number, message: `the record at place ${seq} was not written by the app: it lacked the mark of its key when it was sealed`, record: nameOf(row), before: this.#name(this.#before) });
      if (record !== undefined && this.#gaps.add(record) === "known") this.#repeated(row, body.number);
      this.#displaced.passed(this.#findings, row);
      this.#before = row;
    });
  }

  /** What no seal names: waits for one, or was made up. */
  async #rest(): Promise<void> {
    const { keys = [] } = this.#options;
    const sealedSeq = this.#reader.sealedSeq;
    for await (const row of this.#reader.rest()) {
      const leaf = leafHash(row.text);
      const { mac } = row;
      const isMarked = leaf.equals(row.hash) && mac !== undefined && keys.some((key) => key.isMacOf(leaf, mac));
      const isBehind = row.seq > sealedSeq;
      if (isMarked || (keys.length === 0 && isBehind)) {
        const record = parseRecord(row.text);
        if (this.#displaced.isMissed(leaf, row.seq)) continue;
        if (record !== undefined && this.#gaps.add(record) === "known") this.#repeated(row, undefined);
        if (!isBehind) this.#notes.push(`the record at place ${row.seq} was written by the app and is in no seal, although later ones are: it was committed late, and is sealed with the next ones`);
        this.#pending++;
        this.#before = row;
        continue;
      }
      const why = keys.length === 0 ? "no seal names it, although seals name later ones" : "it is in no seal, and lacks the mark of the app's key";
      this.#displaced.added({ kind: "inserted", seq: row.seq, message: `the record at place ${row.seq} was inserted: ${why}`, record: nameOf(row) }, leaf);
    }
    if (keys.length === 0 && this.#pending > 0) this.#notes.push(`${this.#pending} records wait for their seal; whether the app wrote them is told by its key alone`);
  }

  /** A copy has the mark of the key, and the number of what it is a copy of. */
  #repeated(row: StoredRecord, seal: number | undefined): void {
    this.#findings.add({ kind: "inserted", seq: row.seq, seal, message: `the record at place ${row.seq} is a copy: its writer has given its number to an earlier one`, record: nameOf(row), before: this.#name(this.#before) });
  }

  #numbers(): void {
    for (const { isDoubtful, number, shownMs, writer } of this.#gaps.gaps()) {
      const what = `number ${number} of the process ${writer} is missing, written before ${new Date(shownMs).toISOString()}`;
      if (isDoubtful) this.#notes.push(`${what}: the process ended within 10 s, so it may have been cut short, or the record was dropped before it was sealed`);
      else if (this.#findings.count === 0) this.#findings.add({ kind: "dropped", message: `${what}: it was dropped before it was sealed` });
    }
  }

  #cutOff(): void {
    const last = Math.max(0, ...this.#anchored.keys());
    if (last > this.#number) this.#findings.add({ kind: "anchor", seal: last, message: `the end was cut off: an anchor was told of seal ${last}, and the last one here is ${this.#number}`, before: this.#name(this.#before) });
  }

  #sealFinding(number: number, what: string): void {
    this.#findings.add({ kind: "seal", seal: number, message: `seal ${number} ${what}`, before: this.#name(this.#before) });
  }

  #name(row: StoredRecord | undefined): RecordName | undefined {
    return row === undefined ? undefined : nameOf(row);
  }
}
