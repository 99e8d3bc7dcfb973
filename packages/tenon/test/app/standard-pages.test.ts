/** What the platform answers itself, of an app with events and of one without. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { startApp } from "../../src/app/index.ts";
import { contract, event, query } from "../../src/contract/index.ts";
import { app, service } from "../../src/service/index.ts";

const handlers = { get: () => ({ id: "1" }) };
const get = query({ http: "GET /orders", access: "public", output: z.object({ id: z.string() }) });
const withEvents = app("shop", { services: [service(contract("orders", { get, placed: event({ data: z.object({ id: z.string() }), key: "id" }) }, { version: "1.2.0" }), { handlers })] });
const without = app("shop", { services: [service(contract("orders", { get }), { handlers })] });

/** What an app answers over HTTP, by path. */
async function answersOf(of: typeof withEvents, ...paths: readonly string[]): Promise<readonly { readonly status: number; readonly type: string | null; readonly text: string }[]> {
  const started = await startApp(of, { layers: [{ name: "test", values: { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error" } }] });
  try {
    return await Promise.all(paths.map(async (path) => {
      const response = await fetch(started.url + path);
      return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
    }));
  } finally {
    await started.stop();
  }
}

describe("the paths of the platform", () => {
  test("tell of the events of an app that has some", async () => {
    const [events, page] = await answersOf(withEvents, "/asyncapi.json", "/docs");
    assert.deepEqual([events?.status, events?.type], [200, "application/json"]);
    const document = JSON.parse(events?.text ?? "") as { readonly info: object; readonly channels: object };
    assert.deepEqual(Object.keys(document.channels), ["orders.placed"]);
    assert.deepEqual(document.info, { title: "shop", version: "1.2.0", tags: [{ name: "orders", "x-tenon-version": "1.2.0" }] });
    assert.match(page?.text ?? "", /<body data-events="asyncapi\.json">/);
  });

  test("say nothing of events where there are none", async () => {
    const [events, page] = await answersOf(without, "/asyncapi.json", "/docs");
    assert.equal(events?.status, 404);
    assert.match(page?.text ?? "", /<body data-events="">/);
  });

  test("are none for an operation, whether the app has events or not", () => {
    for (const path of ["/openapi.json", "/asyncapi.json", "/docs", "/docs/events", "/health/live", "/metrics"] as const) {
      const taken = contract("orders", { get: query({ http: `GET ${path}`, access: "public", output: z.object({ id: z.string() }) }) });
      assert.throws(() => app("shop", { services: [service(taken, { handlers })] }), /has a path that the platform answers itself/, path);
    }
  });
});
