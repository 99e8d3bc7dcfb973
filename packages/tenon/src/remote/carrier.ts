/**
 * Brings calls to services in other processes.
 *
 *     carry ─► breaker ─► a connection with our certificate ─► the other side's pipeline ─► answer or Fault
 *               │ rests        │ none, or lost before the answer
 *               ▼              ▼
 *          unavailable     again, at most twice, while deadline and budget allow ─► unavailable
 *
 * What may be repeated: queries, and commands with an idempotency key, which those of handlers always have. An answer
 * is never repeated, whatever it says: whether that makes sense is known to the caller alone.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Call, Carrier } from "../calls/index.ts";
import { isBytesOutput, isStreamOutput, type Operation } from "../contract/index.ts";
import type { Identities, PeerRules } from "../identity/index.ts";
import { backoffMs, type Clock, Fault, type Log, type Part, type Random, type Timer } from "../kernel/index.ts";
import { Breaker } from "./breaker.ts";
import { Connections, WrongServerError } from "./connections.ts";
import { request } from "./node-https.ts";
import { callPath, headers as names } from "./protocol.ts";
import { BrokenAnswerError, readAnswer } from "./read-answer.ts";
import { RetryBudget } from "./retry-budget.ts";

export interface RemoteCarrierOptions {
  /** Where a service is, `https://host:port`; `undefined` where nobody has said it. */
  readonly urlOf: (service: string) => string | undefined;
  readonly identities: Identities;
  readonly rules: PeerRules;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const attemptsMax = 3;
/** A connection that was lost is made anew at once or never; a process that restarts takes longer than any call waits. */
const waits = { baseMs: 20, capMs: 250 } as const;

interface Target {
  readonly url: URL;
  readonly breaker: Breaker;
  readonly budget: RetryBudget;
}

export class RemoteCarrier implements Carrier, Part {
  readonly name = "calls to services elsewhere";
  readonly #options: RemoteCarrierOptions;
  readonly #targets = new Map<string, Target>();
  /** By the service that calls. */
  readonly #connections = new Map<string, Connections>();
  /** Repeats so far. */
  repeats = 0;

  constructor(options: RemoteCarrierOptions) {
    this.#options = options;
    options.identities.onRotate(() => this.#retire());
  }

  /** Services to which nothing is sent at present, because they did not answer. */
  get resting(): readonly string[] {
    return [...this.#targets].filter(([, { breaker }]) => breaker.isOpen).map(([service]) => service);
  }

  start(): void {}

  stop(): void {
    this.#retire();
  }

  async carry(call: Call): Promise<unknown> {
    const { operation } = call;
    const target = this.#targetOf(operation);
    target.budget.earn();
    const body = toBody(call);
    for (let attempt = 1; ; attempt++) {
      const connections = this.#connectionsOf(call.from as string); // without a certificate of its own nothing is sent, and nothing learned
      const waitMs = target.breaker.waitMs();
      if (waitMs > 0) throw unreachable(operation, { retryAfterS: Math.ceil(waitMs / 1_000) });
      try {
        const answer = await this.#send(call, target, { body, connections });
        target.breaker.answered();
        return answer;
      } catch (error) {
        if (error instanceof Fault) {
          // Nobody waits any more. A deadline that passed is the silence of the other side, a caller that left is not.
          if (error !== call.canceled) target.breaker.answered();
          else if (error.code === "deadline_exceeded") target.breaker.failed();
          throw error;
        }
        target.breaker.failed();
        const isWrong = isWrongServer(error);
        if (isWrong) this.#options.log.error("a service elsewhere is not who it should be, and is not called", { operation: operation.id, error });
        const isRepeated = attempt < attemptsMax && isRepeatable(call) && !isWrong && (await this.#mayRepeat(call, target, attempt));
        if (!isRepeated) throw unreachable(operation, { cause: error });
        this.repeats += 1;
      }
    }
  }

  async #mayRepeat(call: Call, { budget }: Target, attempt: number): Promise<boolean> {
    const { clock, random } = this.#options;
    const waitMs = backoffMs(attempt, waits, random);
    if (clock.elapsedMs() + waitMs >= call.deadlineAtMs || !budget.spend()) return false;
    await new Promise<void>((resolve, reject) => {
      const timer = clock.after(waitMs, resolve);
      call.onCancel((fault) => {
        timer.cancel();
        reject(fault);
      });
    });
    return true;
  }

  /** @throws {Fault} that of the operation, or why nobody waits. @throws {Error} it is not known what became of it. */
  async #send(call: Call, { url }: Target, { body, connections }: { readonly body: string; readonly connections: Connections }): Promise<unknown> {
    if (call.canceled !== undefined) throw call.canceled;
    const sent = request({
      agent: connections.agent,
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? 443 : Number(url.port),
      servername: call.operation.service,
      method: "POST",
      path: `${url.pathname.replace(/\/+$/, "")}${callPath}${call.operation.id}`,
      headers: this.#headersOf(call, connections, body),
    });
    const answered = Promise.withResolvers<unknown>();
    call.onCancel((fault) => {
      answered.reject(fault);
      sent.destroy(); // the other side sees it, and stops
    });
    this.#settle(sent, call, answered);
    sent.end(body);
    return answered.promise;
  }

  #settle(sent: ClientRequest, call: Call, answered: PromiseWithResolvers<unknown>): void {
    let hasResponse = false; // from then on its reader knows best how it ended
    sent.on("response", (response: IncomingMessage) => {
      hasResponse = true;
      const unread = this.#endUnread(response, call);
      readAnswer(response, call.operation.id, () => unread?.cancel()).then(answered.resolve, answered.reject);
    });
    sent.on("error", (error) => {
      if (!hasResponse) answered.reject(error);
    });
    sent.on("close", () => {
      if (!hasResponse) answered.reject(new BrokenAnswerError("the connection was lost"));
    });
  }

  /** Items and bytes that nobody has begun to read when the call is over would keep their connection for ever. */
  #endUnread(response: IncomingMessage, { deadlineAtMs, operation: { output } }: Call): Timer | undefined {
    if (!isStreamOutput(output) && !isBytesOutput(output)) return undefined;
    const { clock } = this.#options;
    const timer = clock.after(Math.max(0, deadlineAtMs - clock.elapsedMs()), () => response.destroy());
    response.once("close", () => timer.cancel());
    return timer;
  }

  #headersOf(call: Call, connections: Connections, body: string): Record<string, string> {
    const { address, baggage, caller, idempotencyKey, operation, traceText } = call;
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      [names.timeout]: String(Math.max(1, Math.floor(call.deadlineAtMs - this.#options.clock.elapsedMs()))),
    };
    const delegation = connections.delegationFor(caller, operation);
    if (delegation !== undefined) headers["authorization"] = `Bearer ${delegation}`;
    if (idempotencyKey !== undefined) headers[names.idempotencyKey] = idempotencyKey;
    if (address !== undefined) headers[names.address] = address;
    if (baggage !== undefined) headers["baggage"] = baggage;
    if (traceText !== undefined) {
      const [parent = "", ...state] = traceText.split(" ");
      headers["traceparent"] = parent;
      if (state.length > 0) headers["tracestate"] = state.join(" ");
    }
    return headers;
  }

  #connectionsOf(service: string): Connections {
    const { clock, identities, rules } = this.#options;
    const identity = identities.of(service);
    const held = this.#connections.get(service);
    if (held?.identity === identity) return held;
    held?.retire();
    const connections = new Connections(identity, rules, clock);
    this.#connections.set(service, connections);
    return connections;
  }

  #targetOf(operation: Operation): Target {
    const known = this.#targets.get(operation.service);
    if (known !== undefined) return known;
    const { clock, random, urlOf } = this.#options;
    const url = urlOf(operation.service);
    if (url === undefined) {
      throw new Fault("unimplemented", `${operation.id} is answered elsewhere, and nobody has said where: add ${operation.service}=https://host:3443 to SERVICE_URLS, or set SERVICES_URL`);
    }
    const target = { url: new URL(url), breaker: new Breaker(clock, random), budget: new RetryBudget() };
    this.#targets.set(operation.service, target);
    return target;
  }

  /** After anything about identities has changed, connections are made anew, and with them every check. */
  #retire(): void {
    for (const connections of this.#connections.values()) connections.retire();
    this.#connections.clear();
  }
}

/** By the codes of OpenSSL for certificates that do not hold; to ask again would give the same answer. */
function isWrongServer(error: unknown): boolean {
  if (error instanceof WrongServerError) return true;
  return error instanceof Error && "code" in error && /CERT|ISSUER|INVALID_CA|INVALID_PURPOSE|UNSPECIFIED|LEAF_SIGNATURE/.test(String(error.code));
}

function isRepeatable({ idempotencyKey, operation }: Call): boolean {
  return operation.kind === "query" || idempotencyKey !== undefined;
}

function unreachable(operation: Operation, more: { readonly cause?: unknown; readonly retryAfterS?: number }): Fault {
  return new Fault("unavailable", `${operation.service} is out of reach`, more);
}

/** @throws {Fault} `invalid_argument`: what JSON cannot say. */
function toBody({ input, operation }: Call): string {
  try {
    return JSON.stringify(input) ?? ""; // nothing at all is no value, not even null
  } catch (cause) {
    throw new Fault("invalid_argument", `the input of ${operation.id} cannot be written as JSON`, { cause });
  }
}
