/**
 * Holds each caller to the `rateLimit` of an operation. Operations without one do not pass here.
 *
 * Who is counted together: calls of one subject, whatever its tokens; calls of nobody by their network address (the
 * /64 in IPv6). Where there is no address either, all share one count rather than have none. The platform's own calls
 * (`system`) are not counted: the limit protects from callers.
 */
import type { Call, Handler, Stage } from "../calls/index.ts";
import type { Caller, Operation, RateLimit } from "../contract/index.ts";
import { type Clock, Fault, parseDuration } from "../kernel/index.ts";
import { networkOf } from "./network.ts";
import { RateLimiter } from "./rate-limiter.ts";

export interface LimitOptions {
  readonly clock: Clock;
  /** Callers kept in mind per operation. Default 50 000: about 7 MB when all places are taken, nothing ahead of it. */
  readonly keysMax?: number;
}

/**
 * The stage that counts.
 *
 * @throws {Fault} (in a call) `rate_limited`, with `retryAfterS` and, for the `RateLimit` headers of a face
 *   (draft-ietf-httpapi-ratelimit-headers), `facts` of `limit` (calls), `windowS`, `remaining` (calls) and `resetS`.
 */
export function limit(options: LimitOptions): Stage {
  const { clock, keysMax = 50_000 } = options;
  const keys = createKeys();

  return {
    name: "limit",
    compile(operation: Operation, next: Handler): Handler {
      const { rateLimit } = operation;
      if (rateLimit === undefined) return next;
      const { calls, per, by = "caller" } = rateLimit;
      const limiter = new RateLimiter({ calls, perMs: parseDuration(per) ?? Number.NaN, keysMax });
      const keyOf = by === "caller" ? keys.ofCaller : keys.ofAddress;
      return function limit(call) {
        if (call.caller?.kind === "system") return next(call);
        const waitMs = limiter.take(keyOf(call), clock.elapsedMs());
        if (waitMs > 0) throw refusal(operation, rateLimit, waitMs);
        return next(call);
      };
    },
  };
}

type KeyOf = (call: Call) => string;

/** Whose calls are counted together. The text is made once per Caller, which serves every call with the same token. */
function createKeys(): { readonly ofCaller: KeyOf; readonly ofAddress: KeyOf } {
  const known = new WeakMap<Caller, string>();

  function ofCaller(call: Call): string {
    const { caller } = call;
    if (caller === undefined || caller.kind === "anonymous") return ofNetwork(call);
    let key = known.get(caller);
    if (key === undefined) {
      key = `${caller.subject}\n${caller.issuer}`; // the line break keeps it apart from any address
      known.set(caller, key);
    }
    return key;
  }

  /** A call without an address comes from inside: then the subject it is made for is the nearest thing. */
  function ofAddress(call: Call): string {
    return call.address === undefined ? ofCaller(call) : ofNetwork(call);
  }

  return { ofCaller, ofAddress };
}

function ofNetwork(call: Call): string {
  return call.address === undefined ? "" : networkOf(call.address);
}

function refusal(operation: Operation, { calls, per }: RateLimit, waitMs: number): Fault {
  const retryAfterS = Math.ceil(waitMs / 1_000);
  return new Fault("rate_limited", `at most ${calls} calls of ${operation.id} per ${per}; try again in ${retryAfterS} s`, {
    retryAfterS,
    facts: { limit: calls, windowS: (parseDuration(per) ?? 0) / 1_000, remaining: 0, resetS: retryAfterS },
  });
}
