/**
 * How many repeats a target may be burdened with: a tenth of the calls, and ten to begin with. A target that fails for
 * everybody gets no more than that on top.
 *
 * @see https://github.com/grpc/proposal/blob/master/A6-client-retries.md "Throttling Retry Attempts and Hedged RPCs"
 */
const share = 0.1;
const savedMax = 10;

export class RetryBudget {
  #saved = savedMax;

  /** For each call that is made. */
  earn(): void {
    this.#saved = Math.min(savedMax, this.#saved + share);
  }

  /** Whether there is something left for a repeat. */
  spend(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
