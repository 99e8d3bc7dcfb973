/**
 * One way to one collector: requests over a connection that is kept, each with an end to its wait.
 *
 * Over `node:http` and not `fetch`, which would load undici: 25 ms and 16 MB, and thrice the work of a request.
 */
import type * as Http from "node:http";
import type * as Https from "node:https";
import type { Clock } from "../kernel/index.ts";
import { type Answer, readAcceptance, readRefusal } from "./answer.ts";
import type { Protocol } from "./batch-encoder.ts";

export interface CollectorOptions {
  /** The whole of it: `https://collector.example/v1/traces`. */
  readonly url: string;
  readonly protocol: Protocol;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a request, from its start to the last byte of its answer. */
  readonly timeoutMs: number;
  readonly compression: "none" | "gzip";
  readonly tls?: { readonly ca?: Buffer | undefined; readonly key?: Buffer | undefined; readonly cert?: Buffer | undefined };
  readonly clock: Clock;
}

export type Outcome =
  | ({ readonly kind: "accepted" } & Answer)
  /** May go well later: the collector is away, or asks for patience. */
  | { readonly kind: "failed"; readonly reason: string; readonly retryAfterMs: number | undefined }
  /** Will never go well. */
  | { readonly kind: "refused"; readonly reason: string };

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** An answer is some bytes of protobuf; the rest of a longer one is not read. */
const answerMaxBytes = 64 * 1024;
/** An insane answer must not silence a process for good. */
const retryAfterMaxMs = 600_000;
/** The quickest: spans of one app repeat themselves, so that the best is 10 % smaller for five times the work. */
const gzipLevel = 1;

export class Collector {
  readonly #options: CollectorOptions;
  readonly #module: typeof Http | typeof Https;
  readonly #agent: Http.Agent;
  readonly #requestOptions: Https.RequestOptions;
  readonly #headers: Readonly<Record<string, string>>;
  #underway: Http.ClientRequest | undefined = undefined;
  #isClosed = false;

  constructor(options: CollectorOptions) {
    const { compression, headers, protocol, tls, url } = options;
    this.#options = options;
    const { hash: _, hostname, password: __, pathname, port, protocol: scheme, search, username: ___ } = new URL(url);
    this.#module = scheme === "https:" ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
    this.#agent = new this.#module.Agent({ keepAlive: true, maxSockets: 1, ...(scheme === "https:" ? tls : {}) });
    this.#requestOptions = {
      method: "POST",
      agent: this.#agent,
      hostname: hostname.replace(/^\[|\]$/g, ""), // IPv6: brackets are of URLs alone
      port,
      path: `${pathname}${search}`,
    };
    this.#headers = {
      "user-agent": "tenon-otlp",
      ...headers,
      "content-type": protocol === "http/json" ? "application/json" : "application/x-protobuf",
      ...(compression === "gzip" ? { "content-encoding": "gzip" } : {}),
    };
  }

  /** The bytes to send for a body; compressed once, however often it is sent. */
  async encode(body: Buffer): Promise<Buffer> {
    if (this.#options.compression === "none") return body;
    const { gzip } = process.getBuiltinModule("node:zlib");
    return new Promise((resolve, reject) => {
      gzip(body, { level: gzipLevel }, (error, compressed) => {
        if (error === null) resolve(compressed);
        else reject(error);
      });
    });
  }

  /** Sends what `encode` made. Never rejects, and ends within `timeoutMs`. One at a time. */
  async send(body: Buffer): Promise<Outcome> {
    if (this.#isClosed) return failure(new Error("the exporter is stopped"));
    try {
      const outcome = await this.#try(body);
      // The collector closed a connection that was kept, as it may, at the moment of its next use: not a failure of it.
      return outcome === "stale" ? asFailure(await this.#try(body)) : outcome;
    } catch (error) {
      return { kind: "refused", reason: error instanceof Error ? error.message : "the request cannot be made" };
    }
  }

  /** Ends the request under way, if there is one, as failed, and every later one. Connections are closed. */
  close(): void {
    this.#isClosed = true;
    this.#underway?.destroy(new Error("the exporter is stopped"));
    this.#agent.destroy();
  }

  #try(body: Buffer): Promise<Outcome | "stale"> {
    const { clock, timeoutMs } = this.#options;
    return new Promise((resolve) => {
      const options = { ...this.#requestOptions, headers: { ...this.#headers, "content-length": body.length } };
      const request = this.#module.request(options);
      let answer: Received = { status: 0, headers: {}, chunks: [], bytes: 0 };
      this.#underway = request;

      const timer = clock.after(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      const end = (error?: NodeJS.ErrnoException): void => {
        timer.cancel();
        if (this.#underway === request) this.#underway = undefined;
        // Answered before all was sent: the rest would hold the one connection that there is.
        if (!request.writableFinished) request.destroy();
        if (answer.status !== 0) resolve(this.#judge(answer));
        else if (request.reusedSocket && (error?.code === "ECONNRESET" || error?.code === "EPIPE")) resolve("stale");
        else resolve(failure(error));
      };
      request.on("response", (response) => {
        answer = { ...answer, status: response.statusCode ?? 0, headers: response.headers };
        response.on("data", (chunk: Buffer) => {
          answer.bytes += chunk.length;
          if (answer.bytes <= answerMaxBytes) answer.chunks.push(chunk);
          else request.destroy();
        });
        response.on("end", () => end());
        response.on("error", end);
        response.on("close", () => end());
      });
      request.on("error", end);
      request.on("close", () => end());
      request.end(body);
    });
  }

  #judge({ chunks, headers, status }: Received): Outcome {
    const body = Buffer.concat(chunks);
    if (status >= 200 && status < 300) return { kind: "accepted", ...readAcceptance(this.#options.protocol, body) };
    const words = readRefusal(headers["content-type"] ?? "", body);
    const reason = `status ${status}${words === "" ? "" : `: ${words}`}`;
    if (!retryableStatuses.has(status)) return { kind: "refused", reason };
    return { kind: "failed", reason, retryAfterMs: toRetryAfterMs(headers["retry-after"], this.#options.clock.nowMs()) };
  }
}

/** As much of an answer as has come. */
interface Received {
  readonly status: number;
  readonly headers: Http.IncomingHttpHeaders;
  readonly chunks: Buffer[];
  bytes: number;
}

function failure(error: NodeJS.ErrnoException | undefined): Outcome {
  return { kind: "failed", reason: error === undefined ? "the connection was closed" : (error.code ?? error.message), retryAfterMs: undefined };
}

function asFailure(outcome: Outcome | "stale"): Outcome {
  return outcome === "stale" ? failure(undefined) : outcome;
}

/** `Retry-After` in either of its forms, RFC 9110 section 10.2.3. */
export function toRetryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), retryAfterMaxMs) : undefined;
}
