/** Operations that take only tokens that are bound to a key, called by another service: in one process, and in two. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as client from "openid-client";
import * as z from "zod";
import { type StartedApp, startApp } from "../../src/app/index.ts";
import { createDelegation, IdPattern, thumbprintOf } from "../../src/identity/index.ts";
import { app, calledBy, command, contract, service } from "../../src/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import type { EmbeddedIssuer } from "../../src/issuer/index.ts";
import { forge, toSigner } from "../certificates/forge.ts";
import { openIssuer } from "../issuer/open-issuer.ts";

const Paid = z.object({ by: z.string() });
const bank = contract("bank", {
  pay: command({ access: { allOf: [calledBy("door"), "signed-in"] }, senderConstrained: true, output: Paid }),
  note: command({ access: calledBy("door"), output: Paid }),
});
const door = contract("door", {
  pay: command({ http: "POST /pay", access: "signed-in", output: Paid, errors: { Unproven: { status: 422 } } }),
  note: command({ http: "POST /note", access: "signed-in", output: Paid }),
});
const paying = app("paying", {
  services: [
    service(bank, { handlers: { pay: ({ caller }) => ({ by: caller.subject }), note: ({ caller }) => ({ by: caller.subject }) } }),
    service(door, { handlers: { pay: ({ call, fail }) => call(bank.pay).catch((thrown: unknown) => Promise.reject(thrown instanceof Fault && thrown.code === "unauthenticated" ? fail.Unproven() : thrown)), note: ({ call }) => call(bank.note) } }),
  ],
});
const pattern = new IdPattern("spiffe://tenon.internal/paying/{service}");

describe("a token that is bound to a key", () => {
  let directory: string;
  let issuer: EmbeddedIssuer;
  let together: StartedApp;
  let banking: StartedApp;
  let apart: StartedApp;

  function start(values: Readonly<Record<string, string>>): Promise<StartedApp> {
    return startApp(paying, {
      layers: [{ name: "test", values: { PORT: "0", HOST: "127.0.0.1", SERVICES_PORT: "0", TENON_DIRECTORY: directory, OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: "shop", DRAIN_MS: "500", LOG_LEVEL: "error", ...values } }],
      output: { isTerminal: false, hasColors: false, fd: 2 },
    });
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-bound-"));
    issuer = await openIssuer();
    together = await start({});
    banking = await start({ SERVICES_ONLY: "bank" });
    apart = await start({ SERVICES_ONLY: "door", SERVICE_URLS: `bank=https://127.0.0.1:${banking.servicesPort}` });
  });
  after(async () => {
    await Promise.all([together, apart, banking].map((each) => each.stop()));
    await issuer.stop();
    await rm(directory, { recursive: true });
  });

  async function tokenOf(id: string, secret: string, isBound: boolean) {
    const config = await client.discovery(new URL(issuer.issuer), id, undefined, client.ClientSecretBasic(secret), { execute: [client.allowInsecureRequests] });
    const DPoP = isBound ? client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256")) : undefined;
    const { access_token: token } = await client.clientCredentialsGrant(config, { scope: "orders:read" }, DPoP === undefined ? {} : { DPoP });
    return { config, DPoP, token };
  }

  for (const placement of ["one process", "two"] as const) {
    test(`is what the called service sees too, in ${placement}, and another token opens nothing there`, async () => {
      const { url } = placement === "two" ? apart : together;
      const { config, DPoP, token } = await tokenOf("bound-job", "bound-secret", true);
      for (const path of ["/pay", "/note"]) {
        const response = await client.fetchProtectedResource(config, token, new URL(path, url), "POST", undefined, undefined, DPoP === undefined ? {} : { DPoP });
        assert.deepEqual(await response.json(), { by: "bound-job" }, path);
      }
      const plain = await tokenOf("job", "job-secret", false);
      const post = (path: string) => fetch(`${url}${path}`, { method: "POST", headers: { authorization: `Bearer ${plain.token}` } });
      assert.equal((await post("/note")).status, 200);
      assert.equal((await post("/pay")).status, 422);
    });
  }

  test("is asked for of a service that was taken over: it can name whose token it holds, and nobody else", async () => {
    const signer = toSigner("Tenon development authority of tenon.internal", await readFile(join(directory, "authority", "authority.pem"), "utf8"));
    const shown = forge({ signer, uris: [pattern.idOf("door")] });
    const { token } = await tokenOf("bound-job", "bound-secret", true);
    const plain = await tokenOf("job", "job-secret", false);
    const call = (operation: string, subject: string, boundToken: string | undefined) => {
      const caller = { kind: "program", subject, issuer: issuer.issuer, scopes: new Set<string>(), roles: new Set<string>(), claims: { cnf: { jkt: "x" } } } as const;
      const delegation = createDelegation({ caller, boundToken, issuer: pattern.idOf("door"), audience: pattern.idOf("bank"), thumbprint: thumbprintOf(new X509Certificate(shown.cert)), key: shown.privateKey, nowMs: Date.now(), idOf: (name) => pattern.idOf(name) });
      return new Promise<number>((resolve, reject) => {
        const sent = request({ host: "127.0.0.1", port: banking.servicesPort, servername: "bank", rejectUnauthorized: false, agent: false, method: "POST", path: `/.tenon/call/bank.${operation}`, cert: shown.cert, key: shown.key, headers: { "content-length": "0", authorization: `Bearer ${delegation}` } });
        sent.on("error", reject);
        sent.on("response", (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        sent.end();
      });
    };
    assert.equal(await call("pay", "bound-job", token), 200);
    assert.equal(await call("pay", "olga", token), 401);
    assert.equal(await call("pay", "olga", undefined), 401);
    assert.equal(await call("pay", "job", plain.token), 401);
    assert.equal(await call("pay", "bound-job", `${token}x`), 401);
    assert.equal(await call("note", "olga", undefined), 200, "without it, a service is believed: see the threat model");
  });
});
