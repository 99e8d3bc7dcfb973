/**
 * The payment provider, over HTTP. Each request has a time of its own, is repeated where that is safe, and ends in one
 * of four ways: done, refused (an answer), `unavailable`, or `deadline_exceeded` (no answer, and the money may have
 * moved).
 *
 * Every request that changes something carries an idempotency key, so repeating it is always safe: the provider answers
 * a key that it knows with its first answer.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Dependency, Fault } from "tenon";
import * as z from "zod";

const Charge = z.object({ id: z.string(), status: z.enum(["processing", "captured", "declined"]), reference: z.string(), amountCents: z.int(), refundedCents: z.int() });
export type ProviderCharge = z.output<typeof Charge>;
const Refund = z.object({ id: z.string(), amountCents: z.int(), refundedCents: z.int() });
export type ProviderRefund = z.output<typeof Refund>;
const Settled = z.object({ charge: Charge.nullable() });
const Refusal = z.object({ error: z.string(), remainingCents: z.int().optional() });

/** The provider understood, and said no. */
export interface Refused {
  readonly ok: false;
  readonly error: string;
  readonly remainingCents: number;
}
export type Answer<T> = { readonly ok: true; readonly value: T } | Refused;

export interface ProviderOptions {
  readonly url: string;
  readonly key: string;
  /** Makes each request visible: when the provider is in trouble, the incident says so. */
  readonly dependency: Dependency;
  /** For one request, in ms. */
  readonly timeoutMs: number;
  /** The call that all this is for: when its caller goes away, so does the request. */
  readonly signal: AbortSignal;
  /** What is left of the call's time, in ms. */
  readonly remainingMs: number;
  /** How often to ask, at most: once where whoever calls asks again by itself, as a workflow does. */
  readonly attempts: number;
}

/** Kept back of the call's time, for writing down what the provider answered. */
const reserveMs = 250;

export class ProviderClient {
  readonly #options: ProviderOptions;
  readonly #deadlineAtMs: number;

  constructor(options: ProviderOptions) {
    this.#options = options;
    this.#deadlineAtMs = performance.now() + options.remainingMs - reserveMs;
  }

  /** @param charge.reference  The order. One reference is charged once. */
  charge(charge: { readonly reference: string; readonly amountCents: number; readonly currency: string; readonly card: string }, idempotencyKey: string): Promise<Answer<ProviderCharge>> {
    return this.#post("/v1/charges", charge, { schema: Charge, idempotencyKey });
  }

  refund(chargeId: string, refund: { readonly amountCents: number }, idempotencyKey: string): Promise<Answer<ProviderRefund>> {
    return this.#post(`/v1/charges/${encodeURIComponent(chargeId)}/refunds`, refund, { schema: Refund, idempotencyKey });
  }

  /**
   * The charge of a reference as it is now; where there is none, there will never be one after this. Asking twice does no
   * harm, and a key of its own each time keeps the provider from giving an old answer.
   */
  async settle(reference: string): Promise<ProviderCharge | null> {
    const answer = await this.#post(`/v1/references/${encodeURIComponent(reference)}/settle`, {}, { schema: Settled, idempotencyKey: randomUUID() });
    if (!answer.ok) throw new Fault("unavailable", "the payment provider refused to settle", { facts: { error: answer.error } });
    return answer.value.charge;
  }

  async #post<T>(path: string, body: object, how: { readonly schema: z.ZodType<T>; readonly idempotencyKey: string }): Promise<Answer<T>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#options.dependency("payment provider", () => this.#attempt(path, body, how));
      } catch (thrown) {
        if (!(thrown instanceof Fault) || thrown.code !== "unavailable" || attempt >= this.#options.attempts) throw thrown;
        const waitMs = Math.random() * 100 * 2 ** attempt; // full jitter: a crowd that failed together does not come back together
        if (performance.now() + waitMs >= this.#deadlineAtMs) throw thrown;
        await sleep(waitMs, undefined, { signal: this.#options.signal });
      }
    }
  }

  async #attempt<T>(path: string, body: object, how: { readonly schema: z.ZodType<T>; readonly idempotencyKey: string }): Promise<Answer<T>> {
    const { url, key, signal, timeoutMs } = this.#options;
    const leftMs = Math.floor(this.#deadlineAtMs - performance.now());
    if (leftMs <= 0) throw tooSlow();
    const timeout = AbortSignal.timeout(Math.min(timeoutMs, leftMs));
    try {
      const response = await fetch(new URL(path, url), {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": how.idempotencyKey },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, timeout]),
      });
      const answered: unknown = await response.json();
      if (response.ok) return { ok: true, value: how.schema.parse(answered) };
      if (response.status >= 500 || response.status === 429) throw new Fault("unavailable", "the payment provider is in trouble", { facts: { status: response.status } });
      const refusal = Refusal.parse(answered);
      return { ok: false, error: refusal.error, remainingCents: refusal.remainingCents ?? 0 };
    } catch (thrown) {
      if (thrown instanceof Fault) throw thrown;
      signal.throwIfAborted(); // nobody waits any more: the call's own reason says why
      if (timeout.aborted) throw tooSlow();
      throw new Fault("unavailable", "the payment provider is out of reach", { cause: thrown });
    }
  }
}

function tooSlow(): Fault {
  return new Fault("deadline_exceeded", "the payment provider did not answer in time");
}
