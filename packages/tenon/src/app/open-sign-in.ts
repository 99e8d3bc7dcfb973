/** Sign-in of browsers, where the configuration names a client: loaded when the first browser comes. */
import type { Database } from "../data/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import { type Mount, mount } from "../service/index.ts";
import type { SessionVerifier, TokenVerifier } from "../trust/index.ts";
import type { Config } from "./config.ts";

export interface SignInSettings {
  readonly issuer: string;
  readonly client: { readonly id: string; readonly secret: string };
  readonly scopes: string;
  readonly publicOrigin: () => string;
}

export interface SignInParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly database: Database | undefined;
  /** Tells access tokens for this app. */
  readonly accessTokens: TokenVerifier;
}

/** The cookie's name stands here too, so that nothing has to be loaded to look for it: with two names nobody would be signed in. */
export const sessionCookieName = "__Host-tenon-session";

export interface SignIn {
  readonly sessions: SessionVerifier;
  readonly mounts: readonly Mount[];
}

type Opened = {
  readonly sessions: SessionVerifier;
  readonly answer: (request: Request) => Promise<Response>;
};

export function lazySignIn(settings: SignInSettings, parts: SignInParts): SignIn {
  const listeners: ((cookie: string) => void)[] = [];
  let opened: Promise<Opened> | undefined;
  function open(): Promise<Opened> {
    opened ??= openSignIn(settings, parts).then((each) => {
      for (const listener of listeners) each.sessions.onEnd?.(listener);
      return each;
    });
    // What could not be opened now, since the database is away, is tried again.
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  }
  return {
    sessions: {
      verify: async (cookie) => (await open()).sessions.verify(cookie),
      onEnd: (listener) => void listeners.push(listener),
    },
    mounts: [mount("/auth", async (request) => (await open()).answer(request))],
  };
}

async function openSignIn(settings: SignInSettings, { accessTokens, clock, config, database, log }: SignInParts): Promise<Opened> {
  const { memorySessions, openDatabaseSessions, RelyingParty, Sessions, signInPages } = await import("../sign-in/index.ts");
  const { openIdVerifier } = await import("../oidc/index.ts");
  const { client, issuer, publicOrigin, scopes } = settings;
  const party = new RelyingParty({
    issuer,
    client,
    scopes,
    resource: config.oidcResource,
    redirectUri: () => `${publicOrigin()}/auth/callback`,
    idTokens: openIdVerifier({ issuer, audience: client.id, types: "id token", clock, log, clockSkewMs: config.oidcClockSkewMs, ...(config.oidcAlgorithms.length === 0 ? {} : { algorithms: config.oidcAlgorithms }) }),
    accessTokens,
    nowMs: () => clock.nowMs(),
  });
  const lifeMs = config.sessionLifeH * 3_600_000;
  const store = database === undefined ? memorySessions() : await openDatabaseSessions(database);
  const sessions = new Sessions({ store, party, clock, log, idleMs: config.sessionIdleMin * 60_000, lifeMs });
  return { sessions, answer: signInPages({ sessions, party, publicOrigin, lifeMs, log }) };
}
