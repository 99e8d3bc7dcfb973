/**
 * The token of a caller that is bound to a key of the caller's own, beside the Caller and not in it: handlers do not see it.
 * It travels with calls from service to service, so that each of them can see for itself for whom it acts. Without the key
 * it opens nothing at any door (RFC 9449, RFC 8705); a token that is not bound would, and therefore never travels.
 */
import type { Caller } from "../contract/index.ts";

export interface BoundToken {
  readonly token: string;
  /** Whether the caller has proven to this process that it holds the key. Else another service says so. */
  readonly isProven: boolean;
}

const tokens = new WeakMap<Caller, BoundToken>();

export function keepBoundToken(caller: Caller, token: BoundToken): void {
  tokens.set(caller, token);
}

export function boundTokenOf(caller: Caller): BoundToken | undefined {
  return tokens.get(caller);
}

/** The same caller in another form has the same token. */
export function passBoundToken(from: Caller, to: Caller): Caller {
  const token = tokens.get(from);
  if (token !== undefined) tokens.set(to, token);
  return to;
}
