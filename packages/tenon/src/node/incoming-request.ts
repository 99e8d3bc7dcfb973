/**
 * Node's request, with a short way for bodies that are wanted whole. A stream takes a listener for its data and one for
 * its end, two turns of the microtask queue and a destruction to hand on one piece of memory; here the parser's pieces
 * go straight to whoever takes the body, and its end is told in the turn in which it came.
 *
 * A request whose body nobody takes in this way is the stream that it always was.
 */
import { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** Takes a body piece by piece. May stop taking at any piece, by `release`. */
export interface BodyTaker {
  take(piece: Buffer): void;
  /** All of it has come. */
  end(): void;
}

export class IncomingRequest extends IncomingMessage {
  static {
    // Node's server goes by it to let go of a request that is over: an idle connection must not hold one. Not an
    // accessor in the class: the stream's own is declared as a field.
    const own = Object.getOwnPropertyDescriptor(Readable.prototype, "readableEnded");
    Object.defineProperty(IncomingRequest.prototype, "readableEnded", {
      get(this: IncomingRequest) {
        return this.#isTaken || own?.get?.call(this) === true;
      },
    });
  }

  #taker: BodyTaker | undefined = undefined;
  #isTaken = false;

  /** Hands the body to a taker, from its first byte. Call while the headers are being told, before any of it has come. */
  takeBody(taker: BodyTaker): void {
    this.#taker = taker;
    this._read(0); // as reading it would: what nobody reads is thrown away behind the answer
  }

  /** What is still to come is dropped, and its end is an event, as with any stream that is not listened to. */
  release(): void {
    if (this.#taker === undefined) return;
    this.#taker = undefined;
    this.resume();
  }

  /** Called by Node's parser, with a piece of the body or, at its end, with `null`. */
  override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
    const taker = this.#taker;
    if (taker === undefined) return super.push(piece, encoding);
    if (piece !== null) {
      taker.take(piece);
      return true;
    }
    this.#taker = undefined;
    this.#isTaken = true;
    taker.end();
    return true;
  }

}
