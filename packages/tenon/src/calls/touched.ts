/**
 * Whose data a call met, and in which rows: filled where values are sealed and opened, read by whoever puts the call on
 * record and by whoever keeps a run. It holds identifiers and no value, and no more than so many of them.
 */

/** A row by service, table and the values of its key. The key `*`: rows that a statement did not name. */
export interface TouchedRow {
  readonly service: string;
  readonly table: string;
  readonly key: string;
}

/** Told apart at most, of persons and of rows each; what a call meets beyond is counted as it comes. Some 2 MB at worst. */
const distinctMax = 10_000;

export class Touched {
  readonly #subjects = new Counted<string>();
  readonly #rows = new Counted<TouchedRow>();

  /**
   * A value of a row was sealed or opened, or the row written.
   *
   * @param place  `orders/orders.email`, or `orders/orders` for the row itself.
   * @param subject  Left out where nobody knows.
   */
  meet({ column: place, key }: { readonly column: string; readonly key: readonly string[] }, subject: string | undefined): void {
    if (subject !== undefined) this.meetSubject(subject);
    const name = key.length === 1 ? (key[0] as string) : key.join(",");
    const dot = place.lastIndexOf(".");
    const table = dot === -1 ? place : place.slice(0, dot);
    this.#rows.add(`${table}/${name}`, () => ({ service: table.slice(0, table.indexOf("/")), table: table.slice(table.indexOf("/") + 1), key: name }));
  }

  /** A value that stands in no row: of an event. */
  meetSubject(subject: string): void {
    this.#subjects.add(subject, () => subject);
  }

  get isEmpty(): boolean {
    return this.#subjects.count === 0 && this.#rows.count === 0;
  }

  get subjectCount(): number {
    return this.#subjects.count;
  }

  get rowCount(): number {
    return this.#rows.count;
  }

  /** The first so many, in the order in which they were met. */
  subjects(max: number): readonly string[] {
    return this.#subjects.first(max);
  }

  rows(max: number): readonly TouchedRow[] {
    return this.#rows.first(max);
  }
}

/** Distinct things by name. */
class Counted<T> {
  readonly #known = new Map<string, T>();
  #beyond = 0;
  /** Most values come one after the other from the same row. */
  #last: string | undefined = undefined;

  add(name: string, make: () => T): void {
    if (name === this.#last) return;
    this.#last = name;
    if (this.#known.has(name)) return;
    if (this.#known.size < distinctMax) this.#known.set(name, make());
    else this.#beyond++;
  }

  get count(): number {
    return this.#known.size + this.#beyond;
  }

  first(max: number): readonly T[] {
    const first: T[] = [];
    for (const each of this.#known.values()) if (first.push(each) >= max) break;
    return first;
  }
}
