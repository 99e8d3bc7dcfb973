/**
 * Verifies the tokens of any OpenID Connect issuer: Keycloak, Entra, Auth0, Okta, Cognito, and whoever else publishes
 * metadata and keys.
 *
 * The first token costs the load of the library and one or two fetches; {@link OpenIdVerifier.prepare} has that done
 * at start. An app without tokens loads nothing. It verifies signed JWTs only: opaque tokens, which have to be asked
 * about at the issuer one by one, are not for it.
 */
import type * as Jose from "jose";
import { type Clock, isSafeUrl, type Log } from "../kernel/index.ts";
import type { TokenVerifier } from "../trust/index.ts";
import type { Transport } from "./discovery.ts";
import { RemoteKeys } from "./remote-keys.ts";
import type { AcceptedTypes } from "./token-type.ts";
import { asymmetricAlgorithms, verifyToken } from "./verify-token.ts";

export interface OpenIdOptions {
  /** Exactly as the issuer writes it in `iss`, slash or no slash at the end. */
  readonly issuer: string;
  /** What the app is called in `aud`; of several, one is enough. */
  readonly audience: string | readonly string[];
  /** Where the issuer's keys are. Left out: found by discovery. */
  readonly jwksUrl?: string | undefined;
  readonly clock: Clock;
  /** Where it is told that keys cannot be fetched. */
  readonly log?: Log | undefined;
  /** How far the issuer's clock may be off, in ms. Default 5 000: what is left when both keep time by NTP. */
  readonly clockSkewMs?: number;
  /** Default: every asymmetric one of RFC 7518 and RFC 8037. Naming the issuer's own is stricter. */
  readonly algorithms?: readonly string[];
  /** `"at+jwt"` takes tokens that are marked as RFC 9068 has it, and no others. Default `"any"`. */
  readonly types?: AcceptedTypes;
  /** How long to wait for an answer of the issuer, in ms. Default 5 000. */
  readonly timeoutMs?: number;
  /** Between two fetches for keys that are not known, in ms. Default 30 000. */
  readonly coolDownMs?: number;
  /** `"any"` takes an issuer over plain http on a network that is trusted. Default `"https"`, or http on this machine. */
  readonly transport?: Transport;
}

/** A verifier that can be made ready before the first call. */
export interface OpenIdVerifier extends TokenVerifier {
  /** Fetches the keys, so that wrong settings show at start. @throws {Fault} `unavailable`, whose cause says why. */
  prepare(): Promise<void>;
}

/** The settings of an issuer that no token could be verified with. */
export class IssuerSettingsError extends Error {
  override readonly name = "IssuerSettingsError";
}

/**
 * A verifier for the tokens of one issuer. Nothing is fetched until the first token, or {@link OpenIdVerifier.prepare}.
 *
 * @throws {IssuerSettingsError} with everything that is wrong with the settings.
 */
export function openIdVerifier(options: OpenIdOptions): OpenIdVerifier {
  const { issuer, jwksUrl, clock, log, clockSkewMs = 5_000, timeoutMs = 5_000, coolDownMs = 30_000, transport = "https" } = options;
  const algorithms = options.algorithms ?? asymmetricAlgorithms;
  const audience = typeof options.audience === "string" ? [options.audience] : options.audience;
  assertSettings(options, { algorithms, audience, clockSkewMs });

  const expected = { issuer, audience, algorithms, types: options.types, clockSkewMs, clock, log };
  let loading: Promise<{ jose: typeof Jose; keys: RemoteKeys }> | undefined;
  function load(): Promise<{ jose: typeof Jose; keys: RemoteKeys }> {
    loading ??= import("jose").then((jose) => ({
      jose,
      keys: new RemoteKeys(jose, { issuer, jwksUrl, clock, log, timeoutMs, coolDownMs, transport }),
    }));
    return loading;
  }

  return {
    async verify(token) {
      const { jose, keys } = await load();
      return verifyToken(jose, token, (header) => keys.find(header), expected);
    },
    async prepare() {
      const { keys } = await load();
      await keys.fetch();
    },
  };
}

function assertSettings(
  { issuer, jwksUrl, transport = "https" }: OpenIdOptions,
  { algorithms, audience, clockSkewMs }: { readonly algorithms: readonly string[]; readonly audience: readonly string[]; readonly clockSkewMs: number },
): void {
  const problems: string[] = [];
  for (const [name, url] of [["issuer", issuer], ["jwksUrl", jwksUrl]] as const) {
    if (url === undefined) continue;
    if (!URL.canParse(url)) problems.push(`${name} "${url}" is not a URL`);
    else if (transport === "https" && !isSafeUrl(url)) problems.push(`${name} "${url}" is not https: anybody on the way could hand out keys`);
  }
  if (audience.length === 0 || audience.includes("")) {
    problems.push("audience is empty: every token of the issuer, for whatever app, would be taken");
  }
  const unfit = algorithms.filter((algorithm) => !asymmetricAlgorithms.includes(algorithm));
  if (unfit.length > 0) problems.push(`algorithms ${unfit.join(", ")} cannot be used: take some of ${asymmetricAlgorithms.join(", ")}`);
  if (algorithms.length === 0) problems.push("algorithms is empty: no token could be verified");
  if (!(clockSkewMs >= 0 && clockSkewMs <= 300_000)) problems.push(`clockSkewMs ${clockSkewMs} has to be from 0 to 300000`);
  if (problems.length > 0) throw new IssuerSettingsError(`the token issuer is set wrong: ${problems.join("; ")}`);
}
