/**
 * Events on their way out of a command: rows of the outbox that travel with the command's COMMIT.
 *
 * Events of one key leave in the order in which their commands commit. Just before COMMIT the command takes a lock of
 * each key and holds it until it has committed, so the rows of a key get their numbers in commit order. Commands without
 * a key in common do not wait for each other. Whoever holds such a lock waits for nothing but other such locks, which
 * all take in one order, so nobody waits in a circle.
 */
import { hash } from "node:crypto";
import type { Statement, Work } from "../data/index.ts";
import type { EventRecord } from "./envelope.ts";

/**
 * The largest event, in bytes of JSON: a broker's usual limit is 1 MiB, and an event tells what happened. Who has more to
 * say stores it and sends where it is.
 */
export const eventMaxBytes = 256 * 1024;

const insertText = "insert into tenon_outbox (id, type, version, key, time, data, trace) values ($1, $2, $3, $4, $5, $6, $7)";

/** Events of one command, gathered until it commits. */
export class Outbox {
  readonly #work: Work;
  readonly #service: string;
  readonly #locks: "needed" | "not needed";

  constructor(work: Work, options: { readonly service: string; readonly locks: "needed" | "not needed" }) {
    this.#work = work;
    this.#service = options.service;
    this.#locks = options.locks;
  }

  /** Says what COMMIT is to take along. */
  add(record: EventRecord): void {
    if (this.#locks === "needed" && record.key !== undefined) this.#work.lockAtCommit(lockOf(this.#service, record.key));
    this.#work.atCommit(insertStatement(record));
  }
}

export function insertStatement({ data, id, key, time, trace, type, version }: EventRecord): Statement {
  return { text: insertText, parameters: [id, type, version, key ?? null, time, JSON.stringify(data), trace ?? null] };
}

/** The number of the lock of a key: 63 bits of a digest. Two keys with one number wait for each other, no more. */
function lockOf(service: string, key: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${hash("sha256", `${service}/${key}`, "hex").slice(0, 16)}`));
}
