/** A collector as the network sees it: it takes OTLP over real HTTP, and can be wrong in every way. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import type { SignalName } from "../../src/otlp/index.ts";
import { decodeJson, decodeProtobuf, type DecodedBatch } from "./oracle.ts";

export interface Received extends DecodedBatch {
  readonly signal: SignalName;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export class FakeCollector {
  readonly received: Received[] = [];
  /** Requests that began, also those that were not taken. */
  requests = 0;
  /** Requests of one path that were there at once, at most. */
  atOnceMax = 0;
  connections = 0;
  /** Answers instead of taking the request. */
  answer: Answer | undefined = undefined;
  /** What a request that was taken is answered. */
  acceptance: Uint8Array = new Uint8Array();
  readonly #underway = new Map<string, number>();
  readonly #server: Server;

  constructor(create: (listener: RequestListener) => Server = createServer) {
    this.#server = create((request, response) => void this.#take(request, response));
    this.#server.on("connection", () => (this.connections += 1));
  }

  async listen(port = 0): Promise<void> {
    await listen(this.#server, port);
  }

  get port(): number {
    return portOf(this.#server);
  }

  items(signal: SignalName): number {
    return this.received.filter((each) => each.signal === signal).reduce((sum, { items }) => sum + items.length, 0);
  }

  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.close();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const atOnce = (this.#underway.get(path) ?? 0) + 1;
    this.#underway.set(path, atOnce);
    this.atOnceMax = Math.max(this.atOnceMax, atOnce);
    response.on("close", () => this.#underway.set(path, (this.#underway.get(path) ?? 1) - 1));
    this.requests += 1;
    if (this.answer !== undefined) {
      this.answer(response, request);
      return;
    }
    const sent = await buffer(request);
    const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
    const signal = /(traces|metrics|logs)/.exec(path)?.[1] as SignalName;
    const isJson = request.headers["content-type"] === "application/json";
    this.received.push({ ...(isJson ? decodeJson : decodeProtobuf)(signal, body), signal, path, headers: request.headers, bytes: sent.length });
    response.writeHead(200, { "content-type": request.headers["content-type"] }).end(this.acceptance);
  }
}

export async function listen(server: NetServer | Server, port = 0): Promise<void> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
}

export function portOf(server: NetServer | Server): number {
  return (server.address() as AddressInfo).port;
}
