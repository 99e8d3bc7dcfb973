/**
 * Slows down whoever guesses: bad tokens and keys, passwords at a sign-in. Failures are counted per network address, and per
 * what is being guessed where that has a name; beyond a few of them each one makes the next wait twice as long.
 *
 *     free ── 10 failures ──► each failure more: 1 s, 2 s, 4 s … 5 min of refusals ── calm for 15 min ──► free
 *
 * Credentials that were found genuine before pass all the while, so that nobody is kept out by a neighbor who guesses.
 * Per process, in bounded memory.
 */
import { type Call, type Credentials, type Handler, isPromise, type Stage } from "../calls/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import { networkOf } from "./network.ts";
import { RecentMap } from "./recent-map.ts";

export interface GuessesOptions {
  readonly clock: Clock;
  /** Failures before anybody waits. Default 10: a person who mistypes, a deployment with an old key. */
  readonly freeFailures?: number;
  /** Keys kept in mind. Default 20 000, about 3 MB. */
  readonly keysMax?: number;
}

const firstWaitMs = 1_000;
const longestWaitMs = 300_000;
const forgottenAfterMs = 900_000;

interface Failures {
  count: number;
  lastMs: number;
  blockedUntilMs: number;
}

export class Guesses {
  readonly #clock: Clock;
  readonly #freeFailures: number;
  readonly #failures: RecentMap<Failures>;

  constructor({ clock, freeFailures = 10, keysMax = 20_000 }: GuessesOptions) {
    this.#clock = clock;
    this.#freeFailures = freeFailures;
    this.#failures = new RecentMap(keysMax);
  }

  /** How long until a key may try again, in ms; 0 where it may now. */
  waitMs(key: string): number {
    const failures = this.#failures.get(key);
    return failures === undefined ? 0 : Math.max(0, failures.blockedUntilMs - this.#clock.elapsedMs());
  }

  /** A try of a key has failed. */
  failed(key: string): void {
    const nowMs = this.#clock.elapsedMs();
    let failures = this.#failures.get(key);
    if (failures === undefined || nowMs - failures.lastMs > forgottenAfterMs) {
      failures = { count: 0, lastMs: nowMs, blockedUntilMs: nowMs };
      this.#failures.set(key, failures);
    }
    failures.count += 1;
    failures.lastMs = nowMs;
    const beyond = failures.count - this.#freeFailures;
    if (beyond >= 0) failures.blockedUntilMs = nowMs + Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(beyond, 20));
  }

  /** A try of a key was right: it is free again. For keys of one account; of an address, somebody else may guess on. */
  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}

export interface SlowGuessesOptions extends GuessesOptions {
  /** What is being guessed, where what was shown says so: the identifier of an API key. */
  readonly targetOf?: (shown: Credentials) => string | undefined;
}

/** Tokens and keys that were found genuine, kept in mind. */
const genuineMax = 2_000;

/**
 * The stage around `identify`.
 *
 * @throws {Fault} (in a call) `rate_limited`: too much was shown from there that is not genuine.
 */
export function slowGuesses(options: SlowGuessesOptions): Stage {
  const { targetOf } = options;
  const guesses = new Guesses(options);
  const genuine = new RecentMap<object>(genuineMax);
  const known = Object.freeze({});

  function keysOf(call: Call, shown: Credentials): readonly string[] {
    const target = targetOf?.(shown);
    const keys = call.address === undefined ? [] : [networkOf(call.address)];
    return target === undefined ? keys : [...keys, `\n${target}`]; // the line break keeps it apart from any address
  }

  function watched(call: Call, shown: Credentials, next: Handler): unknown {
    const keys = keysOf(call, shown);
    const credential = nameOf(shown);
    const waitMs = Math.max(0, ...keys.map((key) => guesses.waitMs(key)));
    if (waitMs > 0 && genuine.get(credential) === undefined) throw tooManyGuesses(waitMs);
    const failed = (thrown: unknown): never => {
      if (isKnown(call)) genuine.set(credential, known); // what failed came later, and says nothing against it
      else if (call.caller === undefined && isGuess(thrown)) for (const key of keys) guesses.failed(key);
      throw thrown;
    };
    let result: unknown;
    try {
      result = next(call);
    } catch (thrown) {
      return failed(thrown);
    }
    // Who it is was known at once, as of nearly every call: then nothing is left to watch.
    if (call.caller !== undefined || !isPromise(result)) return result;
    return result.then((value) => {
      if (isKnown(call)) genuine.set(credential, known);
      return value;
    }, failed);
  }

  return {
    name: "slow guesses",
    compile(_operation, next: Handler): Handler {
      return function slowGuesses(call) {
        const { credentials } = call;
        if (credentials === undefined || call.caller !== undefined) return next(call);
        return watched(call, credentials, next);
      };
    },
  };
}

/** A session that is over makes its browser nobody: that was let in, and was found to be nothing. */
function isKnown({ caller }: Call): boolean {
  return caller !== undefined && caller.kind !== "anonymous";
}

/** A text that is shown as a cookie is another credential than the same text as a token. */
function nameOf({ bearer, session = "" }: Credentials): string {
  return bearer === undefined ? `cookie ${session}` : `token ${bearer}`;
}

/** Not what was genuine once: a client that goes on with an old token guesses nothing. Nor a genuine token whose proof is asked for. */
function isGuess(thrown: unknown): boolean {
  return thrown instanceof Fault && thrown.code === "unauthenticated" && thrown.facts["reason"] !== "expired" && !("challenge" in thrown.facts);
}

function tooManyGuesses(waitMs: number): Fault {
  const retryAfterS = Math.ceil(waitMs / 1_000);
  return new Fault("rate_limited", `too many credentials from there were not valid; try again in ${retryAfterS} s`, { retryAfterS, facts: { reason: "guesses" } });
}
