/** That the benchmarks run and say what they promise to say; not how quick anything is. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ratioOf } from "../harness/ratio.ts";
import { toRequestBytes } from "../load/http-connection.ts";
import { Latencies } from "../load/latencies.ts";
import { runOpenLoop } from "../open-loop.ts";

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runBench(...args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("../run.ts", import.meta.url)), ...args]);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

describe("npm run bench", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "tenon-bench-test-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("ends with one JSON object of ratios and their spread, and keeps the raw figures", { timeout: 30_000 }, async () => {
    const { code, stdout, stderr } = await runBench("hello", "--subjects", "tenon,raw", "--rounds", "1", "--seconds", "0.5", "--json", "--results", folder);
    assert.equal(code, 0, stderr);

    const result = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as {
      readonly scenario: string;
      readonly ratios: Record<string, Record<string, { median: number; min: number; max: number }>>;
      readonly subjects: Record<string, Record<string, { median: number }>>;
    };
    assert.equal(result.scenario, "hello");
    const { throughput, cpu } = result.ratios["tenon/raw"] ?? {};
    for (const spread of [throughput, cpu]) {
      assert.ok(spread !== undefined && spread.min > 0 && spread.min <= spread.median && spread.median <= spread.max, JSON.stringify(spread));
    }
    assert.ok((result.subjects["raw"]?.["cpuUs"]?.median ?? 0) > 0);

    const [file = ""] = await readdir(folder);
    const kept = JSON.parse(await readFile(join(folder, file), "utf8")) as { figures: unknown[]; machine: { node: string } };
    assert.equal(kept.machine.node, process.version);
    assert.equal(kept.figures.length, Object.keys(result.subjects).length);
  });

  test("says which scenarios there are when asked for another", async () => {
    const { code, stderr } = await runBench("helo");
    assert.equal(code, 1);
    assert.match(stderr, /there is no scenario helo; there are hello, order, telemetry, trust, order-db, encrypted-column, encrypted-read, encrypted-read-many, broker, cold-start, idle-memory, events/);
  });
});

describe("a ratio", () => {
  test("is taken inside each round, so that a slow round falls on both sides", () => {
    const figures = [
      { round: 1, subject: "a", speed: 10 },
      { round: 1, subject: "b", speed: 20 },
      { round: 2, subject: "a", speed: 1 },
      { round: 2, subject: "b", speed: 2 },
      { round: 3, subject: "a", speed: 12 },
      { round: 3, subject: "b", speed: 16 },
    ];
    assert.deepEqual(ratioOf(figures, { subject: "a", peer: "b" }, ({ speed }) => speed), { median: 0.5, min: 0.5, max: 0.75 });
  });
});

describe("latencies", () => {
  test("quantiles are never told smaller than they were, nor 1 % larger", () => {
    const latencies = new Latencies();
    for (let us = 1; us <= 100_000; us += 1) latencies.record(us / 1_000);
    for (const q of [0.001, 0.5, 0.9, 0.99, 1]) {
      const exactMs = q * 100;
      const told = latencies.quantileMs(q);
      assert.ok(told >= exactMs - 0.001 && told <= exactMs * 1.01, `q ${q}: ${told} for ${exactMs}`);
    }
  });
});

describe("the open loop", () => {
  test("charges a stall of the server to every request that was due meanwhile", async () => {
    const stallMs = 300;
    const server = createServer((_request, response) => {
      response.end("ok");
    });
    server.once("request", () => {
      const untilMs = performance.now() + stallMs;
      while (performance.now() < untilMs); // the server and nothing else stands still: this process sends nothing either
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const target = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
      const bytes = toRequestBytes({ method: "GET", path: "/", target });
      const result = await runOpenLoop({ target, request: () => bytes, ratePerSecond: 200, durationMs: 1_000 });
      assert.equal(result.due, 200);
      assert.equal(result.good.count, 200);
      assert.ok(result.good.latency.p90Ms > 100, `p90 ${result.good.latency.p90Ms} ms hides a stall of ${stallMs} ms`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("counts refusals, failures and what it could not send, each by itself", async () => {
    let asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      if (asked % 4 === 0) response.writeHead(503, { "content-length": 0 }).end();
      else if (asked % 4 === 1) request.socket.destroy();
      else response.end("ok");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const target = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
      const bytes = toRequestBytes({ method: "GET", path: "/", target });
      const result = await runOpenLoop({ target, request: () => bytes, ratePerSecond: 400, durationMs: 500, maxConnections: 8 });
      assert.deepEqual([result.good.count, result.refused.count, result.failed], [100, 50, 50]);
      assert.equal(result.due, result.good.count + result.refused.count + result.failed + result.timedOut + result.unsent);
      assert.deepEqual(result.byStatus, { 200: 100, 503: 50 });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
