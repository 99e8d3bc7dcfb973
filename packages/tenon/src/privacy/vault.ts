/**
 * The vault of an app: seals and opens values of columns, events and runs under the keys of their subjects, and makes blind
 * indexes. Where the keys are at hand nothing waits.
 */
import { createHmac } from "node:crypto";
import { type FieldVault, type MetData, type PlainField, type RunStatement, type SealedField, type SealedPlace, SealError } from "../data/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import { isSealed, JointKey, Sealed, sealValue, toValue } from "./envelope.ts";
import type { RandomBytes } from "./key-wrapper.ts";
import { OpenedLately } from "./opened-lately.ts";
import type { FoundKey, KeyOwner, SubjectKey, SubjectKeys } from "./subject-keys.ts";

export interface VaultOptions {
  readonly keys: SubjectKeys;
  /** Of blind indexes. */
  readonly indexKey: Uint8Array;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Whether values that were there before they were encrypted are read as they are. */
  readonly plainValues: "accepted" | "refused";
  /** Whether data of restricted persons is opened: for exports alone. Default `refused`. */
  readonly restricted?: "opened" | "refused" | undefined;
}

export class Vault implements FieldVault {
  readonly mark: string;
  readonly plainValues: "accepted" | "refused";
  readonly keys: SubjectKeys;
  readonly #options: VaultOptions;
  readonly #indexKeys = new Map<string, Uint8Array>();
  readonly #lately: OpenedLately;

  constructor(options: VaultOptions) {
    this.#options = options;
    this.keys = options.keys;
    this.#lately = new OpenedLately(options.keys, options.clock);
    this.plainValues = options.plainValues;
    this.mark = `~${Buffer.from(options.randomBytes(12)).toString("hex")}~`;
  }

  /** One with the same keys that opens what is restricted, too. */
  forRights(): Vault {
    return new Vault({ ...this.#options, restricted: "opened" });
  }

  seal(fields: readonly PlainField[], run: RunStatement, met?: MetData): readonly string[] | Promise<readonly string[]> {
    const at = (subject: string): SubjectKey | undefined => this.keys.atHand({ purpose: "subject", subject });
    const sealed: string[] = [];
    let key: SubjectKey | undefined = undefined;
    for (const field of fields) {
      if (key?.subject !== field.subject) key = at(field.subject); // most are of one subject
      if (key === undefined) break;
      sealed.push(this.#sealField(field, key, met));
    }
    if (sealed.length === fields.length) return sealed;
    const missing = fields.map(({ subject }) => subject).filter((subject) => at(subject) === undefined);
    return this.keys.of("subject", missing, run).then((made) => fields.map((field, i) => sealed[i] ?? this.#sealField(field, made.get(field.subject) ?? at(field.subject), met)));
  }

  open(fields: readonly SealedField[], run: RunStatement, met?: MetData): readonly unknown[] | Promise<readonly unknown[]> {
    const opened: unknown[] = [];
    let key: SubjectKey | undefined = undefined;
    for (const field of fields) {
      const lately = this.#lately.find(field);
      if (lately !== undefined) {
        this.#meet(field, lately.key, met);
        opened.push(toValue(lately.marked));
        continue;
      }
      const one = new Sealed(field.sealed);
      if (key === undefined || !one.isOf(key)) key = this.keys.byIdAtHand(one.keyId); // most are of one subject
      if (key === undefined) break;
      opened.push(this.#openField(field, one, { key, met }));
    }
    if (opened.length === fields.length) return opened;
    const sealed = fields.map((field) => new Sealed(field.sealed));
    const missing = sealed.map(({ keyId }) => keyId).filter((id) => this.keys.byIdAtHand(id) === undefined);
    return this.keys.byIds(missing, run).then((found) => {
      const keyOf = ({ keyId }: Sealed): FoundKey | undefined => found.get(keyId) ?? this.keys.byIdAtHand(keyId);
      return fields.map((field, i) => (i < opened.length ? opened[i] : this.#openField(field, sealed[i] as Sealed, { key: keyOf(sealed[i] as Sealed), met })));
    });
  }

  blindIndex(column: string, text: string): string {
    let key = this.#indexKeys.get(column);
    if (key === undefined) {
      key = createHmac("sha256", this.#options.indexKey).update(`blind index ${column}`).digest();
      this.#indexKeys.set(column, key);
    }
    return createHmac("sha256", key).update(text).digest("base64url");
  }

  isSealed(text: string): boolean {
    return isSealed(text);
  }

  /** The key of an owner, for values that are no column's. */
  async keyOf({ purpose, subject }: KeyOwner, run: RunStatement): Promise<SubjectKey> {
    const [key] = await this.keysOf(purpose, [subject], run);
    return this.#usable(key);
  }

  /** The keys of owners, in their order, for values that are no column's. @throws {Fault} `permission_denied`: the data of one is restricted. */
  async keysOf(purpose: KeyOwner["purpose"], subjects: readonly string[], run: RunStatement): Promise<readonly SubjectKey[]> {
    const known = new Map<string, SubjectKey | undefined>(subjects.map((subject) => [subject, this.keys.atHand({ purpose, subject })]));
    const missing = subjects.filter((subject) => known.get(subject) === undefined);
    if (missing.length > 0) for (const [subject, key] of await this.keys.of(purpose, missing, run)) known.set(subject, key);
    return subjects.map((subject) => this.#usable(known.get(subject)));
  }

  /** Keys by identifier; whoever is missing was never there. */
  async keysById(ids: readonly string[], run: RunStatement): Promise<ReadonlyMap<string, FoundKey>> {
    const found = new Map<string, FoundKey>();
    const missing: string[] = [];
    for (const id of new Set(ids)) {
      const key = this.keys.byIdAtHand(id);
      if (key === undefined) missing.push(id);
      else found.set(id, key);
    }
    if (missing.length > 0) for (const [id, key] of await this.keys.byIds(missing, run)) found.set(id, key);
    return found;
  }

  /** @param bound  What the value belongs to. */
  sealWith(key: SubjectKey, value: unknown, bound: readonly string[]): string {
    return sealValue(this.#usable(key), value, { bound, randomBytes: this.#options.randomBytes });
  }

  /** @throws {SealError} it was changed, or belongs to something else. */
  openWith(key: SubjectKey, text: string, bound: readonly string[]): unknown {
    return new Sealed(text).open(this.#usable(key), bound);
  }

  /** What seals a value so that it opens with all of these keys, and with no fewer. */
  sealerWithAll(keys: readonly SubjectKey[], bound: readonly string[]): (value: unknown) => string {
    const joint = new JointKey(keys.map((key) => this.#usable(key)));
    return (value) => joint.seal(value, { bound, randomBytes: this.#options.randomBytes });
  }

  /** @param keys  Those that the text names, in its order. @throws {SealError} it was changed, or belongs to something else. */
  openWithAll(keys: readonly SubjectKey[], text: string, bound: readonly string[]): unknown {
    return new JointKey(keys.map((key) => this.#usable(key))).open(text, bound);
  }

  #sealField(field: PlainField, key: SubjectKey | undefined, met: MetData | undefined): string {
    return sealValue(this.#meet(field, key, met), field.value, { bound: boundOf(field.column, field.key), randomBytes: this.#options.randomBytes });
  }

  #openField(field: SealedField, sealed: Sealed, { key, met }: { readonly key: FoundKey | undefined; readonly met: MetData | undefined }): unknown {
    if (key === "destroyed") return null;
    const usable = this.#meet(field, key, met);
    const marked = sealed.openMarked(usable, boundOf(field.column, field.key));
    this.#lately.add(field, usable, marked);
    return toValue(marked);
  }

  #meet(place: SealedPlace, key: FoundKey | undefined, met: MetData | undefined): SubjectKey {
    const usable = this.#usable(key);
    met?.meet(place, usable.subject);
    return usable;
  }

  #usable(key: FoundKey | undefined): SubjectKey {
    if (key === undefined || key === "destroyed") throw new SealError("an encrypted value names a key that was never in this database: it comes from another one, or the keys were not restored with it");
    if (key.isRestricted && this.#options.restricted !== "opened") throw new Fault("permission_denied", "the data of this person is restricted: it is kept, and not used", { facts: { subject: key.subject } });
    return key;
  }
}

/** What a value of a column belongs to. Most rows have a key of one column. */
function boundOf(column: string, row: readonly string[]): readonly string[] {
  return row.length === 1 ? [column, row[0] as string] : [column, ...row];
}
