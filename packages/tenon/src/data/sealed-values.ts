/**
 * Values between a query and the vault: on the way in they stand among the parameters until their keys are there; on the
 * way out they come with the place that they were taken from.
 *
 * A value on its way out is a text that begins with a mark, random for each process, so that nobody who can write into a
 * column can make something look like one:
 *
 *     mark  number of the column  mark  key …  mark  sealed text
 */
import { type FieldVault, isSamePlace, type MetData, type PlainField, type RunStatement, type SealedField, SealError } from "./field-vault.ts";
import { quoteName } from "./names.ts";
import type { Statement } from "./ports.ts";
import { type SealedColumn, toKeyText } from "./sealed-tables.ts";

/** Stands among the parameters of a query for a value that is yet to be sealed. */
export class ValueToSeal {
  readonly column: SealedColumn;
  readonly key: readonly string[];
  /** Where it is not known from the query, it is looked up in the row. */
  readonly subject: string | SubjectLookup;
  readonly value: unknown;

  constructor(parts: Pick<ValueToSeal, "column" | "key" | "subject" | "value">) {
    this.column = parts.column;
    this.key = parts.key;
    this.subject = parts.subject;
    this.value = parts.value;
  }
}

/** Stands for the blind index of a value. */
export class ValueToIndex {
  readonly column: SealedColumn;
  readonly value: unknown;

  constructor(column: SealedColumn, value: unknown) {
    this.column = column;
    this.value = value;
  }
}

/** Whose row it is: one column of a table, by its key. */
export interface SubjectLookup {
  /** In SQL. */
  readonly table: string;
  readonly subject: string;
  readonly key: readonly string[];
}

/** Who is told of what was sealed and opened. */
export interface Noted {
  /** What need not be opened again. */
  readonly here?: SealedHere | undefined;
  readonly met?: MetData | undefined;
}

export interface SealedValuesOptions {
  readonly vault: FieldVault;
  readonly columns: readonly SealedColumn[];
  readonly mark: string;
}

type Row = Record<string, unknown>;

/**
 * Texts that were sealed through one connection of handlers to their rows, a transaction as a rule, by their sealed form:
 * what comes back of them is known without its key. A first use of a cipher costs some 20 µs in a process that does
 * other things too.
 */
export class SealedHere {
  readonly #fields = new Map<string, PlainField>();

  add(sealed: string, field: PlainField): void {
    const { value } = field;
    // Texts alone, that UTF-8 does not change: the parts of an object could be others by the time it is read.
    if (typeof value === "string" && value.isWellFormed() && this.#fields.size < sealedHereMax) this.#fields.set(sealed, field);
  }

  /** @returns `undefined`: it was not sealed here, or does not stand where it was sealed for. */
  find(sealed: SealedField): string | undefined {
    const field = this.#fields.get(sealed.sealed);
    return field !== undefined && isSamePlace(field, sealed) ? (field.value as string) : undefined;
  }
}

/** A transaction that writes thousands of rows seldom reads them back. */
const sealedHereMax = 256;

export class SealedValues {
  readonly #vault: FieldVault;
  readonly #columns: readonly SealedColumn[];
  readonly #mark: string;

  constructor({ columns, mark, vault }: SealedValuesOptions) {
    this.#vault = vault;
    this.#columns = columns;
    this.#mark = mark;
  }

  /** The statement with every value sealed: at once, where it names the subjects and their keys are at hand. */
  prepare({ parameters, text }: Statement, run: RunStatement, { here, met }: Noted = {}): Statement | Promise<Statement> {
    const done: unknown[] = [...parameters];
    const fields: FieldToSeal[] = [];
    for (let i = 0; i < done.length; i++) {
      const parameter = done[i];
      if (parameter instanceof ValueToIndex) done[i] = this.#indexOf(parameter);
      else if (parameter instanceof ValueToSeal) {
        const { column, key, subject } = parameter;
        if (typeof subject === "string") fields.push({ at: i, isJson: column.isJson, column: column.place, key, subject, value: toPlain(parameter) });
        else return this.#prepareSlowly({ parameters, text }, run, { here, met });
      }
    }
    if (fields.length === 0) return { text, parameters: done };
    const sealing = this.#vault.seal(fields, run, met);
    return sealing instanceof Promise ? sealing.then((sealed) => toStatement(text, done, { fields, here, sealed })) : toStatement(text, done, { fields, here, sealed: sealing });
  }

  /** Asks the rows first whose they are, one after the other: they share a session. */
  async #prepareSlowly({ parameters, text }: Statement, run: RunStatement, noted: Noted): Promise<Statement> {
    const known: unknown[] = [...parameters];
    for (let i = 0; i < known.length; i++) {
      const parameter = known[i];
      if (!(parameter instanceof ValueToSeal) || typeof parameter.subject === "string") continue;
      const { column, key, value } = parameter;
      const subject = await findSubject(parameter, parameter.subject, run);
      known[i] = subject === undefined ? null : new ValueToSeal({ column, key, subject, value }); // there is no such row, so nothing is written either
    }
    return this.prepare({ text, parameters: known }, run, noted);
  }

  /** Opens, in place, what the rows hold. @param where.columns  Where it may be; left out, everywhere. */
  open(rows: readonly Row[], run: RunStatement, { columns, here, met }: Noted & { readonly columns?: readonly string[] | undefined } = {}): void | Promise<void> {
    let found: Finding[] = [];
    if (columns === undefined) for (const row of rows) this.#search(row, found);
    else for (const row of rows) for (const name of columns) this.#look(row, name, found);
    if (here !== undefined) found = found.filter((finding) => !putKnown(finding, here));
    if (found.length === 0) return undefined;
    const opened = this.#vault.open(found, run, met);
    return opened instanceof Promise ? opened.then((values) => put(found, values)) : put(found, opened);
  }

  /** @throws {SealError} a query that nobody could look into has brought a sealed text. */
  assertNoneSealed(rows: readonly Row[]): void {
    for (const row of rows) {
      for (const value of Object.values(row)) {
        if (typeof value === "string" && this.#vault.isSealed(value)) throw new SealError("raw SQL has read an encrypted column: take it with db.selectFrom(…).select(…), which decrypts it");
      }
    }
  }

  #search(holder: Row, found: Finding[]): void {
    for (const name of Object.keys(holder)) {
      const value = holder[name];
      if (typeof value === "string") this.#look(holder, name, found);
      else if (value !== null && typeof value === "object" && !(value instanceof Uint8Array)) this.#search(value as Row, found);
    }
  }

  #look(holder: Row, name: string, found: Finding[]): void {
    const value = holder[name];
    if (typeof value === "string" && value.startsWith(this.#mark)) this.#find(value, { found, holder, name });
  }

  #find(text: string, { found, holder, name }: { readonly found: Finding[]; readonly holder: Row; readonly name: string }): void {
    const parts = text.split(this.#mark);
    const column = this.#columns[Number(parts[1])];
    const sealed = parts.at(-1);
    if (column === undefined || sealed === undefined || parts.length <= placeParts) throw new SealError("an encrypted value has lost its place");
    const isFromBefore = this.#vault.plainValues === "accepted" && !this.#vault.isSealed(sealed);
    if (isFromBefore) {
      holder[name] = column.fromText(sealed);
      return;
    }
    const key = parts.slice(placeParts, -1);
    for (let i = 0; i < key.length; i++) key[i] = toKeyText(key[i]);
    found.push({ holder, name, column: column.place, key, sealed });
  }

  #indexOf({ column, value }: ValueToIndex): string | null {
    if (value === null || value === undefined) return null;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return this.#vault.blindIndex(column.place, column.index?.ignoresCase === true ? text.toLowerCase() : text);
  }
}

interface FieldToSeal extends PlainField {
  /** Its position among the parameters. */
  readonly at: number;
  readonly isJson: boolean;
}

interface Finding extends SealedField {
  readonly holder: Row;
  readonly name: string;
}

/** What stands before the key of the row in a value on its way out: nothing, before the first mark, and the number of the column. */
const placeParts = 2;

interface SealedFields {
  readonly fields: readonly FieldToSeal[];
  readonly sealed: readonly string[];
  readonly here: SealedHere | undefined;
}

function toStatement(text: string, parameters: unknown[], { fields, here, sealed }: SealedFields): Statement {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as FieldToSeal;
    const one = sealed[i] as string;
    here?.add(one, field);
    parameters[field.at] = field.isJson ? JSON.stringify(one) : one;
  }
  return { text, parameters };
}

/** @returns Whether it was known. */
function putKnown(finding: Finding, here: SealedHere): boolean {
  const value = here.find(finding);
  if (value === undefined) return false;
  finding.holder[finding.name] = value;
  return true;
}

function put(found: readonly Finding[], values: readonly unknown[]): void {
  for (let i = 0; i < found.length; i++) {
    const { holder, name } = found[i] as Finding;
    holder[name] = values[i];
  }
}

/** A text for a column of JSON is JSON already, as everywhere; an instant is a text. */
function toPlain({ column, value }: ValueToSeal): unknown {
  if (value instanceof Date) return value.toISOString();
  if (!column.isJson || typeof value !== "string") return value;
  try {
    return JSON.parse(value) as unknown;
  } catch (cause) {
    throw new SealError(`${column.place} holds JSON, and the text given for it is none`, { cause });
  }
}

async function findSubject({ column, key }: ValueToSeal, { key: names, subject, table }: SubjectLookup, run: RunStatement): Promise<string | undefined> {
  const where = names.map((name, i) => `${quoteName(name)}::text = $${i + 1}`).join(" and ");
  const { rows } = await run({ text: `select ${quoteName(subject)}::text as subject from ${quoteName(table)} where ${where}`, parameters: key });
  if (rows.length === 0) return undefined;
  const found = rows[0]?.["subject"];
  if (typeof found !== "string") throw new SealError(`${column.place} cannot be encrypted: its row names no subject`);
  return found;
}
