/**
 * Tokens that say nothing by themselves: the issuer is asked about each (RFC 7662).
 *
 * An answer is believed for `keepMs` and no longer, so a token that was revoked works that long at most. An issuer that
 * cannot be asked is `unavailable`: nothing is known of the token then, neither that it is good nor that it is bad.
 */
import { type Clock, Fault, type Log } from "../kernel/index.ts";
import type { TokenVerifier, VerifiedToken } from "../trust/index.ts";
import { type DiscoveryOptions, endpointOf, fetchMetadata, type Transport } from "./discovery.ts";
import { fetchJson, IssuerUnreachable } from "./fetch-json.ts";
import { notValid, unauthenticated } from "./verify-token.ts";

export interface IntrospectionOptions {
  readonly issuer: string;
  /** One of these has to be in `aud`. A token whose answer names no audience is refused: it could be meant for anybody. */
  readonly audience: readonly string[];
  /** Where to ask. Left out: found by discovery. */
  readonly url?: string | undefined;
  /** By what the app shows that it may ask. */
  readonly client: { readonly id: string; readonly secret: string };
  readonly clock: Clock;
  readonly log?: Log | undefined;
  /** How long an answer is believed, in ms. Default 30 000. */
  readonly keepMs?: number;
  /** How far the issuer's clock may be off, in ms. Default 5 000. */
  readonly clockSkewMs?: number;
  /** Default 5 000. */
  readonly timeoutMs?: number;
  readonly transport?: Transport;
}

/** An answer is some claims. */
const bodyMaxBytes = 65_536;

export function introspectionVerifier(options: IntrospectionOptions): TokenVerifier {
  const { clock, log, transport = "https", timeoutMs = 5_000 } = options;
  const limits: DiscoveryOptions = { timeoutMs, bodyMaxBytes, transport };
  let place: string | undefined = options.url;

  async function ask(token: string): Promise<Readonly<Record<string, unknown>>> {
    place ??= endpointOf(await fetchMetadata(options.issuer, limits), "introspection_endpoint", limits);
    return fetchJson(place, { timeoutMs, bodyMaxBytes, form: { token, token_type_hint: "access_token" }, headers: { authorization: basicOf(options.client) } });
  }

  return {
    async verify(token) {
      // RFC 6750 section 2.1: anything else is no token, and not worth a question.
      if (!/^[\w~+./-]+=*$/.test(token)) throw notValid("malformed");
      let answer: Readonly<Record<string, unknown>>;
      try {
        answer = await ask(token);
      } catch (cause) {
        if (!(cause instanceof IssuerUnreachable)) throw cause;
        log?.warn("the issuer cannot be asked about tokens", { issuer: options.issuer, error: cause });
        throw new Fault("unavailable", "the token cannot be verified now: its issuer is out of reach", { cause, retryAfterS: 2 });
      }
      return toVerified(answer, { ...options, nowMs: clock.nowMs() });
    },
  };
}

/** RFC 6749 section 2.3.1: both parts are encoded as in a form, before they are joined. */
export function basicOf({ id, secret }: { readonly id: string; readonly secret: string }): string {
  const encode = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}

function toVerified(answer: Readonly<Record<string, unknown>>, options: IntrospectionOptions & { readonly nowMs: number }): VerifiedToken {
  const { audience, clockSkewMs = 5_000, issuer, keepMs = 30_000, nowMs } = options;
  if (answer["active"] !== true) throw notValid("inactive");
  const { aud, client_id: clientId, exp, iss = issuer, nbf, sub, token_type: tokenType } = answer;
  if (iss !== issuer) throw unauthenticated("the token is from another issuer", "another_issuer");
  if (![aud].flat().some((each) => typeof each === "string" && audience.includes(each))) throw unauthenticated("the token is for another audience", "another_audience");
  if (typeof tokenType === "string" && !["bearer", "dpop"].includes(tokenType.toLowerCase())) throw notValid("another_type");
  if (nbf !== undefined && !(typeof nbf === "number" && nbf * 1_000 <= nowMs + clockSkewMs)) throw unauthenticated("the token is not valid yet", "not_yet_valid");
  const believedUntilMs = nowMs + keepMs;
  if (exp === undefined) return { claims: { ...answer, iss, sub: sub ?? clientId }, expiresAtMs: believedUntilMs };
  const expiresAtMs = typeof exp === "number" ? exp * 1_000 + clockSkewMs : Number.NaN;
  if (!(expiresAtMs > nowMs)) throw unauthenticated("the token has expired", "expired");
  return { claims: { ...answer, iss, sub: sub ?? clientId }, expiresAtMs, checkAgainAtMs: believedUntilMs };
}
