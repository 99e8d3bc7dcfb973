/**
 * Finds out who is calling. A caller that is known already passes, save where an operation asks for more than what another
 * service says of it; nothing shown is `anonymous`; a bearer token is
 * verified, once, and remembered until it expires. A key of the app's own (`tnk_…`) and the cookie of a signed-in
 * browser are looked up likewise, and remembered for some seconds.
 *
 * A token that was verified before costs one look-up and no promise. One that was not costs a signature, about 0.2 ms.
 * A token that is bound to a key, or an operation that asks for one, costs a proof at every call.
 *
 * A bad token is refused on public operations too. Treating its sender as anonymous would hide the mistake of a client
 * that means to be signed in, and answer it with something else than it asked for. A cookie is another matter: a
 * browser sends it whether it is meant or not, so one whose session is over makes its sender anonymous.
 */
import { anonymous, type Caller, type Operation } from "../contract/index.ts";
import { boundTokenOf, type Call, type Credentials, type Handler, keepBoundToken, passBoundToken, type Stage } from "../calls/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import { assertSameSite } from "./same-site.ts";
import type { Confirmation, PossessionVerifier, TokenVerifier } from "./ports.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

export interface IdentifyOptions {
  /** Left out: the app has no issuer, and refuses whoever shows a token. */
  readonly verifier?: TokenVerifier | undefined;
  /** Of keys that the app has given out itself. Left out: they are tokens like any other. */
  readonly keys?: TokenVerifier | undefined;
  /** Of sessions of browsers, by the text of their cookie. */
  readonly sessions?: SessionVerifier | undefined;
  /** Left out: tokens that are bound to a key are refused. */
  readonly possession?: PossessionVerifier | undefined;
  readonly clock: Clock;
  /** Genuine tokens kept in mind. Default 10 000: about 20 MB when all places are taken. */
  readonly cacheMax?: number;
  /** How long a genuine token is believed without looking again, in ms. Default 300 000: as long as a withdrawn key may still work. */
  readonly cacheMaxAgeMs?: number;
  /** How long an own key or a session is believed without looking again, in ms: as long as one that was ended may still work. Default 5 000. */
  readonly ownMaxAgeMs?: number;
  /** Bad tokens kept in mind. Default 1 000: there is no end of bad tokens, and only the repeated ones are worth a place. */
  readonly refusedMax?: number;
  /** How long a bad token is refused without looking again, in ms. Default 10 000: a key may arrive late. */
  readonly refusedMaxAgeMs?: number;
  /** Verifications under way at once; further ones are answered `overloaded`. Default 1 000. */
  readonly underwayMax?: number;
  /** A longer token is refused unread. Default 8 192 characters; issuers stay below 4 096, because proxies do not take more. */
  readonly tokenMaxChars?: number;
}

/** Tells genuine cookies of sessions, and says when one was ended here. */
export interface SessionVerifier extends TokenVerifier {
  /** Calls `listener` with the cookie of each session that this process ends. */
  onEnd?(listener: (cookie: string) => void): void;
}

/** What keys of the app's own begin with. */
export const keyPrefix = "tnk_";

/** Prefix and identifier: what is not secret of a key. */
const keyNameChars = 20;

/** Which key is shown, or guessed at: its identifier. `undefined` where it is none of the app's own. */
export function keyTarget({ bearer }: Credentials): string | undefined {
  return bearer?.startsWith(keyPrefix) === true ? bearer.slice(0, keyNameChars) : undefined;
}

/**
 * The stage that sets `call.caller`.
 *
 * @throws {Fault} (in a call) `unauthenticated`: the token is bad, or shown without the proof that it needs;
 *   `facts.reason` says why, for logs.
 * @throws {Fault} (in a call) `permission_denied`: another site has made a signed-in browser send this.
 * @throws {Fault} (in a call) `unavailable`: the issuer is out of reach, or the database with keys or sessions.
 */
export function identify(options: IdentifyOptions): Stage {
  const { keys, possession, sessions, tokenMaxChars = 8_192, verifier } = options;
  const ownMaxAgeMs = options.ownMaxAgeMs ?? 5_000;
  const tokens = verifier && known(verifier, options, options.cacheMaxAgeMs ?? 300_000);
  const ownKeys = keys && known(keys, options, ownMaxAgeMs);
  const ownSessions = sessions && known(sessions, options, ownMaxAgeMs);
  sessions?.onEnd?.((cookie) => ownSessions?.forget(cookie));

  return {
    name: "identify",
    compile(operation: Operation, next: Handler): Handler {
      const isBound = operation.senderConstrained;

      function go(call: Call, shown: string): unknown {
        const { cnf } = (call.caller ?? anonymous).claims;
        if (!isBound && cnf === undefined && call.credentials?.scheme === undefined) return next(call);
        return proven(call, shown, { cnf, possession }, next);
      }

      return function identify(call) {
        if (call.caller !== undefined) return isBound && call.from !== undefined ? traveled(call, { tokens, tokenMaxChars }, next) : next(call);
        const token = call.credentials?.bearer;
        if (token === undefined) {
          if (call.credentials?.session !== undefined && ownSessions !== undefined) return byCookie(call, ownSessions, next);
          call.caller = anonymous;
          return next(call);
        }
        const cache = ownKeys !== undefined && token.startsWith(keyPrefix) ? ownKeys : tokens;
        if (cache === undefined) throw new Fault("unauthenticated", "no tokens are accepted here", { facts: { reason: "no_issuer" } });
        if (token.length > tokenMaxChars) throw new Fault("unauthenticated", "the token is not valid", { facts: { reason: "too_long" } });
        call.caller = cache.recall(token);
        if (call.caller !== undefined) return go(call, token);
        return cache.verify(token).then((caller) => {
          call.caller = caller;
          return go(call, token);
        });
      };
    },
  };
}

function known(verifier: TokenVerifier, options: IdentifyOptions, maxAgeMs: number): VerifiedTokens {
  return new VerifiedTokens({
    verifier,
    clock: options.clock,
    genuineMax: options.cacheMax ?? 10_000,
    maxAgeMs,
    refusedMax: options.refusedMax ?? 1_000,
    refusedMaxAgeMs: options.refusedMaxAgeMs ?? 10_000,
    underwayMax: options.underwayMax ?? 1_000,
  });
}

/** Whoever cannot prove it is nobody: neither the log nor the audit may name the owner of the token as the caller. */
async function proven(call: Call, shown: string, by: Parameters<typeof prove>[2], next: Handler): Promise<unknown> {
  const { caller } = call;
  call.caller = undefined;
  await prove(call, shown, by);
  call.caller = caller;
  if (caller !== undefined && by.cnf !== undefined) keepBoundToken(caller, { token: shown, isProven: true });
  return next(call);
}

/**
 * A call that another service makes, to an operation that takes only bound tokens. What the service says of its caller is
 * not enough here: the caller's own token has to have come along, and says who it is. That its owner holds the key was
 * proven where the call came in. What acts by itself has no token: it is the service.
 */
function traveled(call: Call, { tokenMaxChars, tokens }: { readonly tokenMaxChars: number; readonly tokens: VerifiedTokens | undefined }, next: Handler): unknown {
  const { caller = anonymous } = call;
  if (caller.kind === "system") return next(call);
  const bound = boundTokenOf(caller);
  if (bound?.isProven === true) return next(call);
  if (bound === undefined || tokens === undefined || bound.token.length > tokenMaxChars) throw notBound();
  const proceed = (owner: Caller): unknown => {
    call.caller = passBoundToken(caller, ownedBy(owner, caller));
    return next(call);
  };
  const known = tokens.recall(bound.token);
  return known === undefined ? tokens.verify(bound.token).then(proceed) : proceed(known);
}

/** The caller as its own token has it, with those of its rights that were passed on. @throws {Fault} `unauthenticated` */
function ownedBy(owner: Caller, said: Caller): Caller {
  const { cnf } = owner.claims;
  if (cnf === undefined || owner.subject !== said.subject || owner.issuer !== said.issuer) throw notBound();
  toConfirmation(cnf);
  const isWithin = [...said.scopes].every((scope) => owner.scopes.has(scope)) && [...said.roles].every((role) => owner.roles.has(role));
  if (!isWithin) throw notBound();
  const { actors, roles, scopes } = said;
  return Object.freeze({ ...owner, scopes, roles, ...(actors === undefined ? {} : { actors }) });
}

function notBound(): Fault {
  return new Fault("unauthenticated", "a token is needed that is bound to a key of the caller, and that has come along with the call", { facts: { reason: "not_bound" } });
}

/** What the token says about its key, and what was shown for it. */
async function prove(call: Call, token: string, { cnf, possession }: { readonly cnf: unknown; readonly possession: PossessionVerifier | undefined }): Promise<void> {
  if (possession === undefined) throw new Fault("unauthenticated", "tokens that are bound to a key are not accepted here", { facts: { reason: "no_possession" } });
  const { evidence, scheme = "Bearer" } = call.credentials ?? {};
  await possession.verify(toConfirmation(cnf), { token, scheme, evidence: evidence?.() });
}

/** @throws {Fault} `unauthenticated`: the token is bound in a way that is not known here, so nobody could prove it. */
function toConfirmation(cnf: unknown): Confirmation {
  if (cnf === undefined) return {};
  const { jkt, "x5t#S256": certificate } = (cnf ?? {}) as Readonly<Record<string, unknown>>;
  const known = { ...(typeof jkt === "string" ? { jkt } : {}), ...(typeof certificate === "string" ? { "x5t#S256": certificate } : {}) };
  if (Object.keys(known).length === 0) throw new Fault("unauthenticated", "the token is not valid", { facts: { reason: "unknown_confirmation" } });
  return known;
}

/** A cookie is no proof of possession, and goes along whoever makes the browser send it. */
async function byCookie(call: Call, sessions: VerifiedTokens, next: Handler): Promise<unknown> {
  const cookie = call.credentials?.session ?? "";
  try {
    call.caller = sessions.recall(cookie) ?? (await sessions.verify(cookie));
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== "unauthenticated") throw thrown;
    call.caller = anonymous; // the session is over
    return next(call);
  }
  assertSameSite(call.credentials?.evidence?.());
  if (call.operation.senderConstrained) {
    throw new Fault("unauthenticated", "a token is needed that is bound to a key of the caller, and a cookie is not", { facts: { reason: "not_bound", challenge: 'DPoP error="invalid_token"' } });
  }
  return next(call);
}
