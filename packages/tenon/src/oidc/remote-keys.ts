/**
 * The public keys of an issuer, fetched when they are needed and kept.
 *
 * none → fresh → due (after `refreshAfterMs`) → too old (after `keepMs`). Due keys still count while new ones are
 * fetched beside the call, so an issuer that is down for some minutes takes nobody with it; keys that are too old do
 * not. A token that names an unknown key makes one fetch, since issuers rotate keys; then not again for `coolDownMs`,
 * since anybody can name unknown keys. A fetch that failed is not repeated for `retryAfterMs`. There is never more
 * than one fetch under way.
 */
import type * as Jose from "jose";
import { type Clock, Fault, type Log } from "../kernel/index.ts";
import { endpointOf, fetchMetadata, type Transport } from "./discovery.ts";
import { fetchJson, IssuerUnreachable } from "./fetch-json.ts";

export interface RemoteKeysOptions {
  readonly issuer: string;
  /** Left out: found by discovery. */
  readonly jwksUrl: string | undefined;
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly timeoutMs: number;
  readonly coolDownMs: number;
  readonly transport: Transport;
}

/** A rotated-out key works this long, and the token cache's own time, after the issuer withdrew it. */
const refreshAfterMs = 300_000;
/** How long an issuer may be out of reach before its tokens are refused. */
const keepMs = 3_600_000;
/** Between two tries to reach an issuer that does not answer. */
const retryAfterMs = 2_000;
/** A set of a hundred RSA keys with certificates is some 400 KB; anything beyond is not a set of keys. */
const bodyMaxBytes = 1_048_576;

type KeyLookup = ReturnType<typeof Jose.createLocalJWKSet>;
type Key = Awaited<ReturnType<KeyLookup>>;

interface KeySet {
  readonly find: KeyLookup;
  readonly fetchedAtMs: number;
}

export class RemoteKeys {
  readonly #options: RemoteKeysOptions;
  readonly #jose: typeof Jose;
  readonly #clock: Clock;
  #keys: KeySet | undefined = undefined;
  #fetching: Promise<KeySet> | undefined = undefined;
  #discoveredUrl: string | undefined = undefined;
  #failure: { readonly atMs: number; readonly cause: unknown } | undefined = undefined;

  constructor(jose: typeof Jose, options: RemoteKeysOptions) {
    this.#jose = jose;
    this.#options = options;
    this.#clock = options.clock;
  }

  /**
   * The one key that a token's header names.
   *
   * @throws {Jose.errors.JOSEError} there is none, or more than one.
   * @throws {Fault} `unavailable`
   */
  async find(header: Jose.JWTHeaderParameters): Promise<Key> {
    const keys = await this.#present();
    try {
      return await keys.find(header);
    } catch (thrown) {
      if (!(thrown instanceof this.#jose.errors.JWKSNoMatchingKey)) throw thrown;
      if (this.#clock.elapsedMs() - keys.fetchedAtMs < this.#options.coolDownMs) throw thrown;
      return (await this.fetch()).find(header);
    }
  }

  /**
   * Fetches the keys now.
   *
   * @throws {Fault} `unavailable`, with the reason as its cause.
   */
  fetch(): Promise<KeySet> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #present(): Promise<KeySet> {
    if (this.#keys === undefined) return this.fetch();
    const ageMs = this.#clock.elapsedMs() - this.#keys.fetchedAtMs;
    if (ageMs >= keepMs) return this.fetch();
    if (ageMs >= refreshAfterMs) this.fetch().catch(() => undefined); // told to the log by #fetch; the old keys serve on
    return this.#keys;
  }

  async #fetch(): Promise<KeySet> {
    const failure = this.#failure;
    if (failure !== undefined && this.#clock.elapsedMs() - failure.atMs < retryAfterMs) throw unavailable(failure.cause);
    try {
      const keys = await this.#load();
      this.#keys = keys;
      this.#failure = undefined;
      return keys;
    } catch (cause) {
      const { issuer, log } = this.#options;
      this.#failure = { atMs: this.#clock.elapsedMs(), cause };
      this.#discoveredUrl = undefined; // the keys may have moved
      log?.warn("the keys of the token issuer cannot be fetched", { issuer, error: cause });
      throw cause instanceof IssuerUnreachable ? unavailable(cause) : cause;
    }
  }

  async #load(): Promise<KeySet> {
    const { issuer, jwksUrl, timeoutMs, transport } = this.#options;
    const limits = { timeoutMs, bodyMaxBytes };
    const url = jwksUrl ?? (this.#discoveredUrl ??= endpointOf(await fetchMetadata(issuer, { ...limits, transport }), "jwks_uri", { transport }));
    const jwks = await fetchJson(url, limits);
    try {
      const find = this.#jose.createLocalJWKSet(jwks as unknown as Jose.JSONWebKeySet);
      return { find, fetchedAtMs: this.#clock.elapsedMs() };
    } catch (cause) {
      throw new IssuerUnreachable(`${url} did not answer with a JSON Web Key Set`, { cause });
    }
  }
}

function unavailable(cause: unknown): Fault {
  return new Fault("unavailable", "the token cannot be verified now: the keys of its issuer are out of reach", {
    cause,
    retryAfterS: retryAfterMs / 1_000,
  });
}
