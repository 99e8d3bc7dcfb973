/**
 * A body that is received whole, within a limit of its own and one for all bodies that are on their way together.
 *
 *     receiving ─► whole
 *         └─► failed: what still comes is dropped
 */
import { Fault } from "../kernel/index.ts";
import type { HttpHost } from "./http-host.ts";
import type { BodyTaker, IncomingRequest } from "./incoming-request.ts";

export type BodyDone = (body: Uint8Array | Fault) => void;

export class WholeBody implements BodyTaker {
  readonly #incoming: IncomingRequest;
  readonly #host: HttpHost;
  readonly #maxBytes: number;
  readonly #done: BodyDone;
  #first: Buffer | undefined = undefined;
  #all: Buffer[] | undefined = undefined;
  #size = 0;
  #isOver = false;

  /** @param done  Called once. */
  constructor(incoming: IncomingRequest, of: { readonly host: HttpHost; readonly maxBytes: number; readonly done: BodyDone }) {
    this.#incoming = incoming;
    this.#host = of.host;
    this.#maxBytes = of.maxBytes;
    this.#done = of.done;
    incoming.takeBody(this);
  }

  take(piece: Buffer): void {
    const { bodiesMaxBytes } = this.#host.limits;
    this.#size += piece.length;
    this.#host.bodiesBytes += piece.length;
    if (this.#size > this.#maxBytes) this.fail(tooLarge(this.#maxBytes));
    else if (this.#first === undefined) this.#first = piece; // most bodies are one piece: no copy, and taken even where room is scarce
    else if (this.#host.bodiesBytes - this.#size > bodiesMaxBytes) this.fail(tooMuchAtOnce()); // what others have sent
    else (this.#all ??= [this.#first]).push(piece);
  }

  end(): void {
    this.#isOver = true;
    this.#host.bodiesBytes -= this.#size;
    this.#done(this.#all === undefined ? (this.#first ?? Buffer.alloc(0)) : Buffer.concat(this.#all, this.#size));
  }

  /** The body will not come to its end. */
  fail(fault: Fault): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.bodiesBytes -= this.#size;
    this.#first = undefined;
    this.#all = undefined;
    this.#incoming.release();
    // Not at once: whoever closes the connection, which may be why, has to be done with that first.
    queueMicrotask(() => this.#done(fault));
  }
}

export function tooLarge(maxBytes: number): Fault {
  return new Fault("payload_too_large", `the body is larger than ${maxBytes} bytes`);
}

function tooMuchAtOnce(): Fault {
  return new Fault("overloaded", "too many bodies are on their way at once; try again in 1 s", { retryAfterS: 1 });
}
