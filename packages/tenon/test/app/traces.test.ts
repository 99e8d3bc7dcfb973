/** One trace from a request to everything that follows from it, through a started app on a real database and a real broker. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { app } from "tenon";
import { startApp, type StartedApp } from "tenon/app";
import type { Span } from "../../src/telemetry/index.ts";
import { createTestDatabase, type TestDatabase } from "../../src/postgres/index.ts";
import { serverUrl, skip as skipDatabase } from "../data/server.ts";
import { serverUrl as natsUrl, skip as skipNats, TestSpace } from "../nats/server.ts";
import { ordersService, shippingService, stockService } from "./traced-services.ts";

const skip = skipDatabase === false ? skipNats : skipDatabase;

/** The name of a span, and of what is part of it, in the order in which they began. */
interface Tree extends ReadonlyArray<string | Tree> {}

function treeOf(spans: readonly Span[], root: Span): Tree {
  const parts = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId).toSorted((a, b) => a.startMs - b.startMs);
  return [root.name, ...parts.map((part) => treeOf(spans, part))];
}

describe("a trace", { skip }, () => {
  const spans: Span[] = [];
  const space = new TestSpace();
  let database: TestDatabase;
  let folder: string;
  let started: StartedApp;

  async function start(settings: Readonly<Record<string, string>>): Promise<StartedApp> {
    const values = { TENON_MODE: "development", TENON_DIRECTORY: folder, PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", DATABASE_URL: database.url, NATS_URL: natsUrl, EVENTS_PREFIX: space.prefix, ...settings };
    return startApp(app("traced", { services: [ordersService, shippingService, stockService] }), {
      layers: [{ name: "test", values }],
      migrate: "always",
      telemetry: { spans: (portion) => void spans.push(...portion) },
    });
  }

  before(async () => {
    database = await createTestDatabase(serverUrl);
    folder = await mkdtemp(join(tmpdir(), "tenon-traces-"));
    started = await start({});
  });
  after(async () => {
    await started.stop();
    await database.drop();
    await space.drop();
    await rm(folder, { recursive: true, force: true });
  });

  async function post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${started.url}${path}`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  }

  /** The spans of a trace, once one of this name has ended. */
  async function spansOf(traceId: string, name: string): Promise<readonly Span[]> {
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
      started.open.spans.flush();
      const own = spans.filter((span) => span.traceId === traceId);
      if (own.some((span) => span.name === name)) {
        await pause(300); // for the turn that the last step was part of
        started.open.spans.flush();
        return spans.filter((span) => span.traceId === traceId);
      }
      await pause(50);
    }
    return assert.fail(`no span "${name}" in ${JSON.stringify(spans.map((span) => [span.traceId, span.name]))}`);
  }

  test("goes from a request over SQL, outbox, NATS, delivery, and a workflow that waits, to a call of another service", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const answer = await post("/orders", { id: "o1" }, { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: "vendor=1" });
    assert.equal(answer.status, 204);
    const own = await spansOf(traceId, "stock.reserve");

    const root = own.find(({ kind }) => kind === "server");
    assert.ok(root !== undefined);
    assert.equal(root.parentSpanId, "00f067aa0ba902b7");
    assert.equal(root.spanId, answer.headers.get("x-request-id"), "the span is found by what the caller was told");
    assert.deepEqual(treeOf(own, root), [
      "POST /orders",
      ["select orders"],
      ["insert orders"],
      ["emit orders.placed", ["process orders.placed", ["commit"], ["turn of ship"], ["turn of ship", ["call reserve", ["stock.reserve"], ["commit"]]]]],
      ["commit"],
    ] satisfies Tree);
    assert.equal(new Set(own.map(({ spanId }) => spanId)).size, own.length);
    for (const { endMs, startMs, traceState } of own) {
      assert.equal(traceState, "vendor=1");
      assert.ok(endMs >= startMs && Math.abs(Date.now() - startMs) < 60_000);
    }
    const waited = own.filter(({ name }) => name === "turn of ship").toSorted((a, b) => a.startMs - b.startMs);
    assert.ok((waited[1]?.startMs ?? 0) - (waited[0]?.startMs ?? 0) >= 290, "the wait of the workflow is in the trace");
  });

  test("says what was done, and none of the values it was done with", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4737";
    await post("/orders", { id: "ada@example.com" }, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    const own = await spansOf(traceId, "commit");
    const insert = own.find(({ name }) => name === "insert orders");
    assert.deepEqual(insert?.attributes, {
      "db.system.name": "postgresql",
      "db.namespace": "orders",
      "db.operation.name": "insert",
      "db.collection.name": "orders",
      "db.query.text": 'insert into "orders" ("id") values ($1)',
    });
    assert.deepEqual(own.find(({ kind }) => kind === "server")?.attributes, {
      "http.request.method": "POST",
      "http.route": "/orders",
      "tenon.operation": "orders.place",
      "tenon.service": "orders",
      "tenon.kind": "command",
      "http.response.status_code": 204,
    });
    const process = own.find(({ name }) => name === "process orders.placed");
    assert.equal(process?.attributes["messaging.destination.subscription.name"], "send");
    assert.doesNotMatch(JSON.stringify(own.filter(({ name }) => name !== "turn of ship").map(({ attributes, message }) => [attributes, message])), /example\.com/);
  });

  test("begins anew where a caller's header is malformed, and each request has its own", async () => {
    const before = spans.length;
    const answers = await Promise.all(["", "00-0-0-00", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`].map((traceparent, n) => post("/orders", { id: `m${n}` }, { traceparent })));
    started.open.spans.flush();
    const roots = spans.slice(before).filter(({ kind }) => kind === "server");
    assert.equal(new Set(roots.map(({ traceId }) => traceId)).size, answers.length);
    for (const root of roots) assert.equal(root.parentSpanId, "");
  });

  test("tells a failure of the caller from one of the service", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4738";
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    await post("/orders", { id: "twice" });
    assert.equal((await post("/orders", { id: "twice" }, { traceparent })).status, 409);
    assert.equal((await post("/orders/b1/break", {}, { traceparent })).status, 500);
    const own = await spansOf(traceId, "POST /orders/{id}/break");
    const [taken, broken] = ["POST /orders", "POST /orders/{id}/break"].map((name) => own.find((span) => span.name === name));
    assert.deepEqual([taken?.status, taken?.message, taken?.attributes["http.response.status_code"], taken?.attributes["error.type"]], ["unset", "", 409, "Taken"]);
    assert.deepEqual([broken?.status, broken?.message, broken?.attributes["http.response.status_code"], broken?.attributes["error.type"]], ["error", "internal", 500, "internal"]);
  });

  test("that is not sampled is kept when it fails, with what came before in it", async () => {
    await started.stop();
    started = await start({ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" });
    spans.length = 0;
    assert.equal((await post("/orders", { id: "quiet" })).status, 204);
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4739";
    assert.equal((await post("/orders/b2/break", {}, { traceparent: `00-${traceId}-00f067aa0ba902b7-00` })).status, 500);
    const own = await spansOf(traceId, "POST /orders/{id}/break");
    assert.deepEqual(own.map(({ name }) => name), ["insert orders", "POST /orders/{id}/break"]);
    // What went before may still have its consequences, in traces that are recorded; and what takes a second is kept.
    assert.deepEqual(spans.filter(({ endMs, kind, name, startMs }) => kind === "server" && name === "POST /orders" && endMs - startMs < 1_000), []);
  });
});
