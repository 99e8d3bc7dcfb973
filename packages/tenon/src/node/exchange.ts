/**
 * One request and its answer on a connection. Writes the answer in whatever form its body has, at the pace of the peer,
 * and makes sure that something is written: an answer that cannot be sent as it is becomes `internal`.
 *
 *     waiting ─► sent whole ─► over
 *        │          └─ the body is in the way ─► lingering ─► over, connection closed
 *        └─► streaming ─► over
 *               └─ fails ─► broken off: the peer sees that the end is missing
 */
import type { ServerResponse } from "node:http";
import { Fault } from "../kernel/index.ts";
import { closeBody, type HttpAnswer, toProblem } from "../rest/index.ts";
import type { HttpHost } from "./http-host.ts";
import type { NodeRequest } from "./node-request.ts";

type Whole = string | Uint8Array | undefined;

/**
 * How long one stream may write on before everybody else has a turn, in ms. A source that never waits, and a peer that
 * takes everything at once, would keep the event loop to themselves.
 */
const turnMaxMs = 10;

/** What an exchange asks of the connection that it is on. */
export interface AnswerOrder {
  readonly host: HttpHost;
  /** Set when the peer is told that the connection closes. */
  isLeaving: boolean;
  /** Whether the connection is to be closed with this answer. */
  endsWith(exchange: Exchange): boolean;
  /** An answer was handed over whole. */
  answered(exchange: Exchange): void;
}

export class Exchange {
  readonly request: NodeRequest;
  readonly response: ServerResponse;
  readonly #connection: AnswerOrder;

  constructor(request: NodeRequest, response: ServerResponse, connection: AnswerOrder) {
    this.request = request;
    this.response = response;
    this.#connection = connection;
  }

  /** Whether every byte of the answer has been handed to the system. */
  get isOver(): boolean {
    return this.response.writableFinished || this.response.destroyed;
  }

  /** Called once. Never throws. */
  send(answer: HttpAnswer): void {
    try {
      this.#write(answer);
    } catch (error) {
      // A header that no answer can carry, which a handler or a mount has put there.
      this.#connection.host.log.error("an answer could not be sent", { error });
      closeBody(answer.body);
      this.#sendFailure(error);
    }
  }

  #sendFailure(error: unknown): void {
    if (this.response.headersSent) this.#breakOff("told");
    else this.#write(toProblem(new Fault("internal", "internal error", { cause: error }), undefined));
  }

  #write(answer: HttpAnswer): void {
    const { request, response } = this;
    const { body, headers, status } = answer;
    if (response.destroyed) {
      closeBody(body);
      return;
    }
    // RFC 9110 section 15.5.9: after a 408 the connection is closed.
    const isInTheWay = request.isInTheWay || status === 408;
    if (isInTheWay || this.#connection.endsWith(this)) {
      headers.push("connection", "close");
      this.#connection.isLeaving = true;
    }
    if (typeof body === "object" && !(body instanceof Uint8Array)) {
      response.writeHead(status, headers);
      void this.#stream(body, headers.includes("content-length") ? "told" : "open");
      return;
    }
    const length = body === undefined ? 0 : Buffer.byteLength(body);
    // Text of as many bytes as characters is the same in both encodings, and costs less to write in the narrow one.
    const isAscii = typeof body === "string" && length === body.length;
    if ((body !== undefined || (status !== 204 && status !== 304)) && !headers.includes("content-length")) headers.push("content-length", String(length));
    response.writeHead(status, headers);
    if (isInTheWay && request.isSending) {
      this.#linger(body);
      return;
    }
    if (typeof body === "string") response.end(body, isAscii ? "latin1" : "utf8");
    else response.end(body);
    this.#connection.answered(this);
  }

  /**
   * The peer has the whole answer, and the connection stays open for a while to take what it still sends. Closing at
   * once would reset it, and the answer could be lost on the way (RFC 9112 section 9.6).
   */
  #linger(body: Whole): void {
    const { request, response } = this;
    if (body === undefined || request.method === "HEAD") response.flushHeaders();
    else response.write(body);
    const timer = this.#connection.host.clock.after(this.#connection.host.limits.lingerMs, end);
    function end(): void {
      timer.cancel();
      response.end();
    }
    request.discard(end);
  }

  async #stream(body: AsyncIterable<string | Uint8Array>, length: "told" | "open"): Promise<void> {
    const { request, response } = this;
    if (request.method === "HEAD" || response.statusCode === 204 || response.statusCode === 304) {
      response.end();
      closeBody(body);
      return;
    }
    // More or fewer bytes than were announced would be read as a part of another answer.
    response.strictContentLength = true;
    const { clock } = this.#connection.host;
    let turnStartMs = clock.elapsedMs();
    try {
      for await (const chunk of body) {
        if (response.destroyed) return; // leaving the loop tells the source to stop
        if (!response.write(chunk)) await this.#taken();
        if (clock.elapsedMs() - turnStartMs < turnMaxMs) continue;
        await new Promise((resolve) => setImmediate(resolve));
        turnStartMs = clock.elapsedMs();
      }
      response.end();
    } catch (error) {
      // A Fault was told by the face, and what fails after the caller went away has failed because of it.
      if (!(error instanceof Fault) && !response.destroyed) this.#connection.host.log.error("an answer broke off half-way", { error });
      this.#breakOff(length);
    }
  }

  /** Resolves when the peer has taken what was written, or is gone, which it also is when it takes nothing for long. */
  #taken(): Promise<void> {
    const { response } = this;
    const { socket } = response;
    socket?.setTimeout(this.#connection.host.limits.stallTimeoutMs);
    return new Promise((resolve) => {
      function done(): void {
        response.off("drain", done).off("close", done);
        socket?.setTimeout(0);
        resolve();
      }
      response.once("drain", done).once("close", done);
    });
  }

  /** What was written goes out; the end does not, so that nobody takes a part for the whole. */
  #breakOff(length: "told" | "open"): void {
    const { response } = this;
    const { socket } = response;
    if (socket === null) {
      response.destroy();
      return;
    }
    this.#connection.isLeaving = true;
    // Before HTTP/1.1 the end of the connection is the end of the answer: only a reset tells the two apart.
    const hasNoOtherEnd = response.req.httpVersion === "1.0" && length === "open";
    // Not at once: the last chunk leaves at the end of this turn.
    setImmediate(() => (hasNoOtherEnd ? socket.resetAndDestroy() : socket.destroySoon()));
  }
}
