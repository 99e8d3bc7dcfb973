/** What the rights of a session are made of, over real HTTP to an issuer that answers as it is told. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { openIdVerifier, severalIssuers } from "../../src/oidc/index.ts";
import { RelyingParty } from "../../src/sign-in/index.ts";
import { createKey, json, KeyServer, signToken } from "../oidc/key-server.ts";
import { ManualClock } from "../trust/manual-clock.ts";

type Json = Readonly<Record<string, unknown>>;
const [key, otherKey] = [createKey("a"), createKey("b")];

describe("the rights of a session", () => {
  const clock = new ManualClock();
  let server: KeyServer;
  let other: KeyServer;
  let answer: Json;
  let party: RelyingParty;

  before(async () => {
    [server, other] = [await KeyServer.open([key]), await KeyServer.open([otherKey])];
    server.answers.set("/.well-known/openid-configuration", (_, response) => json(response, { issuer: server.issuer, jwks_uri: `${server.issuer}/keys`, token_endpoint: `${server.issuer}/token` }));
    server.answers.set("/token", (_, response) => json(response, answer));
  });
  after(() => Promise.all([server.close(), other.close()]));
  beforeEach(() => {
    const { issuer } = server;
    const byIssuer = new Map([server, other].map((each) => [each.issuer, openIdVerifier({ issuer: each.issuer, audience: "shop", clock })]));
    party = new RelyingParty({
      issuer,
      client: { id: "web", secret: "" },
      scopes: "openid orders:read orders:write",
      resource: "",
      redirectUri: () => "http://localhost:3000/auth/callback",
      idTokens: openIdVerifier({ issuer, audience: "web", types: "id token", clock }),
      accessTokens: severalIssuers({ byIssuer }),
      nowMs: () => clock.nowMs(),
    });
  });

  function token(claims: Json, from = server): string {
    return signToken(from === server ? key : otherKey, { iss: from.issuer, sub: "ada", exp: Math.floor(clock.nowMs() / 1_000) + 600, ...claims }, { typ: "JWT" });
  }

  function signedIn(accessClaims: Json, more: Json = {}) {
    answer = { id_token: token({ aud: "web", nonce: "n", name: "Ada" }), access_token: token(accessClaims), refresh_token: "r", expires_in: 60, ...more };
    return party.redeem("code", { verifier: "v", nonce: "n" });
  }

  test("are those of the access token that is for this app", async () => {
    const { claims } = await signedIn({ aud: "shop", scope: "orders:read", roles: ["admin"] });
    assert.deepEqual([claims["scope"], claims["roles"]], ["orders:read", ["admin"]]);
  });

  test("do not outlive the access token that they came from", async () => {
    const session = await signedIn({ aud: "shop", scope: "orders:read", roles: ["admin"] });
    answer = { access_token: token({ aud: "elsewhere" }), expires_in: 60, scope: "openid" };
    const renewed = await party.refresh(session);
    assert.deepEqual([renewed?.claims["roles"], renewed?.claims["scope"], renewed?.claims["name"]], [undefined, "openid", "Ada"]);
  });

  test("are as wide as was granted, where a renewal does not say it again (RFC 6749 section 6)", async () => {
    const session = await signedIn({ aud: "elsewhere" }, { scope: "openid orders:read" });
    assert.equal(session.claims["scope"], "openid orders:read");
    answer = { access_token: token({ aud: "elsewhere" }), expires_in: 60 };
    assert.equal((await party.refresh(session))?.claims["scope"], "openid orders:read");
  });

  test("are those of the person who signed in, and of nobody of the same name at another issuer", async () => {
    answer = { id_token: token({ aud: "web", nonce: "n" }), access_token: token({ aud: "shop", roles: ["admin"] }, other), expires_in: 60 };
    const { claims } = await party.redeem("code", { verifier: "v", nonce: "n" });
    assert.deepEqual([claims["iss"], claims["roles"]], [server.issuer, undefined]);
  });
});
