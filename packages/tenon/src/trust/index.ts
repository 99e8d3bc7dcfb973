/** Who is calling, and what they may do. */
export {
  type AccessAsked,
  type AccessDecision,
  type AccessExplanation,
  compileAccess,
  explainAccess,
  grantedBy,
  missingFrom,
} from "./access.ts";
export { type AccessMatrix, accessChanges, accessMatrix, type AccessRecord, callerWith, type CallerKind, cellText, type MatrixCell, type MatrixRow, toAccessRecord } from "./access-matrix.ts";
export { authorize, authorizeCaller, type AuthorizeOptions } from "./authorize.ts";
export { toCaller } from "./caller.ts";
export { Guesses, type GuessesOptions, slowGuesses, type SlowGuessesOptions } from "./guesses.ts";
export { identify, type IdentifyOptions, keyPrefix, keyTarget, type SessionVerifier } from "./identify.ts";
export { GuardedLimits, type GuardedLimitsOptions, type WithoutStore } from "./guarded-limits.ts";
export { limit, limitInput, type LimitOptions } from "./limit.ts";
export { MemoryLimits, type MemoryLimitsOptions } from "./memory-limits.ts";
export { networkOf } from "./network.ts";
export type { Confirmation, LimitPolicy, LimitState, LimitStore, LimitTake, PossessionVerifier, RelationReader, ShownProof, TokenVerifier, VerifiedToken } from "./ports.ts";
export { createUnrestrictedCaller, type Grant, type Grants, isUnrestricted, systemCaller, systemIssuer } from "./principal.ts";
export { addressOfCaller, type AddressOf, parseNetwork, type ProxyHeader, type ProxyOptions } from "./proxies.ts";
export { limitStateOf, RateLimiter, type RateLimiterOptions, toleranceMsOf } from "./rate-limiter.ts";
export { RecentMap } from "./recent-map.ts";
export { assertSameSite } from "./same-site.ts";
export { VerifiedTokens, type VerifiedTokensOptions } from "./verified-tokens.ts";
