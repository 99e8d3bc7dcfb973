/** A client that knows nothing of us (openid-client) goes through every flow, and what it gets is taken where it should be. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as client from "openid-client";
import { Fault } from "../../src/kernel/index.ts";
import { introspectionVerifier, openIdVerifier } from "../../src/oidc/index.ts";
import type { EmbeddedIssuer } from "../../src/issuer/index.ts";
import { toCaller } from "../../src/trust/index.ts";
import { CookieBrowser } from "./cookie-browser.ts";
import { callback, openIssuer, silent } from "./open-issuer.ts";

const clock = { nowMs: () => Date.now(), elapsedMs: () => performance.now(), after: () => ({ cancel() {} }) };

describe("the embedded issuer, by an independent client", () => {
  let issuer: EmbeddedIssuer;
  before(async () => {
    issuer = await openIssuer();
  });
  after(() => issuer.stop());

  function discover(id: string, secret?: string): Promise<client.Configuration> {
    return client.discovery(new URL(issuer.issuer), id, undefined, secret === undefined ? client.None() : client.ClientSecretBasic(secret), { execute: [client.allowInsecureRequests] });
  }

  async function signIn(config: client.Configuration, who: Readonly<Record<string, string>>, scope: string, options?: client.DPoPOptions) {
    const browser = new CookieBrowser();
    const [pkceCodeVerifier, expectedState, expectedNonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
    const parameters = { redirect_uri: callback, scope, state: expectedState, nonce: expectedNonce, code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256" };
    const page = await browser.go(client.buildAuthorizationUrl(config, parameters), {}, callback);
    assert.equal(page.response.status, 200);
    assert.match(page.text, /<title>Sign in<\/title>/);
    const back = await browser.submit(page, who, callback);
    const tokens = await client.authorizationCodeGrant(config, back.url, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }, undefined, options);
    return { tokens, browser };
  }

  function verifier() {
    return openIdVerifier({ issuer: issuer.issuer, audience: "shop", algorithms: ["ES256"], types: "at+jwt", clock });
  }

  test("code with PKCE through the page: the access token is a JWT for the app, with what the person may do of what was asked", async () => {
    const { tokens } = await signIn(await discover("web", "web-secret"), { name: "alice" }, "openid email orders:read catalog:write");
    const { claims } = await verifier().verify(tokens.access_token);
    const caller = toCaller(claims);
    assert.deepEqual([caller.kind, caller.subject, caller.issuer, [...caller.scopes], claims["aud"], claims["client_id"]], ["person", "user-1", issuer.issuer, ["orders:read"], "shop", "web"]);
    assert.equal(tokens.claims()?.["email"], "alice@example.com");
    await assert.rejects(verifier().verify(tokens.id_token ?? ""), { code: "unauthenticated" }, "an identity token is none for calling");
  });

  test("a password that is wrong is told on the page, and the right one is a role richer", async () => {
    const config = await discover("page");
    const browser = new CookieBrowser();
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const page = await browser.go(client.buildAuthorizationUrl(config, { redirect_uri: callback, scope: "openid", code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256" }), {}, callback);
    for (const wrong of [{ name: "olga", password: "guess" }, { name: "olga" }, { name: "nobody" }, { name: '"><script>' }]) {
      const again = await browser.submit(page, wrong, callback);
      assert.equal(again.response.status, 401);
      assert.match(again.text, /role="alert"/);
      assert.doesNotMatch(again.text, /<script/);
    }
    const back = await browser.submit(page, { name: "olga", password: "open sesame" }, callback);
    const tokens = await client.authorizationCodeGrant(config, back.url, { pkceCodeVerifier });
    assert.deepEqual([...toCaller((await verifier().verify(tokens.access_token)).claims).roles], ["admin"]);
  });

  test("a form that is too large is told so, and the visit goes on", async () => {
    const config = await discover("page");
    const browser = new CookieBrowser();
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const page = await browser.go(client.buildAuthorizationUrl(config, { redirect_uri: callback, scope: "openid", code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256" }), {}, callback);
    for (const bytes of [20_000, 900_000]) {
      const refused = await browser.submit(page, { name: "alice", password: "x".repeat(bytes) }, callback);
      assert.equal(refused.response.status, 413);
      assert.match(refused.text, /The form is larger than 16384 bytes/);
    }
    const back = await browser.submit(page, { name: "alice" }, callback);
    assert.notEqual((await client.authorizationCodeGrant(config, back.url, { pkceCodeVerifier })).access_token, undefined);
  });

  test("no sign-in without PKCE, nor to a place that the client did not name", async () => {
    const config = await discover("web", "web-secret");
    const without = await new CookieBrowser().go(client.buildAuthorizationUrl(config, { redirect_uri: callback, scope: "openid" }), {}, callback);
    assert.equal(without.url.searchParams.get("error"), "invalid_request");
    const elsewhere = await new CookieBrowser().go(client.buildAuthorizationUrl(config, { redirect_uri: "https://evil.example/", scope: "openid" }));
    assert.deepEqual([elsewhere.url.hostname, elsewhere.response.status], ["localhost", 400]);
  });

  test("a refresh gives a new token, and a refresh token that was used is worth nothing", async () => {
    const config = await discover("page");
    const { tokens } = await signIn(config, { name: "alice" }, "openid orders:read");
    const fresh = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    assert.notEqual(fresh.access_token, tokens.access_token);
    assert.deepEqual([...toCaller((await verifier().verify(fresh.access_token)).claims).scopes], ["orders:read"]);
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token ?? ""), { error: "invalid_grant" });
    await assert.rejects(client.refreshTokenGrant(config, fresh.refresh_token ?? ""), { error: "invalid_grant" }, "the family of a stolen token ends");
  });

  test("client credentials: a program acts for itself, within its scopes", async () => {
    const config = await discover("job", "job-secret");
    const { access_token: token } = await client.clientCredentialsGrant(config, { scope: "orders:read" });
    const caller = toCaller((await verifier().verify(token)).claims);
    assert.deepEqual([caller.kind, caller.subject, [...caller.scopes], caller.claims["team"]], ["program", "job", ["orders:read"], "nightly"]);
    const greedy = await client.clientCredentialsGrant(config, { scope: "orders:read catalog:write" });
    assert.deepEqual([...toCaller((await verifier().verify(greedy.access_token)).claims).scopes], ["orders:read"]);
    await assert.rejects(client.clientCredentialsGrant(await discover("job", "wrong")), { name: "WWWAuthenticateChallengeError" });
  });

  test("an opaque token is asked about, and not taken any more once it was revoked", async () => {
    const config = await discover("quiet-job", "quiet-secret");
    const { access_token: token } = await client.clientCredentialsGrant(config, { scope: "orders:read" });
    const opaque = introspectionVerifier({ issuer: issuer.issuer, audience: ["shop"], client: { id: "app", secret: "app-secret" }, clock, log: silent });
    const { checkAgainAtMs = 0, claims, expiresAtMs } = await opaque.verify(token);
    assert.deepEqual([toCaller(claims).kind, toCaller(claims).subject, [...toCaller(claims).scopes]], ["program", "quiet-job", ["orders:read"]]);
    assert.ok(checkAgainAtMs <= Date.now() + 30_000 && expiresAtMs > Date.now() + 500_000);
    const told = await client.tokenIntrospection(await discover("app", "app-secret"), token);
    assert.deepEqual([told.active, told.aud], [true, "shop"]);
    await assert.rejects(introspectionVerifier({ issuer: issuer.issuer, audience: ["another"], client: { id: "app", secret: "app-secret" }, clock }).verify(token), { code: "unauthenticated", message: "the token is for another audience" });
    await assert.rejects(introspectionVerifier({ issuer: issuer.issuer, audience: ["shop"], client: { id: "app", secret: "wrong" }, clock }).verify(token), { code: "unavailable" });
    await client.tokenRevocation(config, token);
    await assert.rejects(opaque.verify(token), { code: "unauthenticated", facts: { reason: "inactive" } });
  });

  test("an issuer that cannot be asked makes no token bad", async () => {
    const gone = introspectionVerifier({ issuer: "http://127.0.0.1:1", audience: ["shop"], client: { id: "a", secret: "b" }, clock, timeoutMs: 500 });
    await assert.rejects(gone.verify("some-token"), (thrown) => thrown instanceof Fault && thrown.code === "unavailable");
  });

  test("a client that has to bind its tokens gets none without a proof, and one bound to its key with it", async () => {
    const config = await discover("bound-job", "bound-secret");
    await assert.rejects(client.clientCredentialsGrant(config, { scope: "orders:read" }));
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const tokens = await client.clientCredentialsGrant(config, { scope: "orders:read" }, { DPoP });
    const { claims } = await verifier().verify(tokens.access_token);
    assert.equal(typeof (claims["cnf"] as { readonly jkt?: unknown }).jkt, "string");
  });

  test("a sign-out that the app begins ends the sign-in at the issuer, and comes back", async () => {
    const config = await discover("web", "web-secret");
    const { browser, tokens } = await signIn(config, { name: "alice" }, "openid");
    const page = await browser.go(client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: "http://127.0.0.1:9/bye", state: "s" }));
    assert.match(page.text, /Sign out\?/);
    const back = await browser.submit(page, { logout: "yes" }, "http://127.0.0.1:9/");
    assert.equal(back.url.href, "http://127.0.0.1:9/bye?state=s");
    const again = await browser.go(client.buildAuthorizationUrl(config, { redirect_uri: callback, scope: "openid", code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()), code_challenge_method: "S256" }), {}, callback);
    assert.match(again.text, /<title>Sign in<\/title>/, "it asks again who it is");
  });
});
