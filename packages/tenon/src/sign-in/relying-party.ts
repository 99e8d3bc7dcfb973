/** What the app says to its issuer when people sign in: the code for tokens, tokens for fresh ones, and where to sign out. */
import { Fault } from "../kernel/index.ts";
import { basicOf, type DiscoveryOptions, endpointOf, fetchJson, fetchMetadata, IssuerRefused, IssuerUnreachable, type Metadata } from "../oidc/index.ts";
import type { TokenVerifier } from "../trust/index.ts";

export interface RelyingPartyOptions {
  readonly issuer: string;
  readonly client: { readonly id: string; readonly secret: string };
  /** Separated by spaces. */
  readonly scopes: string;
  /** Empty where the issuer need not be told. */
  readonly resource: string;
  readonly redirectUri: () => string;
  /** Tells identity tokens for this client. */
  readonly idTokens: TokenVerifier;
  /** Tells access tokens for this app. */
  readonly accessTokens: TokenVerifier;
  readonly nowMs: () => number;
}

/** What a session holds. */
export interface SignedIn {
  /** What the caller of its calls is made of. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly idToken: string;
  readonly refreshToken?: string | undefined;
  /** What was granted, separated by spaces. A renewal that does not say it again grants the same. */
  readonly scope: string;
  /** When the rights in `claims` have to be renewed, in ms since 1970; missing where nothing says so. */
  readonly renewAtMs?: number | undefined;
}

const timeoutMs = 5_000;
const bodyMaxBytes = 262_144;
/** Rights are renewed so long before they end, in ms: a call under way keeps them. */
const renewAheadMs = 10_000;

export class RelyingParty {
  readonly #options: RelyingPartyOptions;
  readonly #limits: DiscoveryOptions = { timeoutMs, bodyMaxBytes, transport: "https" };
  #metadata: Promise<Metadata> | undefined = undefined;

  constructor(options: RelyingPartyOptions) {
    this.#options = options;
  }

  get issuer(): string {
    return this.#options.issuer;
  }

  /** Where to send somebody who wants to sign in: RFC 6749 section 4.1.1, RFC 7636, OpenID Connect Core section 3.1.2.1. */
  async authorizationUrl(asked: { readonly state: string; readonly nonce: string; readonly challenge: string }): Promise<string> {
    const { client, redirectUri, resource, scopes } = this.#options;
    const url = new URL(await this.#endpoint("authorization_endpoint"));
    const parameters = { response_type: "code", client_id: client.id, redirect_uri: redirectUri(), scope: scopes, state: asked.state, nonce: asked.nonce, code_challenge: asked.challenge, code_challenge_method: "S256", ...(resource === "" ? {} : { resource }) };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  /** Whether the issuer says who it is when it sends people back (RFC 9207): then it has to. */
  async saysWhoItIs(): Promise<boolean> {
    return (await this.#load())["authorization_response_iss_parameter_supported"] === true;
  }

  /**
   * The code that a browser brought back, for what a session holds.
   *
   * @throws {Fault} `unauthenticated`: the code or what came for it is not good; `unavailable`.
   */
  async redeem(code: string, asked: { readonly verifier: string; readonly nonce: string }): Promise<SignedIn> {
    const answer = await this.#ask({ grant_type: "authorization_code", code, redirect_uri: this.#options.redirectUri(), code_verifier: asked.verifier });
    const idToken = textIn(answer, "id_token");
    const { claims } = await this.#options.idTokens.verify(idToken);
    const { azp, nonce } = claims;
    if (nonce !== asked.nonce) throw refused("the identity token answers another sign-in", "another_nonce");
    if (azp !== undefined && azp !== this.#options.client.id) throw refused("the identity token is for another client", "another_client");
    return this.#toSignedIn(answer, { idToken, idClaims: claims, refreshToken: undefined, scope: this.#options.scopes });
  }

  /** Fresh rights. `undefined`: the issuer does not give any, so the session is over. @throws {Fault} `unavailable` */
  async refresh(session: SignedIn): Promise<SignedIn | undefined> {
    const { refreshToken } = session;
    if (refreshToken === undefined) return undefined;
    try {
      const { resource } = this.#options;
      const answer = await this.#ask({ grant_type: "refresh_token", refresh_token: refreshToken, ...(resource === "" ? {} : { resource }) });
      const idToken = typeof answer["id_token"] === "string" ? answer["id_token"] : session.idToken;
      // Not the claims of the session: those of an access token would go on beyond its end.
      const idClaims = idToken === session.idToken ? claimsIn(idToken) : (await this.#options.idTokens.verify(idToken)).claims;
      if (idClaims["sub"] !== session.claims["sub"]) throw refused("the fresh identity token is somebody else's", "another_subject");
      return await this.#toSignedIn(answer, { idToken, idClaims, refreshToken, scope: session.scope });
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === "unauthenticated") return undefined;
      throw thrown;
    }
  }

  /** Where to sign out at the issuer, and come back from; `undefined` where it has no such place. */
  async signOutUrl(session: SignedIn, backTo: string): Promise<string | undefined> {
    const place = (await this.#load())["end_session_endpoint"];
    if (typeof place !== "string" || !URL.canParse(place)) return undefined;
    const url = new URL(place);
    for (const [name, value] of Object.entries({ id_token_hint: session.idToken, client_id: this.#options.client.id, post_logout_redirect_uri: backTo })) url.searchParams.set(name, value);
    return url.href;
  }

  async #toSignedIn(answer: Readonly<Record<string, unknown>>, known: Pick<SignedIn, "idToken" | "refreshToken" | "scope"> & { readonly idClaims: Readonly<Record<string, unknown>> }): Promise<SignedIn> {
    const { expires_in: lifeS, refresh_token: fresh, scope: told } = answer;
    const scope = typeof told === "string" ? told : known.scope;
    const claims = (await this.#rightsIn(textIn(answer, "access_token"), known.idClaims)) ?? { ...known.idClaims, scope };
    const lifeMs = typeof lifeS === "number" && lifeS > 0 ? lifeS * 1_000 : undefined;
    return {
      claims,
      scope,
      idToken: known.idToken,
      refreshToken: typeof fresh === "string" ? fresh : known.refreshToken,
      renewAtMs: lifeMs === undefined ? undefined : this.#options.nowMs() + Math.max(lifeMs - renewAheadMs, lifeMs / 2),
    };
  }

  /** An access token that is meant for this app says more than an identity token: scopes and roles in the app. */
  async #rightsIn(accessToken: string, person: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      const { claims } = await this.#options.accessTokens.verify(accessToken);
      if (claims["sub"] !== person["sub"] || claims["iss"] !== person["iss"] || claims["cnf"] !== undefined) return undefined;
      return claims;
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === "unauthenticated") return undefined; // it is for somebody else, such as the issuer itself
      throw thrown;
    }
  }

  async #ask(form: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> {
    const { client } = this.#options;
    const own = client.secret === "" ? { form: { ...form, client_id: client.id } } : { form, headers: { authorization: basicOf(client) } };
    try {
      return await fetchJson(await this.#endpoint("token_endpoint"), { ...this.#limits, ...own });
    } catch (cause) {
      // RFC 6749 section 5.2: `invalid_grant` is about what was shown; everything else is about the app or the issuer.
      if (cause instanceof IssuerRefused && cause.error === "invalid_grant") throw refused("the issuer does not take that any more", cause.error, cause);
      throw cause instanceof IssuerUnreachable ? unavailable(cause) : cause;
    }
  }

  async #endpoint(name: string): Promise<string> {
    try {
      return endpointOf(await this.#load(), name, this.#limits);
    } catch (cause) {
      throw cause instanceof IssuerUnreachable ? unavailable(cause) : cause;
    }
  }

  async #load(): Promise<Metadata> {
    this.#metadata ??= fetchMetadata(this.#options.issuer, this.#limits);
    try {
      return await this.#metadata;
    } catch (cause) {
      this.#metadata = undefined; // the next one tries again
      throw cause instanceof IssuerUnreachable ? unavailable(cause) : cause;
    }
  }
}

/** Of an identity token that was verified when it came, and was sealed since. */
function claimsIn(idToken: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(idToken.split(".", 2)[1] ?? "", "base64url").toString("utf8")) as Readonly<Record<string, unknown>>;
}

function textIn(answer: Readonly<Record<string, unknown>>, name: string): string {
  const value = answer[name];
  if (typeof value === "string" && value !== "") return value;
  throw refused(`the issuer's answer has no ${name}`, `no_${name}`);
}

function refused(message: string, reason: string, cause?: unknown): Fault {
  return new Fault("unauthenticated", message, { facts: { reason }, ...(cause === undefined ? {} : { cause }) });
}

function unavailable(cause: unknown): Fault {
  return new Fault("unavailable", "the issuer at which people sign in is out of reach", { cause, retryAfterS: 2 });
}
