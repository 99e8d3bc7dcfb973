/**
 * Ratios between subjects. A ratio is taken inside each round, where both sides met the same weather, and then the
 * median of those is told with the lowest and the highest. The ratio of two medians would compare different moments.
 */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws {RangeError} there are no values. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError("a spread needs at least one value");
  const sorted = values.toSorted((a, b) => a - b);
  return { median: round(medianOf(sorted)), min: round(sorted[0] as number), max: round(sorted.at(-1) as number) };
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] as number;
  return Number.isInteger(middle) ? ((sorted[middle - 1] as number) + upper) / 2 : upper;
}

/** Four significant digits: more would be noise. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** One subject's figure in one round. */
export interface Figure {
  readonly round: number;
  readonly subject: string;
}

/** Who is compared with whom. */
export interface Pair {
  readonly subject: string;
  readonly peer: string;
}

/** `subject` divided by `peer`, round by round. @throws {RangeError} they have no round in common. */
export function ratioOf<F extends Figure>(figures: readonly F[], { subject, peer }: Pair, read: (figure: F) => number): Spread {
  const peers = new Map(figures.filter((figure) => figure.subject === peer).map((figure) => [figure.round, figure]));
  const ratios = figures.flatMap((figure) => {
    const other = figure.subject === subject ? peers.get(figure.round) : undefined;
    return other === undefined ? [] : [read(figure) / read(other)];
  });
  return spreadOf(ratios);
}

/** A figure of one subject over its rounds. */
export function spreadOfSubject<F extends Figure>(figures: readonly F[], subject: string, read: (figure: F) => number): Spread {
  return spreadOf(figures.filter((figure) => figure.subject === subject).map(read));
}
