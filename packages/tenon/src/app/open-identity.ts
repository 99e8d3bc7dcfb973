/**
 * How callers are known: by tokens of the configured issuers, or in development of the local ones; by keys of the app's
 * own; by the sessions of browsers that signed in. Each is loaded only where the app or its configuration asks for it.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Database } from "../data/index.ts";
import type { Clock, Log, Part } from "../kernel/index.ts";
import type { App, Mount } from "../service/index.ts";
import type { PossessionVerifier, SessionVerifier, TokenVerifier } from "../trust/index.ts";
import { type Config, ConfigError } from "./config.ts";
import { trustedIssuers } from "./identity-settings.ts";
import { lazySignIn, sessionCookieName, type SignInSettings } from "./open-sign-in.ts";

/** How callers are known, besides by tokens that stand for themselves. */
export interface CallerIdentity {
  readonly keys?: TokenVerifier | undefined;
  readonly sessions?: SessionVerifier | undefined;
  readonly possession?: PossessionVerifier | undefined;
  /** Pages to sign in and out at. */
  readonly mounts?: readonly Mount[];
  readonly publicOrigin?: string | undefined;
  readonly sessionCookie?: string | undefined;
}

export interface OpenedIdentity extends CallerIdentity {
  readonly verifier: TokenVerifier | undefined;
  /** The embedded issuer, started. */
  readonly part: Part | undefined;
}

export interface OpenIdentityOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly database: Database | undefined;
  /** Of the app itself, once it listens. */
  readonly port: () => number;
}

/** The embedded issuer, and what the app is called there. */
interface Embedded {
  readonly part: Part;
  readonly issuer: string;
  readonly audience: string;
  readonly client: { readonly id: string; readonly secret: string };
  readonly scopes: string;
}

/** @throws {ConfigError} production without an issuer, or an operation whose proofs could be made for another host. */
export async function openIdentity(app: App, options: OpenIdentityOptions): Promise<OpenedIdentity> {
  const { config } = options;
  const operations = app.services.flatMap((service) => Object.values(service.contract as unknown as Record<string, { readonly access?: unknown; readonly senderConstrained?: boolean }>));
  const needsCaller = operations.some(({ access }) => access !== undefined && access !== "public");
  if (!needsCaller && config.oidcIssuer === "") return { verifier: undefined, part: undefined };
  if (config.mode === "production") {
    if (config.oidcIssuer === "") throw new ConfigError(["OIDC_ISSUER is missing: in production tokens come from an issuer of yours (TENON_MODE=development has a local one)"]);
    if (config.publicUrl === "" && operations.some(({ senderConstrained }) => senderConstrained === true)) {
      throw new ConfigError(["PUBLIC_URL is missing: an operation takes only tokens that are bound to a key, and a proof has to name the URL that it is for"]);
    }
  }
  const embedded = await openEmbedded(app, options);
  const verifier = await openVerifier(options, embedded);
  const client = clientOf(options, embedded);
  const signIn = client === undefined ? undefined : lazySignIn(client, { ...options, accessTokens: verifier });
  return {
    verifier,
    keys: options.database === undefined ? undefined : lazyKeys(options.clock, options.database),
    possession: lazyPossession(options),
    publicOrigin: config.publicUrl === "" ? (config.mode === "production" ? undefined : "as asked") : config.publicUrl,
    part: embedded?.part,
    ...(signIn === undefined ? {} : { ...signIn, sessionCookie: sessionCookieName }),
  };
}

/** What the app is called at the issuer where people sign in; `undefined` where nobody does. */
function clientOf({ config, port }: OpenIdentityOptions, embedded: Embedded | undefined): SignInSettings | undefined {
  const publicOrigin = (): string => originOf(config, port);
  if (embedded !== undefined) return { ...embedded, publicOrigin };
  const [first] = trustedIssuers(config);
  if (first === undefined || config.oidcClientId === "" || (config.mode === "production" && config.publicUrl === "")) return undefined;
  return { issuer: first.issuer, client: { id: config.oidcClientId, secret: config.oidcClientSecret }, scopes: config.oidcScopes, publicOrigin };
}

function originOf(config: Config, port: () => number): string {
  return config.publicUrl === "" ? `http://localhost:${port()}` : config.publicUrl;
}

/** Loaded with the first key. */
function lazyKeys(clock: Clock, database: Database): TokenVerifier {
  return lazily(async () => {
    const { databaseKeys, keyVerifier } = await import("../keys/index.ts");
    return keyVerifier({ store: databaseKeys(database), clock });
  });
}

/** Settings that nothing could be verified with are told at start; the embedded issuer has none, and waits for the first token. */
async function openVerifier(options: OpenIdentityOptions, embedded: Embedded | undefined): Promise<TokenVerifier> {
  if (embedded !== undefined) return lazily(() => openTokenVerifier(options, embedded));
  return options.config.oidcIssuer === "" ? openDevelopmentVerifier(options) : openTokenVerifier(options, undefined);
}

/** The rooms of tokens are loaded with the first token. */
function lazily(open: () => Promise<TokenVerifier>): TokenVerifier {
  let opened: Promise<TokenVerifier> | undefined;
  return {
    async verify(token) {
      opened ??= open();
      return (await opened).verify(token);
    },
  };
}

function lazyPossession({ clock, config }: OpenIdentityOptions): PossessionVerifier {
  let opened: Promise<PossessionVerifier> | undefined;
  return {
    async verify(confirmation, shown) {
      opened ??= import("../oidc/index.ts").then(({ possessionVerifier }) => possessionVerifier({ clock, nonceSecret: config.dpopNonceSecret }));
      return (await opened).verify(confirmation, shown);
    },
  };
}

async function openTokenVerifier(options: OpenIdentityOptions, embedded: Embedded | undefined): Promise<TokenVerifier> {
  const { clock, config, log } = options;
  const { developmentIssuer, introspectionVerifier, openIdVerifier, severalIssuers } = await import("../oidc/index.ts");
  const common = { clock, log, clockSkewMs: config.oidcClockSkewMs, types: config.oidcTokenTypes, ...(config.oidcAlgorithms.length === 0 ? {} : { algorithms: config.oidcAlgorithms }) };
  if (embedded !== undefined) {
    const byIssuer = new Map([[developmentIssuer as string, await openDevelopmentVerifier(options)], [embedded.issuer, openIdVerifier({ ...common, issuer: embedded.issuer, audience: embedded.audience })]]);
    return severalIssuers({ byIssuer });
  }
  const issuers = trustedIssuers(config);
  const [first] = issuers;
  const own = issuers.map(({ audience, issuer }) => [issuer, openIdVerifier({ ...common, issuer, audience, ...(config.oidcJwksUrl === "" ? {} : { jwksUrl: config.oidcJwksUrl }) })] as const);
  if (own.length === 1 && own[0] !== undefined && config.oidcIntrospection === "off") return own[0][1];
  const opaque =
    first === undefined || config.oidcIntrospection === "off"
      ? undefined
      : introspectionVerifier({ ...first, client: { id: config.oidcClientId, secret: config.oidcClientSecret }, clock, log, clockSkewMs: config.oidcClockSkewMs });
  return severalIssuers({ byIssuer: new Map(own), opaque });
}

async function openDevelopmentVerifier({ clock, config, log }: OpenIdentityOptions): Promise<TokenVerifier> {
  const { openDevelopmentIssuer } = await import("../oidc/index.ts");
  const issuer = await openDevelopmentIssuer({ directory: config.dataDirectory, clock });
  log.debug("tokens of the local development issuer are accepted", { directory: config.dataDirectory });
  return issuer.verifier;
}

/** In development, where nobody else issues tokens and the file with its people is there. */
async function openEmbedded(app: App, { config, log, port }: OpenIdentityOptions): Promise<Embedded | undefined> {
  if (config.mode === "production" || config.oidcIssuer !== "" || !existsSync(config.issuerFile)) return undefined;
  const { EmbeddedIssuer, readIssuerFile } = await import("../issuer/index.ts");
  const { openDevelopmentKey } = await import("../oidc/index.ts");
  const file = await readIssuerFile(config.issuerFile);
  const { jwk } = await openDevelopmentKey(config.dataDirectory);
  const id = file.clients.some((each) => each.id === app.name) ? `${app.name}-in-browsers` : app.name;
  const client = { id, secret: randomBytes(32).toString("base64url") };
  const scopes = [...new Set(file.people.flatMap((person) => person.scopes))];
  const issuer = new EmbeddedIssuer({
    file,
    jwk,
    port: config.issuerPort,
    whenTaken: "choose", // another app is being developed
    log,
    appClient: () => ({ ...client, redirectUris: [`${originOf(config, port)}/auth/callback`], signedOutUris: [`${originOf(config, port)}/`], scopes, claims: {}, tokens: "jwt", dpop: false }),
  });
  await issuer.start();
  log.info(`the embedded issuer is listening on ${issuer.issuer}`, { people: file.people.length, clients: file.clients.length });
  return { issuer: issuer.issuer, audience: file.audience, client, scopes: ["openid profile email", ...scopes].join(" "), part: { name: issuer.name, start: () => undefined, stop: () => issuer.stop() } };
}
