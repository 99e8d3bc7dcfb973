/**
 * One call over HTTP: attempt, and where the fault table allows it, wait and attempt again.
 *
 *     build ─► attempt ─► answer
 *                │ fault
 *                ├─ may not be repeated, no attempts left, or no time left ─► thrown
 *                └─ wait (retry-after, and a random part) ─► attempt
 */
import type { Bytes, OperationDescription } from "../contract/index.ts";
import { DeclaredFault, Fault, faultTable } from "../kernel/index.ts";
import { readAnswer } from "./answer.ts";
import { retryDelayMs } from "./backoff.ts";
import { Patience } from "./patience.ts";
import type { RequestBuilder, WireRequest } from "./request.ts";

/** A bearer token, or what gives one when it is needed. */
export type Token = string | (() => string | undefined | Promise<string | undefined>);

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface CallOptions {
  /** Ends the call: it rejects with `canceled`, and the service learns of it. */
  readonly signal?: AbortSignal | undefined;
  /** Of a command: makes a later call the same one. Default: new for each call, kept over its attempts. */
  readonly idempotencyKey?: string | undefined;
  /** Instead of the client's. */
  readonly token?: Token | undefined;
  /** Instead of the client's, in ms. It covers an answer as a whole; of a stream and of bytes, the time until they begin. */
  readonly timeoutMs?: number | undefined;
  /** For an operation that takes a body of bytes. One given as an iterable can be sent once, so the call is not repeated. */
  readonly body?: Bytes | undefined;
}

export interface Connection {
  readonly url: string;
  readonly token: Token | undefined;
  readonly fetch: Fetch;
  readonly timeoutMs: number | undefined;
  readonly retries: number;
}

export interface ExchangeStart {
  readonly operation: OperationDescription;
  readonly build: RequestBuilder;
  readonly connection: Connection;
  readonly input: unknown;
  readonly options: CallOptions;
}

/** The most that `request-timeout-ms` takes: 8 digits, 27 hours. */
const announcedMaxMs = 99_999_999;

/** @throws {Fault} whatever happens: declared, of the platform, or `unavailable` when the network fails. */
export async function exchange(start: ExchangeStart): Promise<unknown> {
  const { connection, operation, options } = start;
  const timeoutMs = options.timeoutMs ?? connection.timeoutMs ?? operation.deadlineMs;
  const patience = new Patience({ operation: operation.id, timeoutMs, signal: options.signal });
  try {
    const request = await start.build(start.input, options.body);
    if (operation.kind === "command") setKey(request.headers, options.idempotencyKey ?? newKey());
    return await attempts(start, request, patience);
  } catch (thrown) {
    patience.end();
    const fault = Fault.from(thrown);
    fault.operation ??= operation.id;
    throw fault;
  }
}

async function attempts(start: ExchangeStart, request: WireRequest, patience: Patience): Promise<unknown> {
  const { retries } = start.connection;
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(start, request, patience);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (number > retries || patience.fault !== undefined || !mayRepeat(fault, request)) throw fault;
      const delayMs = retryDelayMs(number, fault.retryAfterS, Math.random);
      // To wait and then be out of time helps nobody: the caller may still have something better to do.
      if (delayMs >= patience.leftMs) throw fault;
      await patience.wait(delayMs);
    }
  }
}

async function attempt(start: ExchangeStart, request: WireRequest, patience: Patience): Promise<unknown> {
  const { connection, operation, options } = start;
  const headers = new Headers(request.headers);
  headers.set("request-timeout-ms", String(Math.min(announcedMaxMs, Math.max(1, Math.floor(patience.leftMs)))));
  await setToken(headers, options.token ?? connection.token);
  if (patience.fault !== undefined) throw patience.fault;

  const init: RequestInit & { duplex?: "half" } = { method: request.method, headers, signal: patience.signal, redirect: "manual" };
  if (request.body !== undefined) {
    init.body = request.body;
    if (!request.isRepeatable) init.duplex = "half"; // https://fetch.spec.whatwg.org/#dom-requestinit-duplex
  }
  let response: Response;
  try {
    response = await connection.fetch(connection.url + request.target, init);
  } catch (error) {
    throw patience.fault ?? new Fault("unavailable", `${operation.id} could not be reached`, { cause: error });
  }
  return readAnswer(operation, response, patience);
}

/** A declared fault is an answer, whatever its status. Every command has a key, so `if_idempotent` holds for all calls. */
function mayRepeat(fault: Fault, request: WireRequest): boolean {
  if (fault instanceof DeclaredFault || !request.isRepeatable) return false;
  const { retry } = faultTable[fault.code];
  return retry === "after_delay" || retry === "if_idempotent";
}

function setKey(headers: Headers, key: string): void {
  try {
    headers.set("idempotency-key", key);
  } catch (error) {
    throw new Fault("invalid_argument", "the idempotency key has characters that no header can carry", { cause: error });
  }
}

/** 128 random bits. By hand: `crypto.randomUUID` is missing on pages that came over plain HTTP. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function setToken(headers: Headers, token: Token | undefined): Promise<void> {
  try {
    const text = typeof token === "function" ? await token() : token;
    if (text !== undefined) headers.set("authorization", `Bearer ${text}`);
  } catch (error) {
    throw new Fault("unauthenticated", "no token to call with could be had", { cause: error });
  }
}
