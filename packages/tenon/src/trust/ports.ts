/** What the trust room asks of whoever can tell a genuine token. `testing.ts` beside this file is the suite that adapters pass. */
import type { Call, Evidence } from "../calls/index.ts";
import type { Caller, RelationRule } from "../contract/index.ts";

/** A token that was found genuine: right signature, issuer, audience and time. */
export interface VerifiedToken {
  /** Everything that the token says, as it was signed. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970. At this instant, not after it, the token is refused. Allowed clock skew is in it already. */
  readonly expiresAtMs: number;
  /** Milliseconds since 1970: from here on it has to be verified again. Left out, whoever keeps it in mind decides alone. */
  readonly checkAgainAtMs?: number;
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

/** The key that a token is bound to, as its claim `cnf` has it (RFC 7800): thumbprints, by their method. */
export interface Confirmation {
  /** Of a public key that signs DPoP proofs: RFC 9449 section 6.1. */
  readonly jkt?: string;
  /** Of the client's certificate, SHA-256: RFC 8705 section 3.1. */
  readonly "x5t#S256"?: string;
}

/** What was shown beside a token, and to what request. */
export interface ShownProof {
  readonly token: string;
  /** `DPoP` where the token was shown under that scheme. */
  readonly scheme: "Bearer" | "DPoP";
  /** Missing where the call did not come in over a network. */
  readonly evidence: Evidence | undefined;
}

/** Tells whether whoever shows a token holds the key that it is bound to. */
export interface PossessionVerifier {
  /**
   * @param confirmation  What the genuine token says; it names no key where the token is not bound to any.
   * @throws {Fault} `unauthenticated`, with what to show instead in `facts.challenge`.
   */
  verify(confirmation: Confirmation, shown: ShownProof): Promise<void>;
}

/** Reads whether callers stand in rows of a service. */
export interface RelationReader {
  /**
   * @returns answers for one call, by one statement, within its deadline. Nobody (`anonymous`) is related to anything, nor
   *   is whoever a field is missing for.
   * @throws {RangeError} the relation names a table or column that is not there.
   */
  compile(relation: RelationRule): (call: Call, asked: { readonly caller: Caller; readonly input: unknown }) => Promise<boolean>;
}

/** One limit of one operation. */
export interface LimitPolicy {
  /** Unique among limits: those of one id share their counts. */
  readonly id: string;
  readonly calls: number;
  readonly perMs: number;
}

/** What is left of one limit for one key. */
export interface LimitState {
  /** 0 when the call may pass as far as this limit is concerned; else how long until one may, in ms. */
  readonly waitMs: number;
  /** Calls that could be made at once now, after this one. */
  readonly remaining: number;
  /** Until `remaining` has grown: to the next call where it is 0, else to all of them, in ms. */
  readonly resetMs: number;
}

/** One limit, and whose calls are counted. */
export interface LimitTake {
  readonly policy: LimitPolicy;
  readonly key: string;
}

/**
 * Counts calls by the generic cell rate algorithm, as `rate-limiter.ts` says it.
 *
 * Takes one call of every limit that is named, or, where one of them refuses, of none.
 */
export interface LimitStore {
  /**
   * @returns the state of each limit, in order. A plain value where nothing has to be waited for.
   * @throws {Error} it cannot be told now. Never waits longer than some hundred ms for it.
   */
  take(takes: readonly LimitTake[]): readonly LimitState[] | Promise<readonly LimitState[]>;
}
