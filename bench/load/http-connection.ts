/**
 * One keep-alive HTTP/1.1 connection for load: request bytes are made beforehand, and of an answer only what a
 * benchmark needs is read: status, length, body. A general client costs more CPU than a fast server, and then it is the
 * client that is measured.
 *
 * It will not pipeline, follow redirects, or read chunked answers: such an answer is a failure, told and counted.
 *
 * A connection moves  idle → waiting → idle …,  and from anywhere to  closed,  where it stays.
 */
import { connect, type Socket } from "node:net";

/** Answers here are a few kilobytes; more than this is a server gone wrong. */
const answerMaxBytes = 1024 * 1024;
const headEnd = Buffer.from("\r\n\r\n");

export interface Answer {
  readonly status: number;
  /** A view into the receive buffer: valid during the callback alone. Copy what is to be kept. */
  readonly body: Buffer;
  /** The head as text, without the empty line. */
  readonly head: string;
}

export interface ConnectionEvents {
  onAnswer(answer: Answer): void;
  /** The connection is closed: by the server, by a failure, or because an answer could not be read. `isWaiting`: an answer was owed. */
  onClosed(reason: string, isWaiting: boolean): void;
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

export class HttpConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  #partial: Buffer | undefined = undefined;
  #isWaiting = false;
  #isClosed = false;

  constructor(target: Target, events: ConnectionEvents) {
    this.#events = events;
    this.#socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(64 * 1024), // reused for every read: no garbage per answer
        callback: (length: number, buffer: Uint8Array) => {
          this.#take((buffer as Buffer).subarray(0, length));
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => this.#closeBecause(error.message));
    this.#socket.on("close", () => this.#closeBecause("closed by the server"));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends one request. Call only when no answer is owed. Before the connection stands, the bytes wait in the socket. */
  send(request: Buffer): void {
    this.#isWaiting = true;
    this.#socket.write(request);
  }

  /** Closes without telling `onClosed`. */
  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  /** Closes and tells why. */
  fail(reason: string): void {
    this.#closeBecause(reason);
  }

  #take(bytes: Buffer): void {
    const data = this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes]);
    const headLength = data.indexOf(headEnd);
    const head = headLength < 0 ? "" : data.toString("latin1", 0, headLength);
    const bodyLength = headLength < 0 ? 0 : bodyLengthOf(head);
    if (Number.isNaN(bodyLength)) return this.#closeBecause(`an answer without a content-length: ${head.slice(0, 200)}`);

    const needed = headLength + headEnd.length + bodyLength;
    if (headLength < 0 || data.length < needed) {
      if (Math.max(data.length, needed) > answerMaxBytes) return this.#closeBecause(`an answer of over ${answerMaxBytes} bytes`);
      this.#partial = Buffer.from(data); // a copy: the receive buffer is about to be used again
      return;
    }
    if (data.length > needed || !this.#isWaiting) return this.#closeBecause("bytes that nobody asked for");

    this.#partial = undefined;
    this.#isWaiting = false;
    this.#events.onAnswer({ status: statusOf(head), body: data.subarray(headLength + headEnd.length), head });
  }

  #closeBecause(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#events.onClosed(reason, this.#isWaiting);
  }
}

/** `HTTP/1.1 200 OK`: the status stands at a fixed place (RFC 9112 section 4). */
function statusOf(head: string): number {
  return Number(head.slice(9, 12));
}

/** RFC 9112 section 6.3. NaN: not to be known from the head alone. */
function bodyLengthOf(head: string): number {
  const status = statusOf(head);
  if (status === 204 || status === 304) return 0;
  return Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
}

export interface RequestParts {
  readonly method: string;
  readonly path: string;
  readonly target: Target;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A whole request as bytes, ready to be sent any number of times. */
export function toRequestBytes({ method, path, target, headers = {}, body }: RequestParts): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${target.host}:${target.port}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`content-length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
}
