/** A request of Node's server in the shape that faces read. Costs one object; headers and body are read when asked for. */
import type { ServerResponse } from "node:http";
import { Fault } from "../kernel/index.ts";
import type { HttpRequest } from "../rest/index.ts";
import type { HttpHost } from "./http-host.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import { type BodyDone, tooLarge, WholeBody } from "./whole-body.ts";

/** Who sent the request, and to whom. */
export interface Peer {
  readonly address: string;
  readonly isSecure: boolean;
  readonly peerCertificate: Uint8Array | undefined;
  readonly host: HttpHost;
}

export class NodeRequest implements HttpRequest {
  readonly receivedAtMs: number;
  readonly #incoming: IncomingRequest;
  readonly #peer: Peer;
  /** Where the peer waits for `100 Continue` before it sends the body, until it has been told. */
  #expecting: ServerResponse | undefined = undefined;
  #onClose: (() => void) | undefined = undefined;
  /** Why the body, or the rest of it, will not come. */
  #failure: Fault | undefined = undefined;
  /** Whoever waits for the body, or has had it. */
  #reader: { fail(fault: Fault): void } | undefined = undefined;
  #isStreamed = false;

  constructor(incoming: IncomingRequest, receivedAtMs: number, peer: Peer) {
    this.#incoming = incoming;
    this.receivedAtMs = receivedAtMs;
    this.#peer = peer;
  }

  get method(): string {
    return this.#incoming.method ?? "GET";
  }

  get target(): string {
    return this.#incoming.url ?? "/";
  }

  get address(): string {
    return this.#peer.address;
  }

  get isSecure(): boolean {
    return this.#peer.isSecure;
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.#peer.peerCertificate;
  }

  get hasBody(): boolean {
    const { known } = this.#incoming;
    const length = known["content-length"];
    return (length !== undefined && length !== "0") || known["transfer-encoding"] !== undefined;
  }

  get isReceiving(): boolean {
    return !this.#incoming.complete && this.hasBody;
  }

  /** Whether a body stands before the next request on this connection that is too long to be read for nothing. */
  get isInTheWay(): boolean {
    if (!this.isReceiving) return false;
    return this.#expecting !== undefined || !(this.#announcedBytes <= this.#peer.host.limits.discardMaxBytes);
  }

  /** Whether the peer sends its body without having been asked to. */
  get isSending(): boolean {
    return this.#expecting === undefined && this.isReceiving;
  }

  /** Whether the body is handed on as it comes: then the deadline of whoever takes it is the limit, not a fixed time. */
  get isStreamed(): boolean {
    return this.#isStreamed;
  }

  header(name: string): string | undefined {
    return this.#incoming.header(name);
  }

  *headers(): Iterable<readonly [string, string]> {
    for (const [name, value] of Object.entries(this.#incoming.allHeaders)) {
      if (value !== undefined) yield [name, Array.isArray(value) ? value.join(", ") : value];
    }
  }

  onClose(listener: () => void): void {
    if (this.#failure?.code === "canceled") listener();
    else this.#onClose = listener;
  }

  /** The peer waits to be told to go on (RFC 9110 section 10.1.1), which happens when its body is asked for. */
  expects(response: ServerResponse): void {
    this.#expecting = response;
  }

  /** The connection is gone before the answer was sent. */
  closed(): void {
    this.failBody(new Fault("canceled", "the caller went away while sending"));
    this.#onClose?.();
  }

  /** The body will not come to its end. Whoever reads it learns why. */
  failBody(fault: Fault): void {
    this.#failure ??= fault;
    this.#reader?.fail(this.#failure);
  }

  /** Takes what the peer still sends, for nothing. Calls `done` once when all of it has come, or the peer is gone. */
  discard(done: () => void): void {
    this.#incoming.once("end", done).once("close", done).resume();
  }

  /** The body, whole, or why it cannot be had. Asked for once, before this turn ends, and not beside `streamBody`. */
  receiveBody(maxBytes: number, done: BodyDone): void {
    const refusal = this.#failure ?? this.#announcedTooMuch(maxBytes);
    if (refusal !== undefined) {
      done(refusal);
      return;
    }
    this.#continue();
    this.#reader = new WholeBody(this.#incoming, { host: this.#peer.host, maxBytes, done });
  }

  async *streamBody(maxBytes: number): AsyncGenerator<Uint8Array> {
    const refusal = this.#failure ?? this.#announcedTooMuch(maxBytes);
    if (refusal !== undefined) throw refusal;
    this.#isStreamed = true;
    this.#continue();
    const incoming = this.#incoming;
    let more = Promise.withResolvers<void>();
    function wake(): void {
      more.resolve();
    }
    this.#reader = { fail: wake };
    incoming.on("readable", wake).on("end", wake);
    try {
      let size = 0;
      while (!incoming.readableEnded) {
        if (this.#failure !== undefined) throw this.#failure;
        const chunk = incoming.read() as Buffer | null;
        if (chunk === null) {
          await this.#orStalled(more.promise);
          more = Promise.withResolvers();
          continue;
        }
        size += chunk.length;
        if (size > maxBytes) throw tooLarge(maxBytes);
        yield chunk;
      }
    } finally {
      this.#reader = undefined;
      incoming.off("readable", wake).off("end", wake);
    }
  }

  /** Nothing for a while is a peer that is not coming back, though its connection stands. */
  async #orStalled(more: Promise<void>): Promise<void> {
    const { clock, limits } = this.#peer.host;
    const timer = clock.after(limits.stallTimeoutMs, () => this.failBody(new Fault("request_timeout", "the body took too long to arrive")));
    try {
      await more;
    } finally {
      timer.cancel();
    }
  }

  #continue(): void {
    const response = this.#expecting;
    this.#expecting = undefined;
    if (response !== undefined && !response.headersSent) response.writeContinue();
  }

  /** `NaN` where the length is not told. */
  get #announcedBytes(): number {
    return Number(this.#incoming.known["content-length"] ?? Number.NaN);
  }

  #announcedTooMuch(maxBytes: number): Fault | undefined {
    return this.#announcedBytes > maxBytes ? tooLarge(maxBytes) : undefined;
  }
}
