/** Who is calling, and what they may do. */
export {
  type AccessAsked,
  type AccessDecision,
  type AccessExplanation,
  compileAccess,
  explainAccess,
  missingFrom,
} from "./access.ts";
export { authorize, authorizeCaller } from "./authorize.ts";
export { toCaller } from "./caller.ts";
export { identify, type IdentifyOptions } from "./identify.ts";
export { limit, type LimitOptions } from "./limit.ts";
export { networkOf } from "./network.ts";
export type { TokenVerifier, VerifiedToken } from "./ports.ts";
export { RateLimiter, type RateLimiterOptions } from "./rate-limiter.ts";
export { RecentMap } from "./recent-map.ts";
export { VerifiedTokens, type VerifiedTokensOptions } from "./verified-tokens.ts";
