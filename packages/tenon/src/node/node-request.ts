/** A request of Node's server in the shape that faces read. Costs one object; headers and body are read when asked for. */
import type { IncomingMessage } from "node:http";
import { Fault } from "../kernel/index.ts";
import type { HttpRequest } from "../rest/index.ts";

export class NodeRequest implements HttpRequest {
  readonly receivedAtMs: number;
  readonly #incoming: IncomingMessage;
  #onClose: (() => void) | undefined = undefined;
  #abandonBody: (() => void) | undefined = undefined;
  #isRead = false;

  constructor(incoming: IncomingMessage, receivedAtMs: number) {
    this.#incoming = incoming;
    this.receivedAtMs = receivedAtMs;
  }

  get method(): string {
    return this.#incoming.method ?? "GET";
  }

  get target(): string {
    return this.#incoming.url ?? "/";
  }

  get address(): string {
    return this.#incoming.socket.remoteAddress ?? "";
  }

  get hasBody(): boolean {
    const { headers } = this.#incoming;
    return (headers["content-length"] !== undefined && headers["content-length"] !== "0") || headers["transfer-encoding"] !== undefined;
  }

  /** Whether a body is there that nobody has read to its end. */
  get isUnread(): boolean {
    return this.hasBody && !this.#isRead;
  }

  header(name: string): string | undefined {
    const value = this.#incoming.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  *headers(): Iterable<readonly [string, string]> {
    for (const [name, value] of Object.entries(this.#incoming.headers)) {
      if (value !== undefined) yield [name, Array.isArray(value) ? value.join(", ") : value];
    }
  }

  onClose(listener: () => void): void {
    this.#onClose = listener;
  }

  /** Called by the server when the connection is gone before the answer was sent. */
  closed(): void {
    this.#onClose?.();
    this.#abandonBody?.();
  }

  readBody(maxBytes: number): Promise<Uint8Array> {
    const incoming = this.#incoming;
    if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes));
    return new Promise((resolve, reject) => {
      let first: Buffer | undefined;
      let rest: Buffer[] | undefined;
      let size = 0;
      incoming.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) {
          incoming.removeAllListeners("data");
          incoming.resume();
          reject(tooLarge(maxBytes));
        } else if (first === undefined) {
          first = chunk; // most bodies are one chunk: no copy
        } else {
          (rest ??= [first]).push(chunk);
        }
      });
      incoming.on("end", () => {
        if (size > maxBytes) return;
        this.#isRead = true;
        resolve(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest, size));
      });
      this.#abandonBody = () => reject(new Fault("canceled", "the caller went away while sending"));
    });
  }

  async *streamBody(maxBytes: number): AsyncIterable<Uint8Array> {
    if (Number(this.#incoming.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    let size = 0;
    try {
      // Not destroyed when left early: the refusal still has to go out on the same connection.
      const chunks = this.#incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const chunk of chunks) {
        size += chunk.length;
        if (size > maxBytes) throw tooLarge(maxBytes);
        yield chunk;
      }
      this.#isRead = true;
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault("canceled", "the caller went away while sending", { cause: error });
    }
  }
}

function tooLarge(maxBytes: number): Fault {
  return new Fault("payload_too_large", `the body is larger than ${maxBytes} bytes`);
}
