/**
 * Requests of other processes to calls. Who calls is already known, by certificate; for whom is in a token that only
 * the owner of that certificate can have made. From there on the call goes through the same stages as every other.
 */
import type { KeyObject } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Call, type Handler, keepBoundToken, operationAttributes, slowMsOf } from "../calls/index.ts";
import { anonymous, type Caller, type Operation } from "../contract/index.ts";
import { type IdPattern, type Peer, readDelegation } from "../identity/index.ts";
import { type Clock, Fault, type IdSource } from "../kernel/index.ts";
import { parseTraceContext, type SpanShape } from "../telemetry/index.ts";
import { RecentMap } from "../trust/index.ts";
import { callPath, headers as names, inputMaxBytes } from "./protocol.ts";
import { writeAnswer, writeFault } from "./write-answer.ts";

/** An operation that is answered here. */
export interface Answered {
  readonly operation: Operation;
  readonly handler: Handler;
}

export interface CallFaceOptions {
  readonly answered: (operationId: string) => Answered | undefined;
  readonly pattern: IdPattern;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Tells of what is refused for want of a genuine identity. */
  readonly refused: (reason: string, peer: Peer) => void;
}

/** A connection that showed a good certificate. */
export interface Visitor {
  readonly peer: Peer;
  readonly key: KeyObject;
}

/** Genuine tokens kept in mind: as many as there are people at work through other services in a minute. */
const genuineMax = 10_000;

interface Genuine {
  readonly caller: Caller;
  readonly expiresAtMs: number;
  readonly thumbprint: string;
  readonly audience: string;
}

export class CallFace {
  readonly #options: CallFaceOptions;
  readonly #genuine = new RecentMap<Genuine>(genuineMax);
  readonly #shapes = new Map<Operation, SpanShape>();

  constructor(options: CallFaceOptions) {
    this.#options = options;
  }

  /** Answers, whatever happens. */
  async answer(visitor: Visitor, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let answered: Answered | undefined;
    try {
      answered = this.#answeredFor(incoming);
      const call = await this.#toCall(visitor, incoming, answered.operation);
      response.on("close", () => {
        if (!response.writableFinished) call.cancel();
      });
      await writeAnswer(response, answered.operation.output, await answered.handler(call));
    } catch (thrown) {
      if (response.headersSent) {
        response.destroy(); // cut, so that nobody takes what there is for the whole
        return;
      }
      const fault = Fault.from(thrown);
      if (answered !== undefined) fault.operation ??= answered.operation.id;
      if (!incoming.readableEnded) response.shouldKeepAlive = false; // what is left of the input is not worth reading
      writeFault(response, fault);
    }
  }

  #answeredFor({ method, url = "" }: IncomingMessage): Answered {
    const id = url.startsWith(callPath) ? url.slice(callPath.length) : undefined;
    const answered = id === undefined || method !== "POST" ? undefined : this.#options.answered(id);
    if (answered === undefined) throw new Fault("unimplemented", id === undefined ? "only calls between services are answered here" : `${id} is not answered in this process: look at SERVICES_ONLY here and SERVICE_URLS there`);
    return answered;
  }

  async #toCall(visitor: Visitor, incoming: IncomingMessage, operation: Operation): Promise<Call> {
    const { clock, ids } = this.#options;
    const startedAtMs = clock.elapsedMs();
    const { headers } = incoming;
    const timeoutMs = Number(textOf(headers[names.timeout]));
    const caller = this.#callerOf(visitor, headers.authorization, operation);
    const text = await bodyOf(incoming);
    return new Call({
      operation,
      id: ids(),
      startedAtMs,
      input: () => parseInput(text),
      caller,
      from: visitor.peer.service,
      idempotencyKey: textOf(headers[names.idempotencyKey]),
      timeoutMs: Number.isSafeInteger(timeoutMs) && timeoutMs > 0 ? timeoutMs : undefined,
      address: textOf(headers[names.address]),
      continues: parseTraceContext(textOf(headers["traceparent"]), textOf(headers["tracestate"])),
      baggage: textOf(headers["baggage"]),
      shape: this.#shapeOf(operation),
    });
  }

  /** @throws {Fault} `unauthenticated`: the token is not one that this service made for this one just now. */
  #callerOf({ key, peer }: Visitor, authorization: string | undefined, operation: Operation): Caller {
    if (authorization === undefined) return anonymous;
    const { clock, pattern, refused } = this.#options;
    const token = authorization.replace(/^Bearer /, "");
    const audience = pattern.idOf(operation.service);
    const nowMs = clock.nowMs();
    const known = this.#genuine.get(token);
    if (known !== undefined && known.thumbprint === peer.thumbprint && known.audience === audience && nowMs < known.expiresAtMs) return known.caller;
    const read = readDelegation(token, { audience, issuer: peer.id, key, nowMs, thumbprint: peer.thumbprint, serviceOf: (id) => pattern.serviceOf(id) });
    if ("refusal" in read) {
      refused(`a token ${read.refusal}`, peer);
      throw new Fault("unauthenticated", "for whom the service calls is not genuine", { facts: { reason: read.refusal } });
    }
    if (read.boundToken !== undefined) keepBoundToken(read.caller, { token: read.boundToken, isProven: false });
    this.#genuine.set(token, { caller: read.caller, expiresAtMs: read.expiresAtMs, thumbprint: peer.thumbprint, audience });
    return read.caller;
  }

  #shapeOf(operation: Operation): SpanShape {
    let shape = this.#shapes.get(operation);
    if (shape === undefined) {
      shape = { name: operation.id, kind: "server", attributes: operationAttributes(operation), slowMs: slowMsOf(operation) };
      this.#shapes.set(operation, shape);
    }
    return shape;
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > inputMaxBytes) throw new Fault("payload_too_large", `the input of a call between services is ${inputMaxBytes} bytes at most`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseInput(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault("invalid_argument", "the input is no JSON", { cause });
  }
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
