/** People in the shop: calls at a steady rate, each counted by whoever made it. */
export interface Visit {
  /** The operation, for the counts. */
  readonly operation: string;
  readonly perSecond: number;
  /** One visit: the status of its answer. */
  readonly visit: (url: string, number: number) => Promise<number>;
}

/** What was counted outside of the shop. */
export interface VisitorCounts {
  total: number;
  /** Answers that are the shop's own fault: 500 and above. */
  bad: number;
}

/** An answer, as whoever asked saw it. */
export interface SeenAnswer {
  readonly operation: string;
  /** When it was there, by the visitors' clock. */
  readonly atMs: number;
  readonly bad: boolean;
}

export class Visitors {
  readonly counts = new Map<string, VisitorCounts>();
  /** In the order they came in. */
  readonly answers: SeenAnswer[] = [];
  /** What the drill itself did wrong: none in a good one. */
  readonly mistakes: unknown[] = [];
  readonly #visits: readonly Visit[];
  readonly #nowMs: () => number;
  readonly #underway = new Set<Promise<void>>();
  #timers: NodeJS.Timeout[] = [];
  #number = 0;

  constructor(visits: readonly Visit[], nowMs: () => number) {
    for (const { operation } of visits) this.counts.set(operation, { total: 0, bad: 0 });
    this.#visits = visits;
    this.#nowMs = nowMs;
  }

  /** Begins to call a shop. */
  come(url: string): void {
    this.#timers = this.#visits.map((visit) => setInterval(() => this.#visit(url, visit), 1_000 / visit.perSecond));
  }

  /** Resolves when the last one has got its answer. */
  async leave(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    await Promise.all(this.#underway);
  }

  #visit(url: string, { operation, visit }: Visit): void {
    this.#number += 1;
    const counts = this.counts.get(operation) as VisitorCounts;
    const counted = visit(url, this.#number).then((status) => {
      counts.total += 1;
      this.answers.push({ operation, atMs: this.#nowMs(), bad: status >= 500 });
      if (status >= 500) counts.bad += 1;
      else if (status >= 400) throw new VisitError(`${operation} answered ${status}: a mistake of the drill`);
    });
    const settled = counted.catch((error: unknown) => void this.mistakes.push(error)).finally(() => this.#underway.delete(settled));
    this.#underway.add(settled);
  }
}

export class VisitError extends Error {
  override readonly name = "VisitError";
}
