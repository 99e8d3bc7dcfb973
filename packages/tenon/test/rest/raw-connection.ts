/** HTTP/1.1 by hand over a socket: sends whatever bytes a test wants, and reads answers strictly, one after the other. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name; a name that came twice is joined by ` & `, so that no test overlooks it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The peer closed or broke the connection before an answer was whole. */
export class BrokenOff extends Error {
  override readonly name = "BrokenOff";
  readonly received: string;

  constructor(received: string, cause: unknown) {
    super(`the connection broke off after ${JSON.stringify(received.slice(0, 300))}`, { cause });
    this.received = received;
  }
}

export class RawConnection implements Disposable {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #end: { readonly error: unknown } | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    socket.on("error", (error) => this.#ended(error));
    socket.on("end", () => this.#ended(undefined));
    socket.on("close", () => this.#ended(undefined));
  }

  /** @param options.allowHalfOpen  Whether the test closes its own side itself. */
  static async open(port: number, options: { readonly allowHalfOpen?: boolean } = {}): Promise<RawConnection> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: options.allowHalfOpen ?? false });
    const connection = new RawConnection(socket);
    await once(socket, "connect");
    return connection;
  }

  write(...parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts) this.socket.write(typeof part === "string" ? Buffer.from(part, "latin1") : part);
  }

  /** Everything that came and belongs to no answer yet. */
  get rest(): string {
    return this.#received.toString("latin1");
  }

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** The next answer, whole. Interim ones (1xx) are answers, too. @throws {BrokenOff} */
  async answer(method = "GET"): Promise<RawAnswer> {
    const { status, headers } = await this.head();
    const body = method === "HEAD" || status < 200 || status === 204 || status === 304 ? "" : await this.#body(headers);
    return { status, headers, body };
  }

  /** The status and headers of the next answer. */
  async head(): Promise<Omit<RawAnswer, "body">> {
    const text = await this.#take(() => {
      const end = this.#received.indexOf("\r\n\r\n");
      return end < 0 ? undefined : end + 4;
    });
    const [line = "", ...lines] = text.slice(0, -4).split("\r\n");
    const status = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/.exec(line)?.[1];
    if (status === undefined) throw new BrokenOff(text, new SyntaxError(`not a status line: ${line}`));
    const headers: Record<string, string> = {};
    for (const each of lines) {
      const [, name = "", value = ""] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): (.*)$/.exec(each) ?? [];
      if (name === "") throw new BrokenOff(text, new SyntaxError(`not a header: ${each}`));
      const key = name.toLowerCase();
      headers[key] = key in headers ? `${headers[key]} & ${value}` : value;
    }
    return { status: Number(status), headers };
  }

  /** Resolves when the peer has closed its side, however. */
  async ended(): Promise<void> {
    while (this.#end === undefined) await this.#more();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  async #body(headers: Readonly<Record<string, string>>): Promise<string> {
    if (headers["transfer-encoding"] === "chunked") return this.#chunks();
    const length = headers["content-length"];
    if (length !== undefined && /^\d+$/.test(length)) return this.#take(() => Number(length));
    await this.ended();
    if (this.#end?.error !== undefined) throw new BrokenOff(this.rest, this.#end.error);
    return this.#take(() => this.#received.length);
  }

  async #chunks(): Promise<string> {
    let body = "";
    for (;;) {
      const line = await this.#take(() => {
        const end = this.#received.indexOf("\r\n");
        return end < 0 ? undefined : end + 2;
      });
      const size = Number.parseInt(line, 16);
      const chunk = await this.#take(() => size + 2);
      if (size === 0) return body;
      body += chunk.slice(0, -2);
    }
  }

  /** So many bytes, as soon as `count` can tell how many and they are here. */
  async #take(count: () => number | undefined): Promise<string> {
    for (;;) {
      const bytes = count();
      if (bytes !== undefined && this.#received.length >= bytes) {
        const text = this.#received.subarray(0, bytes).toString("utf8");
        this.#received = this.#received.subarray(bytes);
        return text;
      }
      if (this.#end !== undefined) throw new BrokenOff(this.rest, this.#end.error);
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#wake = waiting.resolve;
    await waiting.promise;
  }

  #ended(error: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }
}

/** Sends one request on a connection of its own and reads the answer. */
export async function rawRequest(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<RawAnswer> {
  using connection = await RawConnection.open(port);
  connection.write(...parts);
  const [first = ""] = parts;
  return await connection.answer(String(first).startsWith("HEAD ") ? "HEAD" : "GET");
}

/** The text of a request: a line, a Host header, further headers, and a body with its length. */
export function requestText(line: string, headers: Readonly<Record<string, string>> = {}, body?: string): string {
  const all = { host: "localhost", ...(body === undefined ? {} : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }), ...headers };
  return `${line} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body ?? ""}`;
}
