/**
 * Finds out who is calling. A caller that is known already passes; nothing shown is `anonymous`; a bearer token is
 * verified, once, and remembered until it expires.
 *
 * A token that was verified before costs one look-up and no promise. One that was not costs a signature, about 0.2 ms.
 *
 * A bad token is refused on public operations too. Treating its sender as anonymous would hide the mistake of a client
 * that means to be signed in, and answer it with something else than it asked for.
 */
import { anonymous } from "../contract/index.ts";
import type { Handler, Stage } from "../calls/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import type { TokenVerifier } from "./ports.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

export interface IdentifyOptions {
  /** Left out: the app has no issuer, and refuses whoever shows a token. */
  readonly verifier?: TokenVerifier | undefined;
  readonly clock: Clock;
  /** Genuine tokens kept in mind. Default 10 000: about 20 MB when all places are taken. */
  readonly cacheMax?: number;
  /** How long a genuine token is believed without looking again, in ms. Default 300 000: as long as a withdrawn key may still work. */
  readonly cacheMaxAgeMs?: number;
  /** Bad tokens kept in mind. Default 1 000: there is no end of bad tokens, and only the repeated ones are worth a place. */
  readonly refusedMax?: number;
  /** How long a bad token is refused without looking again, in ms. Default 10 000: a key may arrive late. */
  readonly refusedMaxAgeMs?: number;
  /** Verifications under way at once; further ones are answered `overloaded`. Default 1 000. */
  readonly underwayMax?: number;
  /** A longer token is refused unread. Default 8 192 characters; issuers stay below 4 096, because proxies do not take more. */
  readonly tokenMaxChars?: number;
}

/**
 * The stage that sets `call.caller`.
 *
 * @throws {Fault} (in a call) `unauthenticated`: the token is bad; `facts.reason` says why, for logs.
 * @throws {Fault} (in a call) `unavailable`: the issuer's keys are out of reach.
 */
export function identify(options: IdentifyOptions): Stage {
  const { verifier, clock, tokenMaxChars = 8_192 } = options;
  const tokens = verifier && new VerifiedTokens({
    verifier,
    clock,
    genuineMax: options.cacheMax ?? 10_000,
    maxAgeMs: options.cacheMaxAgeMs ?? 300_000,
    refusedMax: options.refusedMax ?? 1_000,
    refusedMaxAgeMs: options.refusedMaxAgeMs ?? 10_000,
    underwayMax: options.underwayMax ?? 1_000,
  });

  return {
    name: "identify",
    compile(_operation, next: Handler): Handler {
      return function identify(call) {
        if (call.caller !== undefined) return next(call);
        const token = call.credentials?.bearer;
        if (token === undefined) {
          call.caller = anonymous;
          return next(call);
        }
        if (tokens === undefined) throw new Fault("unauthenticated", "no tokens are accepted here", { facts: { reason: "no_issuer" } });
        if (token.length > tokenMaxChars) throw new Fault("unauthenticated", "the token is not valid", { facts: { reason: "too_long" } });
        call.caller = tokens.recall(token);
        if (call.caller !== undefined) return next(call);
        return tokens.verify(token).then((caller) => {
          call.caller = caller;
          return next(call);
        });
      };
    },
  };
}
