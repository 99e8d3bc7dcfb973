/**
 * Holds callers to the `rateLimit` of an operation. Operations without one do not pass here.
 *
 * In two stages, one on each side of `validate`: {@link limit} counts by what is known of the caller, before the body is
 * read; {@link limitInput} counts by fields of the validated input.
 *
 * Who is counted together: calls of one subject, whatever its tokens; calls of nobody by their network address (the
 * /64 in IPv6). Where there is no address either, all share one count rather than have none. What acts by itself
 * (`system`) is not counted: the limit protects from callers.
 */
import { hash } from "node:crypto";
import { type Call, type Handler, isPromise, type LimitFacts, type LimitLeft, type Stage } from "../calls/index.ts";
import { type Caller, type NamedLimit, type Operation, rateLimitsOf } from "../contract/index.ts";
import { type Clock, Fault, parseDuration } from "../kernel/index.ts";
import { MemoryLimits } from "./memory-limits.ts";
import { networkOf } from "./network.ts";
import type { LimitPolicy, LimitState, LimitStore, LimitTake } from "./ports.ts";

export interface LimitOptions {
  readonly clock: Clock;
  /** Who counts. Default: this process by itself. */
  readonly store?: LimitStore | undefined;
  /** Callers kept in mind for each limit, by the default store. Default 50 000. */
  readonly keysMax?: number;
}

/**
 * The stage that counts before the input is known.
 *
 * @throws {Fault} (in a call) `rate_limited`, with `retryAfterS`. What is left of each limit is in `call.limits`.
 * @throws {Fault} (in a call) `unavailable`: it cannot be counted now, and the app does not let such calls pass.
 */
export function limit(options: LimitOptions): Stage {
  return limitStage("limit", options, ({ by }) => typeof by === "string");
}

/** The stage that counts by fields of the input: after `validate`. Fails as {@link limit} does. */
export function limitInput(options: LimitOptions): Stage {
  return limitStage("limit input", options, ({ by }) => typeof by !== "string");
}

/** A limit as one operation has it. */
interface BoundLimit {
  readonly limit: NamedLimit;
  readonly policy: LimitPolicy;
  readonly facts: LimitFacts;
  /** `undefined`: the call is not counted. */
  readonly keyOf: (call: Call) => string | undefined;
}

function limitStage(name: string, options: LimitOptions, isMine: (limit: NamedLimit) => boolean): Stage {
  const store = options.store ?? new MemoryLimits(options);
  const keys = createKeys();

  return {
    name,
    compile(operation: Operation, next: Handler): Handler {
      const bound = rateLimitsOf(operation).filter(isMine).map((each): BoundLimit => {
        const perMs = parseDuration(each.per) ?? Number.NaN;
        return { limit: each, policy: { id: `${operation.id} ${each.name}`, calls: each.calls, perMs }, facts: { name: each.name, calls: each.calls, perMs }, keyOf: keys.of(each) };
      });
      const [only] = bound;
      if (only === undefined) return next;
      if (bound.length === 1) return oneLimit(operation, { only, store, next });
      const settle = settler(operation, next);
      return function limit(call) {
        if (call.caller?.kind === "system") return next(call);
        const counted: BoundLimit[] = [];
        const takes: LimitTake[] = [];
        for (const each of bound) {
          const key = each.keyOf(call);
          if (key === undefined) continue;
          counted.push(each);
          takes.push({ policy: each.policy, key });
        }
        if (takes.length === 0) return next(call);
        const taken = store.take(takes);
        if (!isPromise(taken)) return settle(call, counted, taken);
        return taken.then((states) => settle(call, counted, states));
      };
    },
  };
}

/** Most operations with limits have one. */
function oneLimit(operation: Operation, { next, only, store }: { readonly only: BoundLimit; readonly store: LimitStore; readonly next: Handler }): Handler {
  const { facts, keyOf, limit: named, policy } = only;
  const settle = settler(operation, next);
  return function limit(call) {
    if (call.caller?.kind === "system") return next(call);
    const key = keyOf(call);
    if (key === undefined) return next(call);
    const taken = store.take([{ policy, key }]);
    if (isPromise(taken)) return taken.then((states) => settle(call, [only], states));
    const state = taken[0] as LimitState;
    const left = leftOf(facts, state);
    if (call.limits === undefined) call.limits = [left];
    else call.limits = [...call.limits, left];
    if (state.waitMs > 0) throw refusal(operation, named, state.waitMs);
    return next(call);
  };
}

/** What callers are told of a limit. */
function leftOf(facts: LimitFacts, { remaining, resetMs, waitMs }: LimitState): LimitLeft {
  return waitMs > 0 ? { facts, remaining: 0, resetMs: waitMs } : { facts, remaining, resetMs };
}

function settler(operation: Operation, next: Handler): (call: Call, counted: readonly BoundLimit[], states: readonly LimitState[]) => unknown {
  return (call, counted, states) => {
    let worst = 0;
    const left = counted.map(({ facts }, i): LimitLeft => {
      const state = states[i] as LimitState;
      if (state.waitMs > (states[worst]?.waitMs ?? 0)) worst = i;
      return leftOf(facts, state);
    });
    call.limits = call.limits === undefined ? left : [...call.limits, ...left];
    const waitMs = states[worst]?.waitMs ?? 0;
    if (waitMs > 0) throw refusal(operation, (counted[worst] as BoundLimit).limit, waitMs);
    return next(call);
  };
}

interface Keys {
  of(limit: NamedLimit): (call: Call) => string | undefined;
}

/** Whose calls are counted together. The text is made once per Caller, which serves every call with the same token. */
function createKeys(): Keys {
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

  function ofKey(call: Call): string {
    const { claims = {}, issuer = "" } = call.caller ?? {};
    const key = claims["key_id"] ?? claims["client_id"] ?? claims["azp"];
    return typeof key === "string" && key !== "" ? `\n${key}\n${issuer}` : ofCaller(call);
  }

  return {
    of({ by }) {
      if (by === "caller") return ofCaller;
      if (by === "address") return ofAddress;
      if (by === "key") return ofKey;
      return (call) => fieldText((call.input as Readonly<Record<string, unknown>> | undefined)?.[by.input]);
    },
  };
}

/** A longer text is counted by its digest: keys are kept by the ten thousand, and their length is up to strangers. */
const fieldMaxChars = 128;

/** Text in another case is no way around a limit: mail addresses and codes are read in any. */
function fieldText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === "string" ? value.normalize("NFC").toLowerCase() : JSON.stringify(value);
  return text.length <= fieldMaxChars ? text : `\n${hash("sha256", text, "base64url")}`;
}

function ofNetwork(call: Call): string {
  return call.address === undefined ? "" : networkOf(call.address);
}

function refusal(operation: Operation, { calls, name, per }: NamedLimit, waitMs: number): Fault {
  const retryAfterS = Math.ceil(waitMs / 1_000);
  return new Fault("rate_limited", `at most ${calls} calls of ${operation.id} per ${per}; try again in ${retryAfterS} s`, {
    retryAfterS,
    facts: { limit: name },
  });
}
