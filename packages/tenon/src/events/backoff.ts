/**
 * When something that failed is tried again, and when it is given up: options as a team writes them, turned into the
 * numbers that the work itself reads. How long one wait is stands in the kernel ({@link backoffMs}).
 */
import { MistakeList } from "../contract/index.ts";
import { type BackoffLimits, type Duration, formatDuration, parseDuration } from "../kernel/index.ts";

/** What a team may say about retries. Everything has a default. */
export interface RetryOptions {
  /** How often it is tried in all, the first time included. From 1, which is no retry, to 1,000. Default 10. */
  readonly attempts?: number;
  /** How old it may be when it is tried again; what is older is given up. Default `"7d"`. */
  readonly maxAge?: Duration;
  readonly backoff?: {
    /** The first wait is below this; each further one may be twice as long. Default `"1s"`. */
    readonly base?: Duration;
    /** No wait reaches this. Default `"10m"`. */
    readonly cap?: Duration;
  };
}

export interface RetryPolicy extends BackoffLimits {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Beyond this age nothing is tried again, in ms. */
  readonly maxAgeMs: number;
}

/**
 * What holds where nothing is said.
 *
 * - `attempts`: with these waits, ten tries take 4 minutes on average and never 9. That outlasts a deployment, a
 *   failover and a rate limit; what still fails then is most often a mistake in code or data, which a person has to
 *   see. For a dependency that may be away for longer, say more: 30 attempts take 100 minutes on average.
 * - `maxAgeMs`: a week holds a long weekend; after it, the world that the event tells of has moved on.
 * - `baseMs`: a lost race or a reset connection is over within a second.
 * - `capMs`: after an outage the last of those who wait are back within ten minutes.
 */
export const defaultRetryPolicy: RetryPolicy = Object.freeze({
  attempts: 10,
  maxAgeMs: 7 * 86_400_000,
  baseMs: 1_000,
  capMs: 10 * 60_000,
});

/** Beyond so many attempts nobody waits for the last; a count without a limit is one that nobody looks at. */
const attemptsMax = 1_000;
/** Retries faster than this are a loop that burdens what is already failing, in ms. */
const baseMinMs = 10;

const known = { options: ["attempts", "maxAge", "backoff"], backoff: ["base", "cap"] };

/**
 * The policy that the options describe, with defaults for what they leave out.
 *
 * @throws {ContractMistakes} with everything that is wrong. The place of each is the name of the option.
 */
export function parseRetryOptions(options: RetryOptions = {}): RetryPolicy {
  const mistakes = new MistakeList("retry");
  const backoff = options.backoff ?? {};
  checkNames(mistakes, "", options, known.options);
  checkNames(mistakes, "backoff.", backoff, known.backoff);

  const policy: RetryPolicy = {
    attempts: parseAttempts(mistakes, options.attempts),
    maxAgeMs: parseLength(mistakes, { at: "maxAge", text: options.maxAge, fallbackMs: defaultRetryPolicy.maxAgeMs, minMs: 1_000 }),
    baseMs: parseLength(mistakes, { at: "backoff.base", text: backoff.base, fallbackMs: defaultRetryPolicy.baseMs, minMs: baseMinMs }),
    capMs: parseLength(mistakes, { at: "backoff.cap", text: backoff.cap, fallbackMs: defaultRetryPolicy.capMs, minMs: baseMinMs }),
  };
  if (policy.capMs < policy.baseMs) {
    const problem = `the cap, ${formatDuration(policy.capMs)}, is below the base, ${formatDuration(policy.baseMs)}`;
    mistakes.add("backoff", problem, "make the cap at least as long as the base, since no wait is longer than the cap");
  }
  mistakes.assertNone();
  return Object.freeze(policy);
}

/** Code without types could misspell a name, and would get the default without a word. */
function checkNames(mistakes: MistakeList, prefix: string, given: object, names: readonly string[]): void {
  for (const name of Object.keys(given).filter((name) => !names.includes(name))) {
    mistakes.add(prefix + name, "there is no such option", `use ${names.map((known) => prefix + known).join(", ")}`);
  }
}

function parseAttempts(mistakes: MistakeList, attempts: number = defaultRetryPolicy.attempts): number {
  if (Number.isSafeInteger(attempts) && attempts >= 1 && attempts <= attemptsMax) return attempts;
  mistakes.add("attempts", `${attempts} is not a whole number from 1 to ${attemptsMax}`, "write how often it is tried in all; 1 is no retry");
  return defaultRetryPolicy.attempts;
}

interface Length {
  readonly at: string;
  readonly text: string | undefined;
  readonly fallbackMs: number;
  readonly minMs: number;
}

function parseLength(mistakes: MistakeList, { at, text, fallbackMs, minMs }: Length): number {
  if (text === undefined) return fallbackMs;
  const ms = typeof text === "string" ? parseDuration(text) : undefined;
  if (ms !== undefined && ms >= minMs && Number.isSafeInteger(ms)) return ms;
  if (ms === undefined) mistakes.add(at, `${JSON.stringify(text)} is not a duration`, `write a number and a unit, such as "${formatDuration(fallbackMs)}"`);
  else mistakes.add(at, `"${text}" is too ${ms < minMs ? "short" : "long"}`, `write "${formatDuration(minMs)}" or longer; "${formatDuration(fallbackMs)}" is the default`);
  return fallbackMs;
}
