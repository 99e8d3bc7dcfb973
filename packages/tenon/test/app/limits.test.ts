/** Rate limits over HTTP: what callers are told of them, whose calls are counted behind proxies, and guesses. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { startApp, type StartedApp } from "../../src/app/index.ts";
import { app, command, contract, query, service } from "../../src/index.ts";

const shop = contract("shop", {
  search: query({ http: "GET /search", access: "public", rateLimit: { calls: 2, per: "1m", by: "address" }, output: z.object({ found: z.int() }) }),
  invite: command({
    http: "POST /invite",
    access: "public",
    input: z.object({ email: z.string() }),
    rateLimit: [{ calls: 100, per: "1m", by: "address", name: "per-address" }, { calls: 1, per: "1d", by: { input: "email" } }],
  }),
  free: query({ http: "GET /free", access: "public", output: z.object({ found: z.int() }) }),
});
const shopService = service(shop, { handlers: { search: () => ({ found: 1 }), invite: () => undefined, free: () => ({ found: 1 }) } });

describe("rate limits over HTTP", () => {
  let directory: string;
  let started: StartedApp;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-limits-"));
    const values = { PORT: "0", HOST: "127.0.0.1", TENON_DIRECTORY: directory, LOG_LEVEL: "error", TRUSTED_PROXIES: "loopback" };
    started = await startApp(app("shop", { services: [shopService] }), { layers: [{ name: "test", values }] });
  });
  after(async () => {
    await started.stop();
    await rm(directory, { recursive: true });
  });

  const search = (from: string) => fetch(`${started.url}/search`, { headers: { "x-forwarded-for": from } });
  const invite = (email: string) => fetch(`${started.url}/invite`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email }) });
  const told = (response: Response) => [response.headers.get("ratelimit-policy"), response.headers.get("ratelimit")];

  test("each answer tells what is left, and a refusal when to come back", async () => {
    const first = await search("198.51.100.1");
    assert.deepEqual([first.status, ...told(first)], [200, '"default";q=2;w=60', '"default";r=1;t=30']);
    await search("198.51.100.1");
    const refused = await search("198.51.100.1");
    assert.deepEqual([refused.status, ...told(refused), refused.headers.get("retry-after")], [429, '"default";q=2;w=60', '"default";r=0;t=15', "15"]);
    assert.equal(((await refused.json()) as { readonly code: string }).code, "rate_limited");
    assert.equal((await search("198.51.100.2")).status, 200, "another caller behind the same proxy");
    assert.deepEqual(told(await fetch(`${started.url}/free`)), [null, null], "nothing where there is no limit");
  });

  test("several limits stand beside each other, those by input too", async () => {
    const first = await invite("ada@example.com");
    assert.deepEqual([first.status, ...told(first)], [204, '"per-address";q=100;w=60, "email";q=1;w=86400', '"per-address";r=99;t=1, "email";r=0;t=43200']);
    const again = await invite("Ada@example.com");
    assert.equal(again.status, 429);
    assert.equal((await invite("ben@example.com")).status, 204);
  });

  test("whoever guesses tokens has to wait, and others behind the same proxy have not", async () => {
    const guess = async (from: string, token: string) => (await fetch(`${started.url}/free`, { headers: { authorization: `Bearer ${token}`, "x-forwarded-for": from } })).status;
    const statuses: number[] = [];
    for (let i = 0; i < 12; i += 1) statuses.push(await guess("198.51.100.9", `guess-${i}`));
    assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 401), 429, 429]);
    assert.equal(await guess("198.51.100.10", "guess"), 401);
  });
});
