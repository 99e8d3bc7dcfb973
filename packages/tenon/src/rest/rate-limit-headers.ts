/**
 * What is left of limits, for callers that keep to them.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ draft 10: `q` is the quota of a policy, `w`
 *   its window in seconds; `r` is what remains, `t` the seconds until more does
 */
import type { LimitFacts, LimitLeft } from "../calls/index.ts";

/** What is said of a limit in every answer. Contracts bound how many there are. */
const texts = new WeakMap<LimitFacts, { readonly policy: string; readonly left: string }>();

/** Adds both headers to names and values in turn. */
export function pushRateLimits(headers: string[], limits: readonly LimitLeft[] | undefined): void {
  if (limits === undefined) return;
  let policies = "";
  let left = "";
  for (const { facts, remaining, resetMs } of limits) {
    const text = textsOf(facts);
    policies = policies === "" ? text.policy : `${policies}, ${text.policy}`;
    left = `${left === "" ? "" : `${left}, `}${text.left}${remaining};t=${seconds(resetMs)}`;
  }
  headers.push("ratelimit-policy", policies, "ratelimit", left);
}

function textsOf(facts: LimitFacts): { readonly policy: string; readonly left: string } {
  let known = texts.get(facts);
  if (known === undefined) {
    const { calls, name, perMs } = facts;
    known = { policy: `"${name}";q=${calls};w=${seconds(perMs)}`, left: `"${name}";r=` };
    texts.set(facts, known);
  }
  return known;
}

/** Whole ones, as the draft has it, and never too early. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
