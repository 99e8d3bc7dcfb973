/** What handles the deliveries of one subscription: a user's handler, a schedule, a workflow. */
import type { RetryPolicy } from "../contract/index.ts";
import type { Delivery } from "./delivery.ts";

export interface Consumer {
  /** Unique in its service. */
  readonly name: string;
  /** Deliveries at once in one process. */
  readonly concurrency: number;
  /** Deliveries handed over together, in one transaction. */
  readonly batchMax: number;
  readonly policy: RetryPolicy;
  /**
   * How its deliveries come into the inbox. Default `one after the other`. Where transactions put them there `side by side`,
   * one that commits late may stand before what was read already, and its key's next one behind: the inbox is then always
   * read from its start, where both are seen or neither.
   */
  readonly arrivals?: "one after the other" | "side by side";
  /** What becomes of later deliveries of a key when one is given up: `continue` with them, or `hold` them until an operator decides. */
  readonly afterDeath: "continue" | "hold";
  /**
   * Handles deliveries and removes them from the inbox in the transaction of their effects.
   *
   * @returns `removed`; or `untouched` when nothing was done in the database: whoever asked removes them; or `gone` when
   * another process has removed one meanwhile, so that nothing was kept here.
   * @throws {GivenUp} no further attempt makes sense.
   */
  handle(deliveries: readonly Delivery[]): Promise<"removed" | "untouched" | "gone">;
}

/** A delivery that no further attempt will bring to an end. It becomes a dead letter at once. */
export class GivenUp extends Error {
  override readonly name = "GivenUp";
}
