/** An app over HTTP with the embedded issuer beside it, called by a client that knows nothing of us. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as client from "openid-client";
import * as z from "zod";
import { ConfigError, type StartedApp, startApp } from "../../src/app/index.ts";
import { app, command, contract, query, scope, service } from "../../src/index.ts";
import { file } from "../issuer/open-issuer.ts";

const Who = z.object({ kind: z.string(), subject: z.string(), scopes: z.array(z.string()), roles: z.array(z.string()) });

const orders = contract("orders", {
  who: query({ http: "GET /who", access: "signed-in", output: Who }),
  list: query({ http: "GET /orders", access: scope("orders:read"), output: Who }),
  open: query({ http: "GET /open", access: "public", output: Who }),
  refund: command({ http: "POST /refunds", access: scope("orders:read"), senderConstrained: true, output: Who }),
});

function whoIs({ caller }: { readonly caller: { readonly kind: string; readonly subject: string; readonly scopes: ReadonlySet<string>; readonly roles: ReadonlySet<string> } }) {
  return { kind: caller.kind, subject: caller.subject, scopes: [...caller.scopes], roles: [...caller.roles] };
}

const shop = app("shop", { services: [service(orders, { handlers: { who: whoIs, list: whoIs, open: whoIs, refund: whoIs } })] });

describe("an app with the embedded issuer", () => {
  let directory: string;
  let started: StartedApp;
  let issuer: string;
  let logFd: number;

  async function start(values: Readonly<Record<string, string>>): Promise<StartedApp> {
    const { openSync } = await import("node:fs");
    logFd = openSync(join(directory, "log"), "a");
    const settings = { PORT: "0", TENON_DIRECTORY: join(directory, ".tenon"), ISSUER_FILE: join(directory, "issuer.json"), ISSUER_PORT: "0", LOG_FORMAT: "json", ...values };
    return startApp(shop, { layers: [{ name: "test", values: settings }], output: { isTerminal: false, hasColors: false, fd: logFd } });
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-identity-"));
    await writeFile(join(directory, "issuer.json"), JSON.stringify(file));
    started = await start({});
    const { readFileSync } = await import("node:fs");
    started.log.info("look");
    await new Promise((resolve) => setTimeout(resolve, 50));
    issuer = /the embedded issuer is listening on (http:\/\/localhost:\d+)/.exec(readFileSync(join(directory, "log"), "utf8"))?.[1] ?? "";
  });
  after(async () => {
    await started.stop();
    const { closeSync } = await import("node:fs");
    closeSync(logFd);
    await rm(directory, { recursive: true });
  });

  function discover(id: string, secret: string): Promise<client.Configuration> {
    return client.discovery(new URL(issuer), id, undefined, client.ClientSecretBasic(secret), { execute: [client.allowInsecureRequests] });
  }

  function ask(path: string, authorization?: string, more: RequestInit = {}): Promise<Response> {
    return fetch(`${started.url}${path}`, { ...more, headers: { ...(authorization === undefined ? {} : { authorization }), ...(more.headers as Record<string, string> | undefined) } });
  }

  test("tokens of the embedded issuer and of the command line are taken, and others are not", async () => {
    const { access_token: token } = await client.clientCredentialsGrant(await discover("job", "job-secret"), { scope: "orders:read" });
    assert.deepEqual(await (await ask("/orders", `Bearer ${token}`)).json(), { kind: "program", subject: "job", scopes: ["orders:read"], roles: [] });
    const { openDevelopmentIssuer } = await import("../../src/oidc/index.ts");
    const local = await openDevelopmentIssuer({ directory: join(directory, ".tenon"), clock: { nowMs: Date.now, elapsedMs: () => performance.now(), after: () => ({ cancel() {} }) } });
    const own = await local.sign({ subject: "user-1", roles: ["admin"] });
    assert.deepEqual(await (await ask("/who", `Bearer ${own}`)).json(), { kind: "person", subject: "user-1", scopes: [], roles: ["admin"] });
    for (const bad of ["Bearer x", `Bearer ${own}x`, "Basic eDp5", `Bearer ${token.slice(0, -4)}AAAA`]) assert.equal((await ask("/open", bad)).status, 401, bad);
  });

  test("a token that is bound to a key is taken with a proof for this request, once, and without one not at all", async () => {
    const config = await discover("bound-job", "bound-secret");
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const { access_token: token } = await client.clientCredentialsGrant(config, { scope: "orders:read" }, { DPoP });
    for (const [path, method] of [["/refunds", "POST"], ["/orders?page=1", "GET"]] as const) {
      const response = await client.fetchProtectedResource(config, token, new URL(path, started.url), method, undefined, undefined, { DPoP });
      assert.deepEqual(await response.json(), { kind: "program", subject: "bound-job", scopes: ["orders:read"], roles: [] });
    }

    // What went over the wire, as somebody on the way would have it.
    let stolen: Headers | undefined;
    config[client.customFetch] = (url, options) => {
      stolen = new Headers(options.headers);
      return fetch(url, options as RequestInit);
    };
    await client.fetchProtectedResource(config, token, new URL("/refunds", started.url), "POST", undefined, undefined, { DPoP });
    const headers = { dpop: stolen?.get("dpop") ?? "" };
    for (const [path, authorization, more] of [
      ["/refunds", `DPoP ${token}`, { method: "POST", headers }],
      ["/orders", `DPoP ${token}`, { headers }],
      ["/refunds", `DPoP ${token}`, { method: "POST" }],
      ["/refunds", `Bearer ${token}`, { method: "POST", headers }],
      ["/orders", `Bearer ${token}`, {}],
      ["/open", `Bearer ${token}`, {}],
    ] as const) {
      const response = await ask(path, authorization, more);
      assert.equal(response.status, 401, `${path} with ${authorization.slice(0, 6)}`);
      assert.match(response.headers.get("www-authenticate") ?? "", /^DPoP error="invalid_(token|dpop_proof)", algs="ES256 /);
    }
  });

  test("an operation that asks for bound tokens takes no other, and its document says so", async () => {
    const { access_token: token } = await client.clientCredentialsGrant(await discover("job", "job-secret"), { scope: "orders:read" });
    const refused = await ask("/refunds", `Bearer ${token}`, { method: "POST" });
    assert.equal(refused.status, 401);
    assert.equal(((await refused.json()) as { detail: string }).detail, "a token is needed that is bound to a key of the caller");
    const document = (await (await ask("/openapi.json")).json()) as { readonly paths: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>; readonly components: { readonly securitySchemes: Readonly<Record<string, unknown>> } };
    assert.deepEqual(document.paths["/refunds"]?.["post"]?.["security"], [{ dpop: ["orders:read"] }]);
    assert.equal(document.paths["/refunds"]?.["post"]?.["x-tenon-sender-constrained"], true);
    assert.deepEqual(Object.keys(document.components.securitySchemes), ["bearer", "dpop"]);
  });

  test("settings name algorithms that can be used, and no others", async () => {
    const { parseConfig } = await import("../../src/app/index.ts");
    const { asymmetricAlgorithms } = await import("../../src/oidc/index.ts");
    const layer = (algorithms: string) => [{ name: "test", values: { OIDC_ALGORITHMS: algorithms } }];
    assert.deepEqual(parseConfig(layer(asymmetricAlgorithms.join(","))).config.oidcAlgorithms, asymmetricAlgorithms);
    for (const unfit of ["HS256", "none", "ES256,HS512"]) assert.throws(() => parseConfig(layer(unfit)), /OIDC_ALGORITHMS/);
  });

  test("an algorithm that is not named is refused, and so is a token that is not marked where marks are asked for", async () => {
    const strict = await start({ OIDC_ISSUER: issuer, OIDC_AUDIENCE: "shop", OIDC_ALGORITHMS: "RS256" });
    const marked = await start({ OIDC_ISSUER: issuer, OIDC_AUDIENCE: "shop", OIDC_TOKEN_TYPES: "at+jwt" });
    try {
      const { access_token: token } = await client.clientCredentialsGrant(await discover("job", "job-secret"), { scope: "orders:read" });
      const statusAt = async (at: StartedApp) => (await fetch(`${at.url}/orders`, { headers: { authorization: `Bearer ${token}` } })).status;
      assert.deepEqual([await statusAt(strict), await statusAt(marked)], [401, 200]);
    } finally {
      await strict.stop();
      await marked.stop();
    }
  });

  test("production needs to know its own URL where proofs have to name it", async () => {
    await assert.rejects(start({ TENON_MODE: "production", OIDC_ISSUER: issuer, OIDC_AUDIENCE: "shop" }), (thrown) => thrown instanceof ConfigError && thrown.message.includes("PUBLIC_URL"));
  });

  test("several issuers, each with its audience; opaque tokens are asked about, and cached no longer than a while", async () => {
    const several = await start({ OIDC_ISSUER: `https://other.example=their-shop,${issuer}`, OIDC_AUDIENCE: "shop", OIDC_INTROSPECTION: "off" });
    const opaque = await start({ OIDC_ISSUER: issuer, OIDC_AUDIENCE: "shop", OIDC_INTROSPECTION: "on", OIDC_CLIENT_ID: "app", OIDC_CLIENT_SECRET: "app-secret" });
    try {
      const jwt = await client.clientCredentialsGrant(await discover("job", "job-secret"), { scope: "orders:read" });
      const quiet = await client.clientCredentialsGrant(await discover("quiet-job", "quiet-secret"), { scope: "orders:read" });
      const statusAt = async (at: StartedApp, token: string) => (await fetch(`${at.url}/orders`, { headers: { authorization: `Bearer ${token}` } })).status;
      assert.deepEqual([await statusAt(several, jwt.access_token), await statusAt(several, quiet.access_token)], [200, 401]);
      assert.deepEqual([await statusAt(opaque, jwt.access_token), await statusAt(opaque, quiet.access_token), await statusAt(opaque, "made-up")], [200, 200, 401]);
    } finally {
      await several.stop();
      await opaque.stop();
    }
  });
});

