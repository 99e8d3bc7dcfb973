/**
 * A receiver of OTLP over HTTP, so that any program with OpenTelemetry can send to the store: POST to /v1/traces,
 * /v1/metrics and /v1/logs, in protobuf or JSON, compressed with gzip or not.
 *
 * It answers when what came is on disk. The event loop reads and unpacks; bodies are understood and written in the
 * store's thread. Everything is bounded: a body, what it unpacks to, and all bodies at once. There is no login, so it
 * listens on this machine alone unless told otherwise, and a page in a browser cannot send to it: it takes neither the
 * media types that a form may have, nor does it allow any origin.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { encodeStatus, encodeSuccess, mediaTypes, rpcCodes } from "./otlp/otlp-answers.ts";
import type { Encoding, Signal } from "./otlp/read-export.ts";
import type { Outcome } from "./store-jobs.ts";
import type { TelemetryStore } from "./telemetry-store.ts";

/** Asked of Node by name: an `import` would load all of it, as `node/node-http.ts` tells. */
const { createServer } = process.getBuiltinModule("node:http");
const unpack = { gzip: promisify(gunzip), deflate: promisify(inflate) };

export interface OtlpReceiverOptions {
  /** TCP port; 0 lets the system choose. Default 4318, which OpenTelemetry's exporters send to. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  readonly limits?: Partial<OtlpReceiverLimits>;
}

export interface OtlpReceiverLimits {
  /** A body as it comes, in bytes. Default 4 MiB: exporters send half a megabyte. */
  readonly bodyMaxBytes: number;
  /** A body unpacked, in bytes. Default 16 MiB. */
  readonly unpackedMaxBytes: number;
  /** All bodies that are read or unpacked at the moment, in bytes. Default 64 MiB. */
  readonly bodiesMaxBytes: number;
  /** How long a request may take to come in whole, in ms. Default 10 s: that is how long exporters wait. */
  readonly requestMaxMs: number;
  /** How long a sender is to wait that found no room, in s. Default 1: the thread writes what waits in less. */
  readonly retryAfterS: number;
}

export const defaultReceiverLimits: OtlpReceiverLimits = {
  bodyMaxBytes: 4 * 1024 ** 2,
  unpackedMaxBytes: 16 * 1024 ** 2,
  bodiesMaxBytes: 64 * 1024 ** 2,
  requestMaxMs: 10_000,
  retryAfterS: 1,
};

export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  /** Requests by the status they were answered with. */
  readonly answers: ReadonlyMap<number, number>;
  /** Takes no more connections, answers what is under way, and closes. The store stays open. */
  close(): Promise<void>;
}

/** How many times the largest body is read and thrown away before a sender is cut off. */
const ignoredBodies = 4;

const signals: Readonly<Record<string, Signal | undefined>> = { "/v1/traces": "traces", "/v1/logs": "logs", "/v1/metrics": "metrics" };

/**
 * Starts to listen.
 *
 * @throws what Node throws where the port is taken (EADDRINUSE) or is not allowed (EACCES).
 */
export async function openOtlpReceiver(store: TelemetryStore, options: OtlpReceiverOptions = {}): Promise<OtlpReceiver> {
  const { host = "127.0.0.1", port = 4318 } = options;
  const receiver = new Receiver(store, { ...defaultReceiverLimits, ...options.limits });
  await receiver.listen(port, host);
  return receiver;
}

/** A request that is refused before its body is understood. */
interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

class Receiver implements OtlpReceiver {
  readonly answers = new Map<number, number>();
  readonly #store: TelemetryStore;
  readonly #limits: OtlpReceiverLimits;
  readonly #server: Server;
  #bodiesBytes = 0;
  #url = "";

  constructor(store: TelemetryStore, limits: OtlpReceiverLimits) {
    this.#store = store;
    this.#limits = limits;
    this.#server = createServer({ requestTimeout: limits.requestMaxMs, headersTimeout: limits.requestMaxMs, connectionsCheckingInterval: 1_000 }, (request, response) => {
      // What fails here is the connection, and there is nobody left to tell.
      this.#receive(request, response).catch(() => request.destroy());
    });
  }

  get url(): string {
    return this.#url;
  }

  async listen(port: number, host: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const { address, family, port: given } = this.#server.address() as AddressInfo;
    this.#url = `http://${family === "IPv6" ? `[${address}]` : address}:${given}`;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const encoding = encodingOf(request) ?? "json";
    const signal = signals[pathOf(request)];
    const refusal = this.#refusal(request);
    if (refusal !== undefined || signal === undefined) {
      await this.#refuse(request, response, { encoding, refusal: refusal ?? notFound });
      return;
    }
    const length = Number(request.headers["content-length"] ?? 0);
    const body = await this.#body(request, length);
    if (!(body instanceof Uint8Array)) {
      await this.#refuse(request, response, { encoding, refusal: body });
      return;
    }
    const outcome = await this.#store.submit({ signal, encoding, bytes: body });
    this.#answerOutcome(response, { encoding, signal, outcome });
  }

  /** A sender that still writes would not read the answer, so some of what comes is let pass first. */
  async #refuse(request: IncomingMessage, response: ServerResponse, { encoding, refusal }: { readonly encoding: Encoding; readonly refusal: Refusal }): Promise<void> {
    let bytes = 0;
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > this.#limits.bodyMaxBytes * ignoredBodies) break;
    }
    if (!request.complete) response.setHeader("connection", "close");
    this.#answerStatus(response, encoding, refusal);
  }

  #refusal(request: IncomingMessage): Refusal | undefined {
    const { bodyMaxBytes } = this.#limits;
    const packing = request.headers["content-encoding"] ?? "identity";
    if (signals[pathOf(request)] === undefined) return notFound;
    if (request.method !== "POST") return { status: 405, code: rpcCodes.unimplemented, message: "telemetry is sent with POST" };
    if (encodingOf(request) === undefined) return { status: 415, code: rpcCodes.invalidArgument, message: "the content-type must be application/x-protobuf or application/json" };
    if (!["identity", "gzip", "deflate"].includes(packing)) return { status: 415, code: rpcCodes.invalidArgument, message: "the content-encoding must be gzip, deflate or none" };
    if (Number(request.headers["content-length"] ?? 0) > bodyMaxBytes) return tooLarge(`a body has at most ${bodyMaxBytes} bytes`);
    return undefined;
  }

  /** The whole body, unpacked; or why not. Counted among all bodies for as long as it is in the hands of this process. */
  async #body(request: IncomingMessage, length: number): Promise<Uint8Array<ArrayBuffer> | Refusal> {
    const { bodiesMaxBytes, bodyMaxBytes, unpackedMaxBytes } = this.#limits;
    const packing = request.headers["content-encoding"];
    const isPacked = packing === "gzip" || packing === "deflate";
    // What is not known yet is counted as the most that it may be.
    const reserved = (length === 0 ? bodyMaxBytes : length) + (isPacked ? unpackedMaxBytes : 0);
    if (this.#bodiesBytes > 0 && this.#bodiesBytes + reserved > bodiesMaxBytes) return { status: 429, code: rpcCodes.resourceExhausted, message: "too much is being received at once" };
    this.#bodiesBytes += reserved;
    try {
      const chunks: Buffer[] = [];
      let bytes = 0;
      // Not destroyed when it is too large: the answer goes over the same connection.
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > bodyMaxBytes) return tooLarge(`a body has at most ${bodyMaxBytes} bytes`);
        chunks.push(chunk);
      }
      return isPacked ? await unpacked(packing, Buffer.concat(chunks), unpackedMaxBytes) : owned(Buffer.concat(chunks));
    } finally {
      this.#bodiesBytes -= reserved;
    }
  }

  #answerOutcome(response: ServerResponse, { encoding, outcome, signal }: { readonly encoding: Encoding; readonly signal: Signal; readonly outcome: Outcome }): void {
    if (outcome.kind === "kept") this.#answer(response, { status: 200, encoding, body: encodeSuccess(encoding, signal, outcome) });
    else if (outcome.kind === "malformed") this.#answerStatus(response, encoding, { status: 400, code: rpcCodes.invalidArgument, message: outcome.reason });
    else if (outcome.kind === "busy") this.#answerStatus(response, encoding, { status: 429, code: rpcCodes.resourceExhausted, message: "more waits to be written than the store takes" });
    else this.#answerStatus(response, encoding, { status: 503, code: rpcCodes.unavailable, message: outcome.reason });
  }

  #answerStatus(response: ServerResponse, encoding: Encoding, { code, message, status }: Refusal): void {
    if (status === 429 || status === 503) response.setHeader("retry-after", String(this.#limits.retryAfterS));
    if (status === 405) response.setHeader("allow", "POST");
    this.#answer(response, { status, encoding, body: encodeStatus(encoding, code, message) });
  }

  #answer(response: ServerResponse, { body, encoding, status }: { readonly status: number; readonly encoding: Encoding; readonly body: Uint8Array }): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    response.writeHead(status, { "content-type": mediaTypes[encoding], "content-length": body.length }).end(body);
    if (!this.#server.listening) response.once("finish", () => this.#server.closeIdleConnections());
  }
}

const notFound: Refusal = { status: 404, code: rpcCodes.notFound, message: "there are /v1/traces, /v1/metrics and /v1/logs" };

function tooLarge(message: string): Refusal {
  return { status: 413, code: rpcCodes.invalidArgument, message };
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

function encodingOf({ headers }: IncomingMessage): Encoding | undefined {
  const type = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === mediaTypes.protobuf) return "protobuf";
  return type === mediaTypes.json ? "json" : undefined;
}

/** Ends as soon as it is too large, so that a small body never becomes a large one in memory. */
async function unpacked(packing: keyof typeof unpack, packed: Buffer, maxOutputLength: number): Promise<Uint8Array<ArrayBuffer> | Refusal> {
  try {
    return owned(await unpack[packing](packed, { maxOutputLength }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return tooLarge(`a body unpacks to at most ${maxOutputLength} bytes`);
    return { status: 400, code: rpcCodes.invalidArgument, message: `the body is not ${packing}` };
  }
}

/** Bytes in a buffer of their own, which can be handed to another thread: small ones share a buffer with strangers. */
function owned(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? new Uint8Array(buffer) : new Uint8Array(bytes);
}
