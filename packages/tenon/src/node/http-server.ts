/**
 * The HTTP host on Node's own server: HTTP/1.1, keep-alive, limits, and an end that loses no request.
 *
 * It decides nothing about what is answered; see the REST face for that.
 */
import type { Server, ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { type Clock, Fault, type FaultCode, type Log, type Part } from "../kernel/index.ts";
import { AwaitedBody, type HttpAnswer, type HttpHandler, type HttpReply, toProblem } from "../rest/index.ts";
import { Connection, refuse } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import { defaultHttpLimits, HttpHost, type HttpLimits } from "./http-host.ts";
import { IncomingRequest } from "./incoming-request.ts";
import type { LoopDelay } from "./loop-delay.ts";
import { createServer } from "./node-http.ts";

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
  /** Is told when requests are seen, so that admission knows how late they are. */
  readonly loopDelay?: LoopDelay;
  /** Instead of the defaults of `rest/limits.ts`. */
  readonly limits?: Partial<HttpLimits>;
}

/** Connections turned away are told of no more often than this, in ms: there may be thousands a second. */
const dropLogEveryMs = 10_000;
/** How often a drain looks whether it is over, in ms. */
const drainCheckMs = 20;
/** How long a drain goes on taking connections that the system has accepted for us, in ms. */
const acceptWaitingMaxMs = 500;

export class HttpServer implements Part {
  readonly name = "http server";
  readonly #options: HttpServerOptions;
  readonly #host: HttpHost;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Connection>();
  #lastDropMs = Number.NEGATIVE_INFINITY;
  #accepted = 0;
  #stopped: Promise<void> | undefined = undefined;

  constructor(options: HttpServerOptions) {
    const limits = { ...defaultHttpLimits, ...options.limits };
    this.#options = options;
    this.#host = new HttpHost({ clock: options.clock, log: options.log, limits });
    this.#server = createServer(
      {
        IncomingMessage: IncomingRequest,
        maxHeaderSize: limits.headersMaxBytes,
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: limits.keepAliveTimeoutMs,
        connectionsCheckingInterval: limits.timeoutCheckMs,
        noDelay: true,
        // A header that was sent twice is read as one list by everybody (RFC 9110 section 5.3): of two tokens, two
        // lengths or two hosts nobody picks the first one and another reader the second.
        joinDuplicateHeaders: true,
        requireHostHeader: false, // checked here, so that the refusal looks like every other
      },
      (incoming, response) => this.#take(incoming, response),
    );
    this.#server.maxRequestsPerSocket = limits.requestsPerConnectionMax;
    this.#server.maxConnections = options.connectionsMax;
    this.#server.maxHeadersCount = 0; // what is beyond Node's own 2 000 would be dropped in silence; bytes are limited
    this.#server.on("checkContinue", (incoming, response) => this.#take(incoming as IncomingRequest, response, response));
    this.#server.on("checkExpectation", (incoming, response) => this.#take(incoming as IncomingRequest, response)); // RFC 9110 section 10.1.1 lets us
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => this.#broke(error, socket));
    this.#server.on("connect", (_incoming, socket: Socket) => this.#refuseTunnel(socket));
    this.#server.on("connection", (socket) => this.#connected(socket));
    this.#server.on("drop", () => this.#dropped());
  }

  /** The port that is listened on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Open ones. */
  get connections(): number {
    return this.#connections.size;
  }

  /** @throws {Fault} `unavailable` when the port is taken or not allowed, with what to do about it. */
  start(): Promise<void> {
    const { host, log, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.on("error", (error: NodeJS.ErrnoException) => {
        if (this.#server.listening) log.error("a connection could not be taken", { error });
        else reject(cannotListen(error, port));
      });
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
    if (drainDelayMs > 0) await pause(drainDelayMs);
    await this.#acceptWaiting();
    const closed = Promise.withResolvers<void>();
    // Not the HTTP server's own `close`, which cuts idle connections at once: some are about to bring a request.
    NetServer.prototype.close.call(this.#server, () => closed.resolve());
    // Only now: a client that is told to close connects anew, and would come to a door that is just being shut.
    this.#host.isDraining = true;

    const startedMs = clock.elapsedMs();
    while (this.#connections.size > 0) {
      const nowMs = clock.elapsedMs();
      if (nowMs - startedMs >= drainMs) {
        this.#cut(log, drainMs);
        break;
      }
      for (const connection of this.#connections.values()) {
        const quietSinceMs = Math.max(connection.seenAtMs, startedMs);
        if (!connection.isBusy && !connection.isLeaving && nowMs - quietSinceMs >= this.#host.limits.drainIdleMs) connection.end();
      }
      await pause(drainCheckMs);
    }
    await closed.promise;
    this.#server.close(); // ends its own look at time-outs, too
  }

  #cut(log: Log, drainMs: number): void {
    const requests = [...this.#connections.values()].filter((connection) => connection.isBusy).length;
    if (requests > 0) log.warn("requests were still under way when the time to drain ran out", { requests, drainMs });
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  /**
   * The system completes connections before we see them, and closing the listener would reset those. One is taken a
   * turn of the event loop, so it is over when two turns bring none; how long at most is for a flood of new ones.
   */
  async #acceptWaiting(): Promise<void> {
    const { clock } = this.#options;
    const startedMs = clock.elapsedMs();
    for (let quietTurns = 0; quietTurns < 2 && clock.elapsedMs() - startedMs < acceptWaitingMaxMs; ) {
      const before = this.#accepted;
      await new Promise((resolve) => setImmediate(resolve));
      quietTurns = this.#accepted === before ? quietTurns + 1 : 0;
    }
  }

  #connected(socket: Socket): void {
    this.#accepted += 1;
    const connection = new Connection(socket, this.#host);
    this.#connections.set(socket, connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      connection.closed();
    });
  }

  /** @param expecting  The response, where the peer waits for `100 Continue`. */
  #take(incoming: IncomingRequest, response: ServerResponse, expecting?: ServerResponse): void {
    const nowMs = this.#options.clock.elapsedMs();
    this.#options.loopDelay?.seen(nowMs);
    const exchange = this.#connections.get(incoming.socket)?.take(incoming, response, nowMs);
    if (exchange === undefined) return;
    if (expecting !== undefined) exchange.request.expects(expecting);
    this.#answer(exchange, incoming);
  }

  #answer(exchange: Exchange, incoming: IncomingRequest): void {
    let reply: HttpReply;
    try {
      reply = isWellFormed(incoming) ? this.#options.handler(exchange.request) : notWellFormed();
    } catch (thrown) {
      reply = this.#failed(thrown);
    }
    if (!(reply instanceof AwaitedBody)) return this.#send(exchange, reply);
    const { answer, maxBytes } = reply;
    exchange.request.receiveBody(maxBytes, (body) => this.#answerBody(exchange, answer, body));
  }

  #answerBody(exchange: Exchange, answerTo: AwaitedBody["answer"], body: Uint8Array | Fault): void {
    let answer: HttpAnswer | Promise<HttpAnswer>;
    try {
      answer = answerTo(body);
    } catch (thrown) {
      answer = this.#failed(thrown);
    }
    this.#send(exchange, answer);
  }

  #send(exchange: Exchange, answer: HttpAnswer | Promise<HttpAnswer>): void {
    if (!(answer instanceof Promise)) return exchange.send(answer);
    answer.then(
      (settled) => exchange.send(settled),
      (thrown: unknown) => exchange.send(this.#failed(thrown)),
    );
  }

  /** Handlers answer failures themselves: what comes here is a bug of the face, or a fault of the host's own. */
  #failed(thrown: unknown): HttpAnswer {
    const fault = Fault.from(thrown);
    if (fault.code === "internal") this.#options.log.error("a request failed by a bug", { error: fault.cause ?? fault });
    return toProblem(fault, undefined);
  }

  #broke(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#connections.get(socket);
    // A peer that closes its side in the middle of a request, or behind one, has gone away.
    const isGone = connection === undefined || !socket.writable || error.code === "ECONNRESET" || (error.code === "HPE_INVALID_EOF_STATE" && connection.isBusy);
    if (isGone) socket.destroy();
    else connection.broke(faultOf(error, this.#host.limits));
  }

  /** CONNECT asks for a tunnel, which this is not. Node has let go of the socket by then. */
  #refuseTunnel(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    refuse(socket, new Fault("invalid_argument", "this server is not a proxy"), this.#host);
  }

  #dropped(): void {
    const nowMs = this.#options.clock.elapsedMs();
    if (nowMs - this.#lastDropMs < dropLogEveryMs) return;
    this.#lastDropMs = nowMs;
    this.#options.log.warn("connections are turned away: there are as many as may be", { connections: this.#connections.size });
  }
}

/** Node's parser takes versions that are spoken otherwise. The rest is RFC 9112 section 3.2. */
function isWellFormed(incoming: IncomingRequest): boolean {
  if (incoming.httpVersionMajor !== 1) return false;
  return incoming.known.host !== undefined || incoming.httpVersionMinor === 0;
}

function notWellFormed(): HttpAnswer {
  const answer = toProblem(new Fault("invalid_argument", "this is not HTTP/1.1: the version is another one, or there is no Host header"), undefined);
  answer.headers.push("connection", "close");
  return answer;
}

/** Not by the clock, whose timers let the process end: nothing else may be left that keeps it alive until the drain is over. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const codes: Readonly<Record<string, FaultCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "payload_too_large",
  HPE_HEADER_OVERFLOW: "headers_too_large",
};

/** What the parser of HTTP could not read, or what did not come in time. */
function faultOf(error: NodeJS.ErrnoException & { readonly reason?: string }, limits: HttpLimits): Fault {
  const code = codes[error.code ?? ""] ?? "invalid_argument";
  if (code === "request_timeout") return new Fault(code, "the request took too long to arrive");
  if (code === "headers_too_large") return new Fault(code, `the headers are larger than ${limits.headersMaxBytes} bytes`);
  if (code === "payload_too_large") return new Fault(code, "the extensions of a chunk are too large");
  return new Fault(code, `this is not HTTP/1.1${error.reason === undefined ? "" : `: ${error.reason}`}`);
}

function cannotListen(error: NodeJS.ErrnoException, port: number): Fault {
  if (error.code === "EADDRINUSE") return new Fault("unavailable", `port ${port} is taken: stop what uses it, or set PORT to another one`, { cause: error });
  if (error.code === "EACCES") return new Fault("unavailable", `port ${port} may not be used by this user: set PORT to one above 1023`, { cause: error });
  return new Fault("unavailable", `cannot listen on port ${port}: ${error.message}`, { cause: error });
}
