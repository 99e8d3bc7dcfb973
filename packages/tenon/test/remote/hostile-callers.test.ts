/** Who has no genuine identity gets nothing, on either side, and the log says why. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createPlainServer } from "node:http";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { startApp, type StartedApp } from "../../src/app/index.ts";
import type { Caller } from "../../src/contract/index.ts";
import { createDelegation, type DelegationStart, IdPattern, thumbprintOf } from "../../src/identity/index.ts";
import type { LogRecord } from "../../src/telemetry/index.ts";
import { createSigner, forge, type Forgery, type Shown, type Signer, toSigner } from "../certificates/forge.ts";
import spread from "./spread-services.ts";

const pattern = new IdPattern("spiffe://tenon.internal/spread/{service}");
const authorityName = "Tenon development authority of tenon.internal";
const desk = pattern.idOf("desk");
const hour = 3_600_000;

interface Seen {
  readonly status: number;
  readonly text: string;
}

interface Sent {
  readonly shown?: Pick<Shown, "cert" | "key"> | undefined;
  readonly token?: string;
  readonly operation?: string;
  readonly tls?: object;
}

async function call(port: number, { operation = "stock.whoami", shown, tls = {}, token }: Sent): Promise<Seen> {
  return await new Promise((resolve, reject) => {
    const sent = request({
      host: "127.0.0.1",
      port,
      servername: "stock",
      rejectUnauthorized: false,
      agent: false,
      method: "POST",
      path: `/.tenon/call/${operation}`,
      ...(shown === undefined ? {} : { cert: shown.cert, key: shown.key }),
      ...tls,
      headers: { "content-length": "0", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    sent.end();
  });
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200 && !(await isTrue()); i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("at the door of a service", () => {
  let directory: string;
  let started: StartedApp;
  let port: number;
  let signer: Signer;
  const records: LogRecord[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-hostile-"));
    started = await startApp(spread, {
      layers: [{ name: "test", values: { TENON_DIRECTORY: directory, PORT: "0", HOST: "127.0.0.1", SERVICES_PORT: "0", SERVICES_ONLY: "stock", IDENTITY_LIFE_S: "1000", DRAIN_MS: "500", LOG_LEVEL: "warn" } }],
      output: { isTerminal: false, hasColors: false, fd: 2 },
      telemetry: { logs: (some) => void records.push(...some) },
    });
    port = started.servicesPort ?? assert.fail();
    signer = toSigner(authorityName, await readFile(join(directory, "authority", "authority.pem"), "utf8"));
  });
  after(async () => {
    await started.stop();
    await rm(directory, { recursive: true });
  });

  async function assertTold(reason: RegExp): Promise<void> {
    const isTold = ({ fields, level, message }: LogRecord): boolean => level === "warn" && message === "a caller from elsewhere was refused" && reason.test(String(fields["reason"]));
    await until(() => records.some(isTold));
    assert.ok(records.some(isTold), `${reason} is not among ${records.map(({ fields }) => String(fields["reason"])).join(", ")}`);
  }

  async function revoke(line: string): Promise<void> {
    const path = join(directory, "authority", "revoked");
    await writeFile(path, line);
    await new Promise((resolve) => setTimeout(resolve, 1_300)); // it is looked at every second
  }

  test("a genuine one comes in, as itself", async () => {
    const { status, text } = await call(port, { shown: forge({ signer, uris: [desk] }) });
    assert.deepEqual([status, JSON.parse(text)], [200, { kind: "anonymous", subject: "", issuer: "", scopes: [], roles: [], actors: [] }]);
    const other = await call(port, { shown: forge({ signer, uris: [pattern.idOf("billing")] }) });
    assert.equal(other.status, 403, "and may do what the contract lets it, no more");
  });

  const foreign = createSigner(authorityName, "spiffe://tenon.internal");
  const service = (): Shown => forge({ signer, uris: [desk] });
  const hostile: readonly (readonly [who: string, reason: RegExp, shown: () => Forgery | Pick<Shown, "cert" | "key"> | undefined, tls?: object])[] = [
    ["nobody, without a certificate", /CERTIFICATE|certificate/, () => undefined],
    ["one that signed its certificate itself", /CERT|VERIFY|SELF_SIGNED/, () => ({ uris: [desk] })],
    ["one of a foreign authority of the same name", /CERT|VERIFY|LEAF|ISSUER|SIGNATURE/, () => ({ uris: [desk], signer: foreign })],
    ["one that an ordinary service has signed", /INVALID_CA|UNSPECIFIED/, () => {
      const middle = service();
      const shown = forge({ uris: [desk], signer: { name: "desk", ...middle, certificate: middle.cert } });
      return { cert: shown.cert + middle.cert, key: shown.key };
    }],
    ["one whose certificate has expired", /EXPIRED/, () => ({ uris: [desk], signer, fromMs: Date.now() - 2 * hour, untilMs: Date.now() - 1_000 })],
    ["one whose certificate is not valid yet", /NOT_YET_VALID/, () => ({ uris: [desk], signer, fromMs: Date.now() + hour, untilMs: Date.now() + 2 * hour })],
    ["one of another trust domain", /another trust domain/, () => ({ uris: ["spiffe://evil.example/spread/desk"], signer })],
    ["one whose trust domain only begins like ours", /another trust domain/, () => ({ uris: ["spiffe://tenon.internal.evil.example/spread/desk"], signer })],
    ["one of another app", /not the id of a service/, () => ({ uris: ["spiffe://tenon.internal/other/desk"], signer })],
    ["one that is no service of the app", /not a service of this app/, () => ({ uris: [pattern.idOf("nobody")], signer })],
    ["one with dots in its path", /no SPIFFE id|not the id|another trust/, () => ({ uris: ["spiffe://tenon.internal/other/../spread/desk"], signer })],
    ["one with two ids", /more than one URI/, () => ({ uris: [desk, pattern.idOf("billing")], signer })],
    ["one without an id", /no SPIFFE id/, () => ({ uris: [], signer })],
    ["one with an id that hides another one", /no SPIFFE id|not the id/, () => ({ uris: [`spiffe://tenon.internal/spread/x", URI:${desk}`], signer })],
    ["one that may only answer, not call", /purpose|PURPOSE|INVALID/, () => ({ uris: [desk], signer, sides: ["server"] })],
    ["an authority that is no service", /authority|purpose|PURPOSE/, () => ({ kind: "authority", uris: [desk], signer })],
    ["one that speaks an old TLS", /UNSUPPORTED_PROTOCOL|VERSION/, () => service(), { maxVersion: "TLSv1.2" }],
  ];

  for (const [who, reason, make, tls] of hostile) {
    test(`${who} gets nothing`, async () => {
      records.length = 0;
      const made = make();
      const shown = made === undefined || "cert" in made ? made : forge(made);
      await assert.rejects(call(port, { shown, ...(tls === undefined ? {} : { tls }) }), (error: NodeJS.ErrnoException) => /^(ECONNRESET|EPIPE|EPROTO|ERR_SSL_)/.test(error.code ?? ""));
      await assertTold(reason);
    });
  }

  test("one that is revoked, by serial or by id, gets nothing, not even over a connection that it has", async () => {
    const shown = service();
    const serial = new X509Certificate(shown.cert).serialNumber;
    for (const line of [serial.toLowerCase(), `${desk} # gone`]) {
      const socket = connect({ host: "127.0.0.1", port, servername: "stock", rejectUnauthorized: false, cert: shown.cert, key: shown.key });
      const ask = "POST /.tenon/call/stock.whoami HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.on("error", () => undefined);
      socket.write(ask);
      await until(() => text.includes("anonymous"));
      assert.match(text, /^HTTP\/1.1 200 /);

      await revoke(line);
      text = "";
      socket.write(ask);
      await closed;
      assert.equal(text, "");
      await assert.rejects(call(port, { shown }));
      assert.equal((await call(port, { shown: forge({ signer, uris: [pattern.idOf("billing")] }) })).status, 403, "others are not touched");
      await revoke("");
    }
  });

  test("a session that is resumed is refused: it would not show its certificate anew", async () => {
    const shown = service();
    const tls = { host: "127.0.0.1", port, servername: "stock", rejectUnauthorized: false, cert: shown.cert, key: shown.key };
    const first = connect(tls);
    const session = await new Promise<Buffer>((resolve) => first.once("session", resolve));
    first.destroy();
    records.length = 0;
    const again = connect({ ...tls, session });
    again.on("error", () => undefined);
    await new Promise((resolve) => again.on("close", resolve));
    await assertTold(/a resumed session/);
  });

  test("a request without TLS gets nothing", async () => {
    await assert.rejects(fetch(`http://127.0.0.1:${port}/.tenon/call/stock.whoami`, { method: "POST" }));
  });

  test("there are calls there and nothing else", async () => {
    const shown = service();
    assert.equal((await call(port, { shown, operation: "stock.unknown" })).status, 501);
    assert.equal((await call(port, { shown, operation: "desk.ask" })).status, 501, "a service that does not run here");
  });

  describe("a token that says for whom", () => {
    const person: Caller = { kind: "person", subject: "ada", issuer: "https://id.example", scopes: new Set(["stock:read"]), roles: new Set(), claims: { team: "red" }, actors: ["desk"] };
    function tokenOf(shown: Shown, more: Partial<DelegationStart> = {}): string {
      return createDelegation({ caller: person, issuer: desk, audience: pattern.idOf("stock"), thumbprint: thumbprintOf(new X509Certificate(shown.cert)), key: shown.privateKey, nowMs: Date.now(), idOf: (name) => pattern.idOf(name), ...more });
    }
    function withBody(token: string, change: (claims: Record<string, unknown>) => void, header?: object): string {
      const [head = "", body = "", signature = ""] = token.split(".");
      const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
      change(claims);
      const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      return `${header === undefined ? head : encode(header)}.${encode(claims)}.${header === undefined ? signature : ""}`;
    }

    test("is believed from the service that made it, over its own connection", async () => {
      const shown = service();
      const { status, text } = await call(port, { shown, token: tokenOf(shown) });
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(text), { kind: "person", subject: "ada", issuer: "https://id.example", scopes: ["stock:read"], roles: [], actors: ["desk"], team: "red" });
    });

    const bad: readonly (readonly [what: string, reason: RegExp, make: (shown: Shown) => string])[] = [
      ["stolen from another connection of the same service", /not signed|another certificate/, () => tokenOf(service())],
      ["signed well, and bound to another certificate", /another certificate/, (shown) => tokenOf(shown, { thumbprint: "A".repeat(43) })],
      ["in the name of another service", /another service/, (shown) => tokenOf(shown, { issuer: pattern.idOf("billing") })],
      ["meant for another service", /for another service/, (shown) => tokenOf(shown, { audience: pattern.idOf("billing") })],
      ["expired", /expired/, (shown) => tokenOf(shown, { nowMs: Date.now() - 120_000 })],
      ["of the future", /not valid yet/, (shown) => tokenOf(shown, { nowMs: Date.now() + 30_000 })],
      ["changed on its way", /not signed/, (shown) => withBody(tokenOf(shown), (claims) => (claims["sub"] = "olga"))],
      ["without a signature", /not signed/, (shown) => withBody(tokenOf(shown), () => undefined, { alg: "none", typ: "tenon-delegation+jwt" })],
      ["of another type", /not signed/, (shown) => withBody(tokenOf(shown), () => undefined, { alg: "ES256", typ: "JWT" })],
      ["that is no token", /not signed/, () => "abc"],
    ];
    for (const [what, reason, make] of bad) {
      test(`${what} is refused`, async () => {
        records.length = 0;
        const shown = service();
        const { status, text } = await call(port, { shown, token: make(shown) });
        assert.equal(status, 401, text);
        assert.doesNotMatch(text, /ada|team/);
        await assertTold(reason);
      });
    }
  });
});

describe("what answers in the place of a service is not called", () => {
  let directory: string;
  let signer: Signer;
  const foreign = createSigner(authorityName, "spiffe://tenon.internal");

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-impostor-"));
    const once = await start(directory, "https://127.0.0.1:1");
    await once.stop();
    signer = toSigner(authorityName, await readFile(join(directory, "authority", "authority.pem"), "utf8"));
  });
  after(() => rm(directory, { recursive: true }));

  async function start(home: string, url: string, records: LogRecord[] = []): Promise<StartedApp> {
    return await startApp(spread, {
      layers: [{ name: "test", values: { TENON_DIRECTORY: home, PORT: "0", HOST: "127.0.0.1", SERVICES_PORT: "0", SERVICES_ONLY: "desk", SERVICE_URLS: `stock=${url}`, DRAIN_MS: "500", LOG_LEVEL: "error" } }],
      output: { isTerminal: false, hasColors: false, fd: 2 },
      telemetry: { logs: (some) => void records.push(...some) },
    });
  }

  const impostors: readonly (readonly [who: string, make: () => Forgery])[] = [
    ["another service of the app", () => ({ uris: [pattern.idOf("billing")], signer })],
    ["one of a foreign authority", () => ({ uris: [pattern.idOf("stock")], signer: foreign })],
    ["one that signed its certificate itself", () => ({ uris: [pattern.idOf("stock")] })],
    ["one whose certificate has expired", () => ({ uris: [pattern.idOf("stock")], signer, fromMs: Date.now() - 2 * hour, untilMs: Date.now() - 1_000 })],
    ["one that may only call, not answer", () => ({ uris: [pattern.idOf("stock")], signer, sides: ["client"] })],
    ["one without an id", () => ({ uris: [], signer })],
  ];
  for (const [who, make] of impostors) {
    test(who, async () => {
      const { cert, key } = forge(make());
      let requests = 0;
      const impostor = createServer({ cert, key, minVersion: "TLSv1.3" }, (_request, response) => {
        requests += 1;
        response.writeHead(200, { "tenon-answer": "value", "content-type": "application/json" }).end('"in"');
      });
      await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve));
      const app = await start(directory, `https://127.0.0.1:${(impostor.address() as AddressInfo).port}`);
      try {
        const response = await fetch(`${app.url}/ask`, { method: "POST", headers: { "content-type": "application/json" }, body: '{"what":"whoami"}' });
        const { failure } = (await response.json()) as { readonly failure: { readonly code: string; readonly message: string } };
        assert.deepEqual([failure.code, failure.message], ["unavailable", "stock is out of reach"]);
        assert.equal(requests, 0, "it has seen nothing of the call");
      } finally {
        await app.stop();
        impostor.close();
      }
    });
  }

  test("one without TLS", async () => {
    const plain = createPlainServer((_request, response) => response.end('"in"'));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const app = await start(directory, `https://127.0.0.1:${(plain.address() as AddressInfo).port}`);
    try {
      const response = await fetch(`${app.url}/ask`, { method: "POST", headers: { "content-type": "application/json" }, body: '{"what":"whoami"}' });
      assert.equal(((await response.json()) as { readonly failure: { readonly code: string } }).failure.code, "unavailable");
    } finally {
      await app.stop();
      plain.close();
    }
  });
});
