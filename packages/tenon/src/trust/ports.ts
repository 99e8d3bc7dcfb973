/** What the trust room asks of whoever can tell a genuine token. `testing.ts` beside this file is the suite that adapters pass. */

/** A token that was found genuine: right signature, issuer, audience and time. */
export interface VerifiedToken {
  /** Everything that the token says, as it was signed. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970. At this instant, not after it, the token is refused. Allowed clock skew is in it already. */
  readonly expiresAtMs: number;
}

/** Tells a genuine bearer token from any other text. */
export interface TokenVerifier {
  /**
   * Checks everything about a token. Not cached: {@link identify} does that.
   *
   * @throws {Fault} `unauthenticated`, whose message tells in general terms what is wrong (expired, another audience,
   *   not valid) and nothing that helps to make a better forgery. The exact reason is in `facts`, for logs.
   * @throws {Fault} `unavailable` when it cannot be told now, because the issuer's keys are out of reach.
   */
  verify(token: string): Promise<VerifiedToken>;
}
