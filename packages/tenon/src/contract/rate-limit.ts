/** How often an operation may be called, and by whom: limits of a minute and quotas of a month are said alike. */
import { type Duration, parseDuration } from "../kernel/index.ts";
import type { MistakesAt } from "./mistakes.ts";
import { scalarKindOf } from "./scalar-kind.ts";
import { objectShapeOf } from "./object-shape.ts";
import type { JsonSchema } from "./schema.ts";

/**
 * Whose calls are counted together.
 *
 * - `caller`: the token's subject, or the address of an anonymous one.
 * - `address`: the network address, whoever calls from there.
 * - `key`: the API key or the client that a token was given to (`key_id`, `client_id` or `azp` among the claims); a
 *   caller without one is counted as `caller`.
 * - `{ input: "email" }`: a field of the validated input; callers share a count for each of its values. Text counts alike
 *   in whatever case it is written. A call that leaves the field out is not counted.
 */
export type LimitedBy = "caller" | "address" | "key" | { readonly input: string };

/** How often one caller may call. */
export interface RateLimit {
  /** Calls per window, and calls at once after a pause. */
  readonly calls: number;
  /** From `"1s"` to `"400d"`: a long one is a quota. */
  readonly per: Duration;
  /** Default `caller`. */
  readonly by?: LimitedBy;
  /** What the `RateLimit` headers call it. Default: `default` where it is the only one, else what it is counted by. */
  readonly name?: string;
}

/** One limit, or several that all have to let a call pass. */
export type RateLimits = RateLimit | readonly RateLimit[];

/** A limit with its defaults filled in. */
export interface NamedLimit {
  readonly name: string;
  readonly calls: number;
  readonly per: Duration;
  readonly by: LimitedBy;
}

/** The limits of an operation, each under a name of its own. */
export function rateLimitsOf({ rateLimit }: { readonly rateLimit?: RateLimits | undefined }): readonly NamedLimit[] {
  const given = listOf(rateLimit);
  const taken = new Map<string, number>();
  return given.map(({ by = "caller", calls, name, per }) => {
    const wanted = name ?? (given.length === 1 ? "default" : typeof by === "string" ? by : by.input);
    const count = (taken.get(wanted) ?? 0) + 1;
    taken.set(wanted, count);
    return { name: count === 1 ? wanted : `${wanted}-${count}`, calls, per, by };
  });
}

const perMaxMs = 400 * 86_400_000;
const callsMax = 1_000_000_000;

export function checkRateLimits(rateLimit: RateLimits | undefined, input: JsonSchema | undefined, mistakes: MistakesAt): void {
  const given = listOf(rateLimit);
  if (rateLimit !== undefined && given.length === 0) mistakes.add("rateLimit is an empty list", "take it away, or say a limit: { calls: 60, per: \"1m\" }");
  for (const limit of given) checkLimit(limit, input, mistakes);
  const names = given.flatMap(({ name }) => name ?? []);
  if (new Set(names).size < names.length) mistakes.add("two rate limits have one name", "give each a name of its own");
}

function checkLimit({ by = "caller", calls, name, per }: RateLimit, input: JsonSchema | undefined, mistakes: MistakesAt): void {
  const perMs = parseDuration(per) ?? 0;
  if (perMs === 0) mistakes.add(`the rateLimit.per "${per}" is not a length of time`, 'a number and a unit: "250ms", "2s", "15m"');
  if (perMs > perMaxMs) mistakes.add(`a rate limit per "${per}" outlasts what is kept of it`, 'at most "400d"');
  if (!Number.isSafeInteger(calls) || calls < 1) mistakes.add(`a rate limit of ${calls} calls lets nobody in`, "a whole number from 1");
  if (calls > callsMax) mistakes.add(`a rate limit of ${calls} calls limits nobody`, `at most ${callsMax}`);
  if (name !== undefined && !/^[a-z][a-z0-9-]{0,39}$/.test(name)) mistakes.add(`"${name}" is not a name for a rate limit`, 'lower case: "per-minute"');
  if (typeof by === "string") {
    if (by !== "caller" && by !== "address" && by !== "key") mistakes.add(`a rate limit by "${String(by)}" is not known`, '"caller", "address", "key" or { input: "email" }');
    return;
  }
  const shape = input === undefined ? undefined : objectShapeOf(input);
  const field = shape?.fields.get(by.input);
  if (field === undefined || input === undefined) {
    const fields = [...(shape?.fields.keys() ?? [])].join(", ");
    mistakes.add(`a rate limit is counted by the input's "${by.input}", and there is no such field`, fields === "" ? "the operation takes no input" : `one of: ${fields}`);
  } else if (scalarKindOf(field, input) === undefined) {
    mistakes.add(`a rate limit is counted by the input's "${by.input}", which is not text or a number`, "count by one value");
  }
}

function listOf(rateLimit: RateLimits | undefined): readonly RateLimit[] {
  if (rateLimit === undefined) return [];
  return isList(rateLimit) ? rateLimit : [rateLimit];
}

function isList(rateLimit: RateLimits): rateLimit is readonly RateLimit[] {
  return Array.isArray(rateLimit);
}
