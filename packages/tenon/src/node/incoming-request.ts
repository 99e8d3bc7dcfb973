/**
 * Node's request with two short ways: for bodies that are wanted whole, and for headers.
 *
 * A stream takes a listener for its data and one for its end, two turns of the queue and a destruction to hand on one
 * piece of memory; here the parser's pieces go straight to whoever takes the body, and its end is told in the turn in
 * which it came. A request whose body nobody takes in this way is the stream that it always was.
 */
import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { IncomingMessage } from "./node-http.ts";
import { isKnownHeader, RequestHeaders } from "./request-headers.ts";

// Node's own, which the class below stands in front of.
const ofStream = Object.getOwnPropertyDescriptor(Readable.prototype, "readableEnded");
const ofMessage = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, "headers");

/** Takes a body piece by piece. May stop taking at any piece, by `release`. */
export interface BodyTaker {
  take(piece: Buffer): void;
  /** All of it has come. */
  end(): void;
}

export class IncomingRequest extends IncomingMessage {
  static {
    // Not as accessors in the class: the types have both as fields.
    Object.defineProperties(IncomingRequest.prototype, {
      // Node's server goes by it to let go of a request that is over: an idle connection must not hold one.
      readableEnded: {
        get(this: IncomingRequest) {
          return this.#isTaken || ofStream?.get?.call(this) === true;
        },
      },
      // Node's server looks at a few of the known ones, at every request. We ask by `header` and `allHeaders`.
      headers: {
        get(this: IncomingRequest) {
          return this.known;
        },
      },
    });
  }

  #taker: BodyTaker | undefined = undefined;
  #isTaken = false;
  #known: RequestHeaders | undefined = undefined;

  /** Those headers that are asked for at every request. */
  get known(): RequestHeaders {
    this.#known ??= new RequestHeaders(this.rawHeaders);
    return this.#known;
  }

  /** A header's value by lower-case name; several are joined by `, `. */
  header(name: string): string | undefined {
    if (isKnownHeader(name)) return this.known[name];
    const value: unknown = this.allHeaders[name]; // for "constructor" it is a function
    if (typeof value === "string") return value;
    return Array.isArray(value) ? value.join(", ") : undefined;
  }

  /** As Node reads them. */
  get allHeaders(): IncomingHttpHeaders {
    return ofMessage?.get?.call(this) as IncomingHttpHeaders;
  }

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
