/**
 * What is known about tokens that were shown lately, so that the cost of a signature is paid once per token and not
 * once per call.
 *
 * A token is  unknown → being verified → genuine,  or  → refused.  A genuine one is verified again when `maxAgeMs` has
 * passed (its key may have been withdrawn) and is refused from the instant of its expiry. A refused one is forgotten
 * after `refusedMaxAgeMs`. Nothing is remembered about a verification that could not be made.
 *
 * Memory is bounded three times: genuine tokens, refused tokens, and verifications under way; beside them stand the
 * few genuine ones that were shown last, for the clients that show one token at every request. Tokens stand in memory
 * as they were sent: who can read this process can read them from its sockets as well.
 */
import type { Caller } from "../contract/index.ts";
import { type Clock, Fault, type FaultCode } from "../kernel/index.ts";
import { toCaller } from "./caller.ts";
import type { TokenVerifier } from "./ports.ts";
import { RecentMap } from "./recent-map.ts";

export interface VerifiedTokensOptions {
  readonly verifier: TokenVerifier;
  readonly clock: Clock;
  readonly genuineMax: number;
  readonly maxAgeMs: number;
  readonly refusedMax: number;
  readonly refusedMaxAgeMs: number;
  readonly underwayMax: number;
}

/** A token that was genuine when it was last looked at. */
interface Genuine {
  readonly caller: Caller;
  /** From here on it has to be verified again; never beyond `expiresAtMs`. */
  readonly checkAgainAtMs: number;
  readonly expiresAtMs: number;
}

/** A genuine token in the place that its text has drawn. */
interface Shown {
  readonly token: string;
  readonly genuine: Genuine;
}

/** A power of two, more than a process has busy clients at a time. */
const places = 1024;

/** By characters out of the signature, which are as good as drawn. Tokens that meet in one place take turns in it. */
function placeOf(token: string): number {
  const { length } = token;
  return (token.charCodeAt(length - 7) * 64 + token.charCodeAt(length - 12) * 8 + token.charCodeAt(length - 17)) & (places - 1);
}

/** Why a token was refused. Kept in place of the Fault: the pipeline writes into a Fault, so each call gets its own. */
interface Refusal {
  readonly code: FaultCode;
  readonly message: string;
  readonly retryAfterS: number | undefined;
  readonly facts: Fault["facts"];
  readonly cause: unknown;
  readonly forgetAtMs: number;
}

type Outcome = { readonly genuine: Genuine } | { readonly refusal: Refusal };

export class VerifiedTokens {
  readonly #options: VerifiedTokensOptions;
  readonly #clock: Clock;
  readonly #genuine: RecentMap<Genuine>;
  readonly #refused: RecentMap<Refusal>;
  readonly #underway = new Map<string, Promise<Outcome>>();
  /** Before `#genuine`, whose look-up by a text that has just come costs several times the comparison with one. */
  readonly #shown: (Shown | undefined)[] = Array.from({ length: places }, () => undefined);

  constructor(options: VerifiedTokensOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#genuine = new RecentMap(options.genuineMax);
    this.#refused = new RecentMap(options.refusedMax);
  }

  /** Tokens in memory, for whoever watches. */
  get size(): number {
    return this.#genuine.size + this.#refused.size + this.#underway.size;
  }

  /**
   * The caller of a token that is known, at once; `undefined` when it has to be verified.
   *
   * @throws {Fault} `unauthenticated` when it is known to be bad, or has expired since.
   */
  recall(token: string): Caller | undefined {
    const nowMs = this.#clock.nowMs();
    const place = placeOf(token);
    const shown = this.#shown[place];
    if (shown !== undefined && shown.token === token && nowMs < shown.genuine.checkAgainAtMs) return shown.genuine.caller;
    const genuine = this.#genuine.get(token);
    if (genuine !== undefined) {
      if (nowMs < genuine.checkAgainAtMs) {
        this.#shown[place] = { token, genuine };
        return genuine.caller;
      }
      if (nowMs < genuine.expiresAtMs) return undefined;
      throw expired();
    }
    const refusal = this.#refused.get(token);
    if (refusal !== undefined && nowMs < refusal.forgetAtMs) throw toFault(refusal);
    return undefined;
  }

  /** Forgets what is known of a token, so that it is verified when it is shown again; also what is just being found out. */
  forget(token: string): void {
    this.#underway.delete(token);
    this.#genuine.delete(token);
    this.#refused.delete(token);
    this.#shown[placeOf(token)] = undefined;
  }

  /** Verifies a token that is not known. Calls that show the same token at the same time wait for one verification. */
  async verify(token: string): Promise<Caller> {
    const outcome = await (this.#underway.get(token) ?? this.#start(token));
    if ("refusal" in outcome) throw toFault(outcome.refusal);
    const { caller, expiresAtMs } = outcome.genuine;
    if (this.#clock.nowMs() < expiresAtMs) return caller; // asked this way round, so that NaN is no expiry that never comes
    throw expired();
  }

  #start(token: string): Promise<Outcome> {
    if (this.#underway.size >= this.#options.underwayMax) {
      throw new Fault("overloaded", "too many tokens are being verified; try again in 1 s", { retryAfterS: 1 });
    }
    const isWanted = (): boolean => this.#underway.get(token) === started;
    const started: Promise<Outcome> = this.#settle(token, isWanted).finally(() => {
      if (isWanted()) this.#underway.delete(token);
    });
    this.#underway.set(token, started);
    return started;
  }

  /** @param isWanted  Whether what is found out is to be remembered. */
  async #settle(token: string, isWanted: () => boolean): Promise<Outcome> {
    try {
      const { checkAgainAtMs: dueAtMs = Number.POSITIVE_INFINITY, claims, expiresAtMs } = await this.#options.verifier.verify(token);
      const caller = toCaller(claims);
      const checkAgainAtMs = Math.min(expiresAtMs, dueAtMs, this.#clock.nowMs() + this.#options.maxAgeMs);
      const genuine = { caller, checkAgainAtMs, expiresAtMs };
      if (isWanted()) this.#genuine.set(token, genuine);
      return { genuine };
    } catch (thrown) {
      this.#genuine.delete(token);
      this.#shown[placeOf(token)] = undefined;
      if (!(thrown instanceof Fault)) throw thrown; // a bug: each waiting call reports it as one
      const { code, message, retryAfterS, facts, cause } = thrown;
      const refusal = { code, message, retryAfterS, facts, cause, forgetAtMs: this.#clock.nowMs() + this.#options.refusedMaxAgeMs };
      // `unavailable` says something about the issuer, not about the token.
      if (code === "unauthenticated" && isWanted()) this.#refused.set(token, refusal);
      return { refusal };
    }
  }
}

function expired(): Fault {
  return new Fault("unauthenticated", "the token has expired", { facts: { reason: "expired" } });
}

function toFault({ code, message, retryAfterS, facts, cause }: Refusal): Fault {
  return new Fault(code, message, { retryAfterS, facts, ...(cause === undefined ? {} : { cause }) });
}
