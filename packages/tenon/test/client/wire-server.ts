/** A plain server of `node:http` that answers what a test tells it to, and remembers what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Answer = (response: ServerResponse, seen: Seen) => void | Promise<void>;

export class WireServer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly url: string;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Each request gets the next answer; the last one stands for all that follow. */
  static async open(...answers: readonly Answer[]): Promise<WireServer> {
    let count = 0;
    async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const seen = { method: request.method ?? "", target: request.url ?? "", headers: request.headers, body: await buffer(request) };
      wire.seen.push(seen);
      const answer = answers[Math.min(count, answers.length - 1)];
      count += 1;
      await answer?.(response, seen);
    }
    const server = createServer((request, response) => void respond(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const wire = new WireServer(server);
    return wire;
  }

  get last(): Seen {
    const seen = this.seen.at(-1);
    if (seen === undefined) throw new RangeError("nothing was asked");
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

export function json(value: unknown, status = 200): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
}

/** A failure as the platform writes it (RFC 9457). */
export function problem(status: number, members: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/problem+json", ...headers }).end(JSON.stringify({ status, ...members }));
  };
}

/** The connection goes down before a word is said. */
export const hangUp: Answer = (response) => {
  response.destroy();
};
