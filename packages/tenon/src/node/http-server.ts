/**
 * The HTTP host on Node's own server: HTTP/1.1, keep-alive, limits, and an end that loses no request.
 *
 * It decides nothing about what is answered; see the REST face for that.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, Fault, type FaultCode, type Log, type Part } from "../kernel/index.ts";
import { type HttpAnswer, type HttpHandler, limits, toProblem } from "../rest/index.ts";
import type { LoopDelay } from "./loop-delay.ts";
import { NodeRequest } from "./node-request.ts";

export interface HttpServerOptions {
  readonly handler: HttpHandler;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Address to listen on; `undefined` is every address, IPv6 and IPv4. */
  readonly host?: string | undefined;
  readonly drainMs: number;
  /** How long to go on taking new connections after `stop`, in ms, until load balancers have noticed. */
  readonly drainDelayMs: number;
  readonly connectionsMax: number;
  /** Told of each request, for admission. */
  readonly loopDelay?: LoopDelay;
}

export class HttpServer implements Part {
  readonly name = "http server";
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Connection>();
  #isDraining = false;
  #stopped: Promise<void> | undefined = undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: limits.headersMaxBytes,
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: limits.keepAliveTimeoutMs,
        connectionsCheckingInterval: 1_000,
        noDelay: true,
      },
      (request, response) => this.#answer(request, response),
    );
    this.#server.maxRequestsPerSocket = limits.requestsPerConnectionMax;
    this.#server.maxConnections = options.connectionsMax;
    this.#server.on("clientError", refuseBrokenRequest);
    this.#server.on("connection", (socket) => {
      const connection = new Connection(options.clock.elapsedMs());
      this.#connections.set(socket, connection);
      socket.once("close", () => {
        this.#connections.delete(socket);
        connection.closed();
      });
    });
  }

  /** The port that is listened on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @throws {Fault} `unavailable` when the port is taken or not allowed, with what to do about it. */
  start(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(error, port)));
      this.#server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
    });
  }

  /**
   * Lets every request under way finish, within `drainMs`. Connections are told to close with their next answer; idle
   * ones are closed after a moment in which a request on its way still gets its answer.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#drain();
    return this.#stopped;
  }

  async #drain(): Promise<void> {
    const { clock, drainDelayMs, drainMs, log } = this.#options;
    if (!this.#server.listening) return;
    this.#isDraining = true;
    if (drainDelayMs > 0) await pause(clock, drainDelayMs);
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());

    const startedMs = clock.elapsedMs();
    while (this.#connections.size > 0) {
      const nowMs = clock.elapsedMs();
      if (nowMs - startedMs >= drainMs) {
        const requests = [...this.#connections.values()].filter((connection) => connection.isBusy).length;
        if (requests > 0) log.warn("requests were still under way when the time to drain ran out", { requests, drainMs });
        this.#server.closeAllConnections();
        break;
      }
      for (const [socket, connection] of this.#connections) {
        const quietSinceMs = Math.max(connection.seenAtMs, startedMs);
        if (!connection.isBusy && nowMs - quietSinceMs >= limits.drainIdleMs) socket.end();
      }
      await pause(clock, 20);
    }
    await closed.promise;
  }

  #answer(incoming: IncomingMessage, response: ServerResponse): void {
    const request = new NodeRequest(incoming, this.#options.clock.elapsedMs());
    this.#options.loopDelay?.seen(request.receivedAtMs);
    this.#connections.get(incoming.socket)?.took(request, response);
    const answer = this.#options.handler(request);
    if (answer instanceof Promise) void answer.then((settled) => this.#send(request, response, settled));
    else this.#send(request, response, answer);
  }

  #send(request: NodeRequest, response: ServerResponse, answer: HttpAnswer): void {
    if (response.destroyed) return;
    const { body, headers } = answer;
    // A body that was refused or not read to its end stands in the way of the next request on this connection.
    if (this.#isDraining || request.isUnread) headers.push("connection", "close");
    if (body === undefined) {
      if (answer.status !== 204 && answer.status !== 304) headers.push("content-length", "0");
      response.writeHead(answer.status, headers).end();
    } else if (typeof body === "string") {
      headers.push("content-length", String(Buffer.byteLength(body)));
      response.writeHead(answer.status, headers).end(body);
    } else if (body instanceof Uint8Array) {
      if (!headers.includes("content-length")) headers.push("content-length", String(body.length));
      response.writeHead(answer.status, headers).end(body);
    } else {
      response.writeHead(answer.status, headers);
      void this.#pipe(response, body, request.method);
    }
  }

  async #pipe(response: ServerResponse, body: AsyncIterable<string | Uint8Array>, method: string): Promise<void> {
    if (method === "HEAD") {
      response.end();
      await body[Symbol.asyncIterator]().return?.();
      return;
    }
    try {
      for await (const chunk of body) {
        if (response.destroyed) return; // leaving the loop tells the source to stop
        if (!response.write(chunk)) await drained(response);
      }
      response.end();
    } catch (error) {
      this.#options.log.warn("an answer broke off half-way", { error });
      response.destroy(); // the chunked body stays without its end, so no reader takes it for complete
    }
  }
}

/**
 * What is known of one connection. Requests on it come one after the other, a pipelining client's too: Node hands over
 * the next one at once, but answers in order, so the last one taken is the last one to be answered.
 */
class Connection {
  /** When the last request came, or the connection was opened. */
  seenAtMs: number;
  readonly #underway: { readonly request: NodeRequest; readonly response: ServerResponse }[] = [];

  constructor(openedAtMs: number) {
    this.seenAtMs = openedAtMs;
  }

  get isBusy(): boolean {
    return this.#underway.some(({ response }) => !response.writableFinished);
  }

  took(request: NodeRequest, response: ServerResponse): void {
    this.seenAtMs = request.receivedAtMs;
    // Nobody is told of each answer's end; what is over is swept here, by the next request.
    while (this.#underway[0]?.response.writableFinished === true) this.#underway.shift();
    this.#underway.push({ request, response });
  }

  /** The peer went away, or we closed: whoever still works for it is told. */
  closed(): void {
    for (const { request, response } of this.#underway) {
      if (!response.writableFinished) request.closed();
    }
  }
}

/** Resolves when more may be written, or when nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function done(): void {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    }
    response.once("drain", done);
    response.once("close", done);
  });
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** What the parser could not read at all: there is no request to answer, only a connection to close politely. */
function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const codes: Record<string, FaultCode> = { HPE_HEADER_OVERFLOW: "headers_too_large", ERR_HTTP_REQUEST_TIMEOUT: "request_timeout" };
  const code = codes[error.code ?? ""] ?? "invalid_argument";
  const says = { headers_too_large: `the headers are larger than ${limits.headersMaxBytes} bytes`, request_timeout: "the request took too long to arrive" };
  const answer = toProblem(new Fault(code, code in says ? says[code as keyof typeof says] : "this is not HTTP/1.1"), undefined);
  const head = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`, "connection: close", `content-length: ${Buffer.byteLength(String(answer.body))}`];
  for (let at = 0; at < answer.headers.length; at += 2) head.push(`${answer.headers[at] ?? ""}: ${answer.headers[at + 1] ?? ""}`);
  socket.end(`${head.join("\r\n")}\r\n\r\n${String(answer.body)}`);
}

function cannotListen(error: NodeJS.ErrnoException, port: number): Fault {
  if (error.code === "EADDRINUSE") return new Fault("unavailable", `port ${port} is taken: stop what uses it, or set PORT to another one`, { cause: error });
  if (error.code === "EACCES") return new Fault("unavailable", `port ${port} may not be used by this user: set PORT to one above 1023`, { cause: error });
  return new Fault("unavailable", `cannot listen on port ${port}: ${error.message}`, { cause: error });
}
