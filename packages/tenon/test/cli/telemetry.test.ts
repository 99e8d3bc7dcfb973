/** `tenon telemetry`, and the commands that look at what it keeps while it runs. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { Project, runTenon, TenonProcess } from "./tenon-process.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const other = "00f067aa0ba902b7a3ce929d0e0e4736";
const spanId = (number: number): string => number.toString(16).padStart(16, "0");
const nanoseconds = (ms: number): string => `${Math.round(ms * 1_000)}000`;
const nowMs = Date.now();
const text = (key: string, value: string): object => ({ key, value: { stringValue: value } });

function resource(name: string): object {
  return { attributes: [text("service.name", name)] };
}

const traces = {
  resourceSpans: [
    {
      resource: resource("shop"),
      scopeSpans: [
        {
          spans: [
            { traceId, spanId: spanId(1), name: "POST /orders", kind: 2, startTimeUnixNano: nanoseconds(nowMs - 1_000), endTimeUnixNano: nanoseconds(nowMs - 760), attributes: [text("http.route", "/orders")] },
            { traceId, spanId: spanId(2), parentSpanId: spanId(1), name: "INSERT orders", kind: 3, startTimeUnixNano: nanoseconds(nowMs - 990), endTimeUnixNano: nanoseconds(nowMs - 980) },
            { traceId: other, spanId: spanId(9), name: "GET /orders", kind: 2, startTimeUnixNano: nanoseconds(nowMs - 5_000), endTimeUnixNano: nanoseconds(nowMs - 4_998) },
          ],
        },
      ],
    },
    {
      resource: resource("payments"),
      scopeSpans: [
        {
          spans: [
            {
              traceId,
              spanId: spanId(3),
              parentSpanId: spanId(1),
              name: "capture\u001b[31m",
              kind: 2,
              startTimeUnixNano: nanoseconds(nowMs - 970),
              endTimeUnixNano: nanoseconds(nowMs - 770),
              status: { code: 2, message: "unavailable" },
            },
          ],
        },
      ],
    },
  ],
};

function logs(...messages: readonly (readonly [number, string])[]): object {
  return {
    resourceLogs: [
      { resource: resource("shop"), scopeLogs: [{ logRecords: messages.map(([severityNumber, message], at) => ({ timeUnixNano: nanoseconds(nowMs + at), severityNumber, body: { stringValue: message }, attributes: [text("order", "o-1")], ...(at === 0 ? { traceId } : {}) })) }] },
    ],
  };
}

describe("telemetry", () => {
  let project: Project;
  let collector: TenonProcess;
  let url = "";

  before(async () => {
    project = await Project.create();
    collector = new TenonProcess(["telemetry", "--port", "0", "--json"], { cwd: project.directory });
    const ready = await collector.nextEvent({ event: "ready" });
    url = String(ready["url"]);
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(ready["keepMs"], 48 * 3_600_000);
    await send("traces", traces);
    await send("logs", logs([9, "placed"], [17, "card refused"]));
  });
  after(async () => {
    await collector?.[Symbol.asyncDispose]();
    await project?.[Symbol.asyncDispose]();
  });

  async function send(signal: string, body: object): Promise<void> {
    const answer = await fetch(`${url}/v1/${signal}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, await answer.text());
  }

  async function shown(...args: readonly string[]): Promise<string> {
    const { code, stderr, stdout } = await project.tenon(args);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async function json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await shown(...args, "--json")) as T;
  }

  test("traces are listed while it runs, the newest first", async () => {
    const lines = (await shown("traces")).trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^TRACE +START +OPERATION +DURATION +SPANS +SERVICES +ERRORS$/);
    assert.match(lines[1] ?? "", new RegExp(`^${traceId}  ${new Date(nowMs - 1_000).toISOString()}  shop POST /orders  240\\.0 ms  3 +shop, payments  1 error$`));
    assert.match(lines[2] ?? "", new RegExp(`^${other} .* shop GET /orders +2\\.00 ms +1 +shop$`));
    assert.equal(lines.length, 3);
  });

  test("traces are found by what is asked", async () => {
    const ids = async (...args: readonly string[]): Promise<readonly string[]> => (await json<{ readonly traces: readonly { readonly traceId: string }[] }>("traces", ...args)).traces.map((trace) => trace.traceId);
    assert.deepEqual(await ids("--errors"), [traceId]);
    assert.deepEqual(await ids("--slower", "200ms"), [traceId]);
    assert.deepEqual(await ids("--service", "payments"), [traceId]);
    assert.deepEqual(await ids("--operation", "GET /orders"), [other]);
    assert.deepEqual(await ids("--attribute", "http.route=/orders"), [traceId]);
    assert.deepEqual(await ids("--until", new Date(nowMs - 3_000).toISOString()), [other]);
    assert.deepEqual(await ids("--since", "10m"), [traceId, other]);
    const page = await json<{ readonly next: string }>("traces", "--limit", "1");
    assert.deepEqual(await ids("--before", page.next), [other]);
    assert.match(await shown("traces", "--service", "mail"), /^no such trace; there is telemetry of payments, shop\n$/);
  });

  test("a trace is a tree with bars, and nothing in it is obeyed by a terminal", async () => {
    const tree = await shown("traces", "4bf92f", "--attributes");
    const lines = tree.trimEnd().split("\n");
    assert.match(lines[0] ?? "", new RegExp(`^trace ${traceId}  `));
    assert.equal(lines[1], "3 spans, 2 services, 240.0 ms, 1 error");
    assert.match(lines[3] ?? "", /^shop POST \/orders +server +240\.0 ms +█{32}$/);
    assert.equal(lines[4], "    http.route = /orders");
    assert.match(lines[5] ?? "", /^├ shop INSERT orders +client +10\.00? ms +█+$/);
    assert.match(lines[6] ?? "", /^└ payments capture \[31m +server +200\.0 ms +█+ +unavailable$/);
    assert.ok(!tree.includes("\u001b"));
    const data = await json<{ readonly spans: readonly { readonly name: string; readonly durationMs: number }[] }>("traces", traceId);
    assert.deepEqual(data.spans.map(({ durationMs, name }) => [name, durationMs]), [["POST /orders", 240], ["INSERT orders", 10], ["capture\u001b[31m", 200]]);
  });

  test("logs are shown with the newest last, by level, text and trace", async () => {
    const lines = (await shown("logs")).trimEnd().split("\n");
    assert.match(lines[0] ?? "", new RegExp(`^${new Date(nowMs).toISOString()}  info   shop  placed  order=o-1 trace=${traceId}$`));
    assert.match(lines[1] ?? "", /  error  shop  card refused  order=o-1$/);
    for (const args of [["--level", "warn"], ["--text", "CARD"]]) assert.match(await shown("logs", ...args), /^[^\n]* card refused [^\n]*\n$/);
    const { logs: ofTrace } = await json<{ readonly logs: readonly { readonly message: string; readonly level: string }[] }>("logs", "--trace", traceId);
    assert.deepEqual(ofTrace.map(({ level, message }) => [level, message]), [["info", "placed"]]);
  });

  test("logs are followed, and the command ends when it is told to", async () => {
    await using following = new TenonProcess(["logs", "--follow", "--json", "--text", "card"], { cwd: project.directory });
    await following.nextEvent({ message: "card refused" });
    await send("logs", logs([9, "nothing"], [13, "card expired"]));
    await following.nextEvent({ message: "card expired", level: "warn" });
    following.signal("SIGINT");
    const { code, stderr } = await following.ended();
    assert.deepEqual([code, stderr], [0, ""]);
  });

  test("operations are shown with rate, errors and percentiles", async () => {
    const lines = (await shown("top", "--once")).trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^OPERATION +KIND +PER SECOND +ERRORS +P50 +P95 +P99$/);
    assert.match(lines.find((line) => line.startsWith("payments capture")) ?? "", /server +0\.00 +100 % +(19|20)\d\.\d ms/);
    const { operations } = await json<{ readonly operations: readonly { readonly operation: string; readonly count: number }[] }>("top", "--all", "--service", "shop");
    assert.deepEqual(Object.fromEntries(operations.map(({ count, operation }) => [operation, count])), { "GET /orders": 1, "INSERT orders": 1, "POST /orders": 1 });
  });

  test("a second one finds the directory taken, and a taken port is told", async () => {
    const { code, stderr } = await project.command(["telemetry", "--port", "0"]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: telemetry cannot be kept in .*: another process keeps its telemetry there\n  → stop the other one/);
    const { port } = new URL(url);
    const taken = await project.command(["telemetry", "--port", port, "--store", "elsewhere"]);
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, new RegExp(`^error: port ${port} is taken\\n  → another collector may listen there`));
  });

  test("it ends on a signal, says what it did, and what it kept can still be looked at", async () => {
    collector.signal("SIGTERM");
    const stopped = await collector.nextEvent({ event: "stopped" });
    assert.ok(Number(stopped["kept"]) >= 6);
    assert.deepEqual([(await collector.ended()).code, stopped["rejected"]], [0, 0]);
    assert.match(await shown("traces", "--errors"), new RegExp(traceId));
  });
});

describe("mistakes are told:", () => {
  const mistakes: readonly { readonly args: readonly string[]; readonly code: number; readonly says: RegExp }[] = [
    { args: ["traces"], code: 1, says: /^error: there is no telemetry in .*\n  → run "tenon telemetry"/ },
    { args: ["top", "--once", "--store", "nowhere"], code: 1, says: /^error: there is no telemetry in nowhere\n/ },
    { args: ["traces", "--slower", "soon"], code: 2, says: /--slower soon is not a length of time/ },
    { args: ["traces", "--since", "12"], code: 2, says: /--since 12 is no point in time\n/ },
    { args: ["traces", "--before", "x"], code: 2, says: /--before x is not the end of a page/ },
    { args: ["traces", "--attribute", "route"], code: 2, says: /--attribute route has no name and value/ },
    { args: ["logs", "--level", "loud"], code: 2, says: /--level loud is not known\n  → there are debug, info, warn, error/ },
    { args: ["logs", "--trace", "4bf9"], code: 2, says: /--trace 4bf9 is not the identifier of a trace/ },
    { args: ["logs", "--follow", "--until", "1m"], code: 2, says: /--follow has no end/ },
    { args: ["top", "--sort", "name"], code: 2, says: /--sort name is not known/ },
    { args: ["telemetry", "--port", "x"], code: 2, says: /--port x is not a port/ },
    { args: ["telemetry", "--size", "1MB"], code: 2, says: /--size 1MB is too small/ },
    { args: ["telemetry", "--size", "big"], code: 2, says: /--size big is not a size/ },
  ];
  for (const { args, code, says } of mistakes) {
    test(`tenon ${args.join(" ")}`, async () => {
      await using project = await Project.create();
      const answer = await project.command(args);
      assert.deepEqual([answer.code, answer.stdout], [code, ""]);
      assert.match(answer.stderr, says);
    });
  }

  test("a trace that is not there, or is not one", async () => {
    await using project = await Project.create();
    await using collector = new TenonProcess(["telemetry", "--port", "0", "--json"], { cwd: project.directory });
    await collector.nextEvent({ event: "ready" });
    assert.match((await project.command(["traces", "abcd"])).stderr, /^error: there is no trace abcd\n/);
    assert.match((await project.command(["traces", "xyz"])).stderr, /"xyz" is not the identifier of a trace/);
    assert.equal((await project.command(["traces"])).stdout, "nothing was sent yet\n");
  });

  test("an address that others have, as another program tells it", async () => {
    await using project = await Project.create();
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await runTenon(["telemetry", "--port", String(port)], { cwd: project.directory });
    server.close();
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${port} is taken`));
  });
});
