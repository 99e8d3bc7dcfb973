/** Webhooks over HTTP: what is taken, what is refused and why, and that nothing is lost or doubled. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { app, contract, ContractMistakes, event, mount, reactions, service } from "tenon";
import { post, settled, test as open } from "tenon/test";
import { signStandardWebhook, standardWebhook } from "tenon/webhooks";
import { startApp, type StartedApp } from "../../src/app/index.ts";
import { openTriggers } from "../../src/reactions/index.ts";
import { openServerDatabase, skip } from "../data/server.ts";
import { until } from "../events/delivered-service.ts";
import ordersService, { orders, secret } from "./paid-service.ts";

const otherSecret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
let ids = 0;

interface Sent {
  readonly id?: string;
  readonly secret?: string | readonly string[];
  readonly sentAtMs?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What arrives, where that is not what was signed. */
  readonly arrives?: string;
}

function send(url: string, { arrives, body = { type: "payment.captured", order: "o1", cents: 5 }, headers = {}, id = `msg_${ids++}`, secret: by = secret, sentAtMs = Date.now() }: Sent): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const signed = signStandardWebhook({ id, sentAtMs, body: text, secret: by });
  return fetch(`${url}/hooks/payments`, { method: "POST", headers: { "content-type": "application/json", ...signed, ...headers }, body: arrives ?? text });
}

async function reasonOf(response: Response): Promise<string> {
  const { detail } = (await response.json()) as { readonly detail?: string };
  return detail ?? "";
}

async function paid(url: string): Promise<readonly string[]> {
  const { items } = (await (await fetch(`${url}/paid`)).json()) as { readonly items: readonly { readonly orderId: string; readonly cents: number }[] };
  return items.map(({ cents, orderId }) => `${orderId} ${cents}`);
}

describe("a webhook over HTTP", () => {
  let started: StartedApp;
  let url = "";
  before(async () => {
    started = await startApp(app("shop", { services: [ordersService] }), {
      layers: [{ name: "test", values: { DATABASE_URL: "pglite:memory", PORT: "0", LOG_LEVEL: "error", OLD_SECRET: otherSecret } }],
    });
    url = started.url;
  });
  after(() => started?.stop());

  test("that is right is stored, answered 202, and handled; sent again it is known by its id", async () => {
    const first = await send(url, { id: "msg_first" });
    assert.equal(first.status, 202);
    assert.equal(await first.text(), "");
    assert.match(first.headers.get("x-request-id") ?? "", /^[0-9a-f]{16}$/);
    await started.open.settled();
    assert.deepEqual(await paid(url), ["o1 5"]);

    const again = await send(url, { id: "msg_first", sentAtMs: Date.now() - 60_000 });
    assert.equal(again.status, 204);
    const together = await Promise.all(Array.from({ length: 5 }, () => send(url, { id: "msg_many", body: { type: "payment.captured", order: "o2", cents: 1 } })));
    assert.deepEqual(together.map(({ status }) => status).toSorted((a, b) => a - b), [202, 204, 204, 204, 204]);
    await started.open.settled();
    assert.deepEqual(await paid(url), ["o1 5", "o2 1"]);
  });

  test("that has nothing to tell is answered 204 and stored nowhere", async () => {
    assert.equal((await send(url, { body: { type: "payment.viewed", order: "o3", cents: 1 } })).status, 204);
    await started.open.settled();
    assert.ok(!(await paid(url)).some((each) => each.startsWith("o3")));
  });

  test("whose signature does not fit is refused with 401 and the reason", async () => {
    const wrong = await send(url, { secret: `whsec_${Buffer.alloc(32, 9).toString("base64")}` });
    assert.equal(wrong.status, 401);
    assert.equal(wrong.headers.get("www-authenticate"), "Webhook-Signature");
    assert.match(await reasonOf(wrong), /^no signature fits/);

    const body = '{"type":"payment.captured","order":"o4","cents":5}';
    const changed = await send(url, { body, arrives: body.replace("5", "6") });
    assert.equal(changed.status, 401);
    const old = await send(url, { sentAtMs: Date.now() - 6 * 60_000 });
    assert.equal(old.status, 401);
    assert.match(await reasonOf(old), /^it was sent 6 minutes ago/);
    const unsigned = await fetch(`${url}/hooks/payments`, { method: "POST", body });
    assert.equal(unsigned.status, 401);
    assert.match(await reasonOf(unsigned), /^the header webhook-id is missing/);
    const token = await fetch(`${url}/hooks/payments`, { method: "POST", body, headers: { authorization: "Bearer abc" } });
    assert.match(await reasonOf(token), /^the header webhook-id is missing/, "a token is none of its business");
    await started.open.settled();
    assert.ok(!(await paid(url)).some((each) => each.startsWith("o4")));
  });

  test("is looked at by its signature before anything is parsed: who does not sign learns nothing of JSON", async () => {
    const unsigned = await fetch(`${url}/hooks/payments`, { method: "POST", body: "{" });
    assert.equal(unsigned.status, 401);
    const noJson = await send(url, { body: "{" });
    assert.equal(noJson.status, 400);
    assert.match(await reasonOf(noJson), /^the body is not JSON/);
    const empty = await send(url, { body: "" });
    assert.equal(empty.status, 400);
    assert.equal((await send(url, { body: '{"__proto__":1}' })).status, 400);
    const packed = await send(url, { headers: { "content-encoding": "gzip" } });
    assert.equal(packed.status, 415);
  });

  test("of another shape than `read` expects is a failure here, so that the sender keeps it", async () => {
    assert.equal((await send(url, { body: { type: "payment.captured" } })).status, 500);
  });

  test("that is too large is refused before it is read", async () => {
    const huge = await send(url, { body: { type: "x".repeat(1_100_000) } });
    assert.equal(huge.status, 413);
  });

  test("takes the old secret while it is being replaced, and other signatures than the standard one", async () => {
    assert.equal((await send(url, { secret: otherSecret, body: { type: "payment.captured", order: "o5", cents: 1 } })).status, 202);
    assert.equal((await send(url, { secret: [otherSecret, secret], body: { type: "payment.captured", order: "o6", cents: 1 } })).status, 202);
    const body = JSON.stringify({ padding: "x".repeat(1_500_000) });
    const push = (delivery: string): Promise<Response> =>
      fetch(`${url}/hooks/pushes`, { method: "POST", body, headers: { "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`, "x-github-event": "push", "x-github-delivery": delivery } });
    assert.equal((await push("7f1")).status, 202);
    assert.equal((await push("7f1")).status, 204);
    await started.open.settled();
    const seen = await paid(url);
    for (const each of ["o5 1", "o6 1", "push 7f1 0"]) assert.ok(seen.includes(each), each);
  });

  test("is a call like any other: other methods, a limit per address, its line in the metrics; and no operation of the document", async () => {
    assert.equal((await fetch(`${url}/hooks/payments`)).status, 405);
    const statuses = await Promise.all(Array.from({ length: 210 }, () => fetch(`${url}/hooks/payments`, { method: "POST", body: "{}" }).then(({ status }) => status)));
    assert.ok(statuses.includes(429), "the limit of 200 a minute holds");
    assert.match(await (await fetch(`${url}/metrics`)).text(), /orders\.webhook \/hooks\/payments.*unauthenticated/);
    assert.ok(!(await (await fetch(`${url}/openapi.json`)).text()).includes("/hooks/"));
  });
});

describe("a webhook that was answered", { skip }, () => {
  test("is not lost when its process is killed before it was handled", async () => {
    const opened = await openServerDatabase();
    const file = fileURLToPath(new URL("webhook-process.ts", import.meta.url));
    const start = async (env: Readonly<Record<string, string>>) => {
      const child = spawn(process.execPath, ["--conditions=tenon-source", file], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, DATABASE_URL: opened.url, EVENTS_LEASE_MS: "500", ...env } });
      const lines: readonly unknown[] = await once(child.stdout, "data");
      return { child, url: String(lines[0]).trim() };
    };
    const first = await start({ HANGS: "yes" });
    const sent = { id: "msg_kept", body: { type: "payment.captured", order: "kept", cents: 9 } };
    let second: typeof first | undefined;
    try {
      assert.equal((await send(first.url, sent)).status, 202);
      first.child.kill("SIGKILL");
      await once(first.child, "exit");
      second = await start({});
      const { url } = second;
      await until("it is handled", async () => (await paid(url)).length > 0);
      assert.equal((await send(url, sent)).status, 204, "the sender's next attempt is known");
      assert.deepEqual(await paid(url), ["kept 9"]);
    } finally {
      for (const child of [first.child, second?.child]) child?.kill("SIGKILL");
      await opened.drop();
    }
  });
});

describe("a webhook in a test", () => {
  test("is posted to without a socket", async () => {
    await using shop = open(ordersService);
    const sent = { secret, id: "msg_1", body: { type: "payment.captured", order: "o1", cents: 5 } };
    assert.deepEqual(await post(shop, "/hooks/payments", sent), { status: 202, body: undefined });
    assert.equal((await post(shop, "/hooks/payments", sent)).status, 204);
    assert.equal((await post(shop, "/hooks/payments", { body: sent.body })).status, 401);
    assert.equal((await post(shop, "/hooks/else", sent)).status, 404);
    await settled(shop);
    assert.deepEqual(await shop.paid(), { items: [{ orderId: "o1", cents: 5 }] });
  });
});

describe("what is wrong with a webhook is told before anything runs", () => {
  const { webhook } = reactions();
  const own = contract("own", { told: event({ data: z.object({}) }) });
  const read = () => ({});
  const verify = () => standardWebhook({ secret });
  const migrations = new URL("webhook-migrations/", import.meta.url);

  function mistakesOf(make: () => unknown): readonly string[] {
    try {
      make();
    } catch (error) {
      assert.ok(error instanceof ContractMistakes, String(error));
      return error.mistakes.map(({ at, problem }) => `${at}: ${problem}`);
    }
    return [];
  }

  test("by the service: paths, events, limits", () => {
    const triggers = [
      webhook(own.told, { path: "/a/{id}", verify, read }),
      webhook(orders.captured as never, { path: "/b", verify, read, deadline: "0s" }),
      webhook(own.told, { path: "/c", verify: undefined as never, read: undefined as never, bodyMaxBytes: 0, rateLimit: { calls: 0, per: "1m" } }),
      webhook(own.told, { path: "/c", verify, read }),
    ];
    assert.deepEqual(mistakesOf(() => service(own, { migrations, handlers: {}, triggers })), [
      'own: webhook(own.told, "/a/{id}"): the path is not plain',
      'own: webhook(orders.captured, "/b"): the event is one of orders',
      'own: webhook(orders.captured, "/b"): the deadline "0s" is not a length of time',
      'own: webhook(own.told, "/c"): does not say how the sender signs',
      'own: webhook(own.told, "/c"): does not say what the event tells',
      'own: webhook(own.told, "/c"): bodies of 0 bytes',
      'own: webhook(own.told, "/c"): a rate limit of 0 calls lets nobody in',
      'own: webhook(own.told, "/c"): another webhook has this path',
    ]);
  });

  test("by the app: paths that something else answers", () => {
    const triggers = [webhook(own.told, { path: "/docs/x", verify, read }), webhook(own.told, { path: "/hooks/payments", verify, read })];
    const made = service(own, { migrations, handlers: {}, triggers });
    assert.deepEqual(mistakesOf(() => app("shop", { services: [ordersService, made], mounts: [mount("/", () => new Response())] })), [
      'own: webhook(own.told, "/docs/x"): has a path that the platform answers itself: /docs',
      'own: webhook(own.told, "/hooks/payments"): has the same route as orders: webhook(orders.captured, "/hooks/payments"): POST /hooks/payments',
    ]);
  });

  test("when the app is opened: secrets, without showing them", () => {
    const triggers = [webhook(own.told, { path: "/a", verify: () => standardWebhook({ secret: "hunter2!" }), read }), webhook(own.told, { path: "/b", verify: () => ({}) as never, read })];
    const made = app("shop", { services: [service(own, { migrations, handlers: {}, triggers })] });
    const told = mistakesOf(() => openTriggers(made, new Map([["own", undefined]])));
    assert.deepEqual(told, ['own: webhook(own.told, "/a"): secret: it is not base64 of 24 to 64 bytes', 'own: webhook(own.told, "/b"): verify gives back no signature']);
  });
});
