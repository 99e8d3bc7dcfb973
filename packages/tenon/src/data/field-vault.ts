/**
 * What keeps the encrypted values of columns: asked by the layer under Kysely, kept by the room of privacy. The place of a
 * value is part of what is sealed, so a value that was moved to another table, column or row does not open.
 */
import type { Rows, Statement } from "./ports.ts";

/** Where a value is at home. */
export interface SealedPlace {
  /** `accounts/addresses.street`: service, table and column. */
  readonly column: string;
  /** The values of the row's primary key, as text, in the order of the table's declaration. */
  readonly key: readonly string[];
}

/** Whether two values stand in the same column and row. */
export function isSamePlace(one: SealedPlace, other: SealedPlace): boolean {
  return one.column === other.column && one.key.length === other.key.length && one.key.every((part, i) => part === other.key[i]);
}

/** A value on its way in. */
export interface PlainField extends SealedPlace {
  /** Whose key it is sealed under. */
  readonly subject: string;
  /** Text, or what JSON carries. Never null: a null stays one, for everybody to see. */
  readonly value: unknown;
}

/** A value on its way out. */
export interface SealedField extends SealedPlace {
  readonly sealed: string;
}

/** Runs a statement where the handler's own run, with the rights that they have. */
export type RunStatement = (statement: Statement) => Promise<Rows>;

/** Is told whose values were sealed and opened, and where they stand. */
export interface MetData {
  meet(place: SealedPlace, subject: string | undefined): void;
}

/** Both answer at once where the keys are at hand: a call that finds them waits for nothing. */
export interface FieldVault {
  /** Random for each process: 16 hexadecimal digits or more. It marks values that come with their place. */
  readonly mark: string;
  /** Whether values that were there before they were encrypted are read as they are. */
  readonly plainValues: "accepted" | "refused";
  /** One text for each field, in order. Makes a key for a subject that has none. */
  seal(fields: readonly PlainField[], run: RunStatement, met?: MetData): readonly string[] | Promise<readonly string[]>;
  /**
   * The values, in order; `null` where the key was destroyed.
   *
   * @throws {SealError} a text that is none of this vault's, is out of its place or was changed.
   */
  open(fields: readonly SealedField[], run: RunStatement, met?: MetData): readonly unknown[] | Promise<readonly unknown[]>;
  /** A digest by which equal values of a column are found, and by nobody without the key. */
  blindIndex(column: string, text: string): string;
  /** Whether a text was sealed by this kind of vault. */
  isSealed(text: string): boolean;
}

/** An encrypted column used in a way that cannot work, or a value that does not open. A bug or a break-in: answered `internal`. */
export class SealError extends Error {
  override readonly name = "SealError";
}
