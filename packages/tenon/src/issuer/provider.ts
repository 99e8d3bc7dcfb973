/** The embedded issuer's provider: how the library is set up for the people and clients of a file. */
import { randomBytes } from "node:crypto";
import type { ClientMetadata, Configuration, default as Provider, Interaction, KoaContextWithOIDC } from "oidc-provider";
import { Fault } from "../kernel/index.ts";
import type { IssuerClient, IssuerFile, IssuerPerson } from "./issuer-file.ts";
import { pagePolicy, problemPage, signedOutPage, signOutPage } from "./pages.ts";

/** Path of the page to sign in at, with the name of the visit behind it. */
export const signInPath = "/sign-in";

/** Long enough for a day of work. */
const sessionLifeS = 8 * 3_600;

const identityScopes = ["openid", "profile", "email", "offline_access"];

export interface ProviderOptions {
  readonly issuer: string;
  readonly file: IssuerFile;
  /** Signs everything: a private key on P-256. */
  readonly jwk: Readonly<Record<string, string>>;
}

/** @throws {Fault} `unimplemented` when the package is not installed. */
export async function createProvider(options: ProviderOptions): Promise<Provider> {
  let library: typeof import("oidc-provider");
  try {
    library = await import("oidc-provider");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw error;
    throw new Fault("unimplemented", "the embedded issuer needs a package: npm install --save-dev oidc-provider", { cause: error });
  }
  return new library.default(options.issuer, configurationOf(options));
}

/**
 * What the app is called among resources (RFC 8707): the audience itself where it is a URI, else one made of it. Tokens
 * say the audience either way.
 */
export function resourceOf(audience: string): string {
  return URL.canParse(audience) ? audience : `urn:tenon:audience:${audience}`;
}

function configurationOf({ file, issuer, jwk }: ProviderOptions): Configuration {
  const { audience, clients, people, tokenLifeS } = file;
  const resource = resourceOf(audience);
  const peopleBySubject = new Map(people.map((person) => [person.subject, person]));
  const clientsById = new Map(clients.map((client) => [client.id, client]));
  const isSecure = issuer.startsWith("https:");
  const named = new Set(people.flatMap(({ claims }) => Object.keys(claims)));

  return {
    clients: clients.map(toMetadata),
    jwks: { keys: [{ ...jwk, use: "sig" }] },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    cookies: { keys: [randomBytes(32).toString("base64url")], long: { signed: true, secure: isSecure }, short: { signed: true, secure: isSecure } },
    claims: { openid: ["sub", "roles", ...named], profile: ["name", "preferred_username"], email: ["email"] },
    conformIdTokenClaims: false, // so that a session has what it needs without another question
    scopes: identityScopes,
    responseTypes: ["code"],
    pkce: { required: () => true },
    interactions: { url: (_, interaction) => `${signInPath}/${interaction.uid}` },
    issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
    ttl: { AccessToken: tokenLifeS, ClientCredentials: tokenLifeS, AuthorizationCode: 60, IdToken: 3_600, RefreshToken: sessionLifeS, Interaction: 3_600, Session: sessionLifeS, Grant: sessionLifeS },
    findAccount: (_, subject) => {
      const person = peopleBySubject.get(subject);
      return person && { accountId: subject, claims: () => claimsOf(person) };
    },
    extraTokenClaims: (_, token) => {
      if (token.kind === "AccessToken") {
        const person = peopleBySubject.get(token.accountId);
        return person && { ...person.claims, roles: [...person.roles] };
      }
      return { ...clientsById.get(token.clientId ?? "")?.claims, sub: token.clientId };
    },
    renderError: (ctx, out) => send(ctx, problemPage(out.error, out.error_description ?? "")),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_, client) => client.clientAuthMethod !== "none" },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      dPoP: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: (ctx, form) => send(ctx, signOutPage(form)), postLogoutSuccessSource: (ctx) => send(ctx, signedOutPage()) },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, _asked, client) => {
          const own = clientsById.get(client.clientId);
          return { audience, scope: (own?.scopes ?? []).join(" "), accessTokenTTL: tokenLifeS, accessTokenFormat: own?.tokens ?? "jwt", jwt: { sign: { alg: "ES256" } } };
        },
      },
    },
  };
}

function send(ctx: KoaContextWithOIDC, html: string): void {
  ctx.type = "html";
  ctx.set("content-security-policy", pagePolicy);
  ctx.body = html;
}

function claimsOf({ claims, name, roles, subject }: IssuerPerson): { sub: string; [claim: string]: unknown } {
  return { name, preferred_username: name, ...claims, roles: [...roles], sub: subject };
}

function toMetadata({ dpop, id, redirectUris, secret, signedOutUris }: IssuerClient): ClientMetadata {
  const signsIn = redirectUris.length > 0;
  return {
    client_id: id,
    ...(secret === undefined ? { token_endpoint_auth_method: "none" } : { client_secret: secret, token_endpoint_auth_method: "client_secret_basic" }),
    redirect_uris: [...redirectUris],
    post_logout_redirect_uris: [...signedOutUris],
    response_types: signsIn ? ["code"] : [],
    grant_types: [...(signsIn ? ["authorization_code", "refresh_token"] : []), ...(secret === undefined ? [] : ["client_credentials"])],
    dpop_bound_access_tokens: dpop,
  };
}

/**
 * What a person grants to a client: everything that was asked for and that the person may do. Nobody is asked, as
 * nobody is a stranger here.
 */
export async function grantAsked(provider: Provider, file: IssuerFile, interaction: Interaction): Promise<string> {
  const { details } = interaction.prompt as { details: { missingOIDCScope?: string[]; missingOIDCClaims?: string[]; missingResourceScopes?: Record<string, string[]> } };
  const accountId = interaction.session?.accountId ?? "";
  const clientId = String(interaction.params["client_id"]);
  const grant = (interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId)) ?? new provider.Grant({ accountId, clientId });
  const allowed = new Set(file.people.find(({ subject }) => subject === accountId)?.scopes);
  if (details.missingOIDCScope !== undefined) grant.addOIDCScope(details.missingOIDCScope.join(" "));
  if (details.missingOIDCClaims !== undefined) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    const granted = scopes.filter((scope) => allowed.has(scope));
    const rejected = scopes.filter((scope) => !allowed.has(scope));
    if (granted.length > 0) grant.addResourceScope(resource, granted.join(" "));
    if (rejected.length > 0) grant.rejectResourceScope(resource, rejected.join(" "));
  }
  return grant.save();
}
