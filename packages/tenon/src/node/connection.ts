/**
 * What is known of one connection. Requests on it come one after the other, a pipelining client's too: Node hands over
 * the next one at once, but answers in order, so the last one taken is the last one to be answered.
 *
 * A peer that closes its side has gone away, and its calls are canceled: nothing but the end of what it sends tells
 * that a client has hung up. One that closes its side right behind a request still gets the answer if no waiting is
 * needed to make it.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Fault } from "../kernel/index.ts";
import { toProblem } from "../rest/index.ts";
import { type AnswerOrder, Exchange } from "./exchange.ts";
import type { HttpHost } from "./http-host.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import { STATUS_CODES } from "./node-http.ts";
import { NodeRequest } from "./node-request.ts";

export class Connection implements AnswerOrder {
  /** When the last request came, or the connection was opened. */
  seenAtMs: number;
  /** The peer has been told that the connection closes: nothing that comes now is answered, so nothing of it is done. */
  isLeaving = false;
  readonly host: HttpHost;
  readonly #socket: Socket;
  readonly #underway: Exchange[] = [];
  #isBroken = false;
  #address: string | undefined = undefined;

  constructor(socket: Socket, host: HttpHost) {
    this.#socket = socket;
    this.host = host;
    this.seenAtMs = host.clock.elapsedMs();
  }

  /** Network address of the peer. */
  get address(): string {
    this.#address ??= this.#socket.remoteAddress ?? "";
    return this.#address;
  }

  /** Whether TLS ends here. */
  get isSecure(): boolean {
    return "encrypted" in this.#socket;
  }

  /** The certificate that the peer showed in TLS, DER. Asked of the library each time: another one may follow in the same connection. */
  get peerCertificate(): Uint8Array | undefined {
    return (this.#socket as Partial<TLSSocket>).getPeerX509Certificate?.()?.raw;
  }

  get isBusy(): boolean {
    return this.#underway.some((exchange) => !exchange.isOver);
  }

  /** A request has come. `undefined` when it came too late to be answered. */
  take(incoming: IncomingRequest, response: ServerResponse, nowMs: number): Exchange | undefined {
    if (this.isLeaving) return undefined;
    this.seenAtMs = nowMs;
    // Nobody is told of each answer's end; what is over is swept here, by the next request.
    while (this.#underway[0]?.isOver === true) this.#underway.shift();
    const exchange = new Exchange(new NodeRequest(incoming, nowMs, this), response, this);
    this.#underway.push(exchange);
    return exchange;
  }

  /** Whether the connection is to be closed with this answer. Those of a pipelining client wait for the last one. */
  endsWith(exchange: Exchange): boolean {
    return this.host.isDraining && this.#underway.at(-1) === exchange;
  }

  /** An answer was handed over whole. Forgotten where all of it is out: an idle connection must not hold a request. */
  answered(exchange: Exchange): void {
    const { response } = exchange;
    if (response.socket === null) {
      // It waits for the one before it, and is written when that is out.
      response.once("socket", () => setImmediate(() => this.#watch()));
    } else if (this.#socket.writableLength > 0) {
      this.#watch();
    } else if (this.#underway[0] === exchange && !exchange.request.isReceiving) {
      this.#underway.shift();
    }
  }

  /** A peer that asks and does not read would hold its answer in memory for ever. Node's own keep-alive time replaces this one. */
  #watch(): void {
    if (this.#socket.writableLength > 0) this.#socket.setTimeout(this.host.limits.stallTimeoutMs);
  }

  /** Closes an idle connection. */
  end(): void {
    this.isLeaving = true;
    this.#socket.end();
  }

  /** The peer went away, or we closed: whoever still works for it is told. */
  closed(): void {
    for (const exchange of this.#underway) {
      if (!exchange.response.writableFinished) exchange.request.closed();
    }
  }

  /**
   * What comes cannot be read, or does not come. Where a request is still being received, its body fails and its own
   * answer says so. Where whole requests came before, they are answered first.
   */
  broke(fault: Fault): void {
    if (this.#isBroken) return; // more of the same bytes
    const last = this.#underway.at(-1);
    if (last?.request.isStreamed === true && last.request.isReceiving && fault.code === "request_timeout") return;
    this.#isBroken = true;
    if (last === undefined || (last.isOver && !last.request.isReceiving)) this.#refuse(fault);
    else if (last.isOver) this.#socket.destroy();
    else if (last.request.isReceiving) last.request.failBody(fault);
    else last.response.once("finish", () => this.#refuse(fault));
  }

  #refuse(fault: Fault): void {
    if (!this.#socket.writable) return;
    this.isLeaving = true;
    // Nothing was asked on this connection: there is nobody to be told why it closes.
    if (this.#socket.bytesRead === 0) {
      this.#socket.destroy();
      return;
    }
    refuse(this.#socket, fault, this.host);
  }
}

/** Answers what is not a request, and closes the connection once the peer has had time to read why. */
export function refuse(socket: Socket, fault: Fault, host: HttpHost): void {
  const { body, headers, status } = toProblem(fault, undefined);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, `date: ${new Date(host.clock.nowMs()).toUTCString()}`, "connection: close", `content-length: ${Buffer.byteLength(body)}`];
  for (let at = 0; at < headers.length; at += 2) head.push(`${headers[at] ?? ""}: ${headers[at + 1] ?? ""}`);
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  const timer = host.clock.after(host.limits.lingerMs, () => socket.destroy());
  socket.once("close", () => timer.cancel());
}
