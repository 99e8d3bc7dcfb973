/** The store in its own thread: what it promises to a host, and over the death of its process. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { StoreReader, TelemetryStore, TelemetryStoreError } from "../../src/telemetry-store/index.ts";
import { spanIdOf, TemporaryDirectory, traceIdOf, tracesJob } from "./samples.ts";

const program = fileURLToPath(new URL("store-process.ts", import.meta.url));

function body(number: number, spans = 20): unknown {
  const time = `${Date.now()}000000`;
  const all = Array.from({ length: spans }, (_, at) => ({ traceId: traceIdOf(number), spanId: spanIdOf(at + 1), name: "a", startTimeUnixNano: time, endTimeUnixNano: time }));
  return { resourceSpans: [{ scopeSpans: [{ spans: all }] }] };
}

describe("a store", () => {
  test("says what became of each job, and does not take the good ones with a bad one", async () => {
    using directory = new TemporaryDirectory();
    await using store = await TelemetryStore.open(directory.path);
    const outcomes = await Promise.all([store.submit(tracesJob(body(8, 1))), store.submit(tracesJob("no object")), store.submit(tracesJob(body(9)))]);
    assert.deepEqual(outcomes.map(({ kind }) => kind), ["kept", "malformed", "kept"]);
    assert.deepEqual(store.counts, { kept: 21, rejected: 0, malformed: 1, busy: 0, failed: 0, waitingBytes: 0 });
    using reader = StoreReader.open(directory.path);
    assert.equal(reader.trace(traceIdOf(9)).length, 20);
  });

  test("writes what waits when it is closed, and takes nothing after", async () => {
    using directory = new TemporaryDirectory();
    const store = await TelemetryStore.open(directory.path);
    const outcomes = Array.from({ length: 50 }, (_, at) => store.submit(tracesJob(body(at + 1))));
    await store.close();
    assert.deepEqual(new Set((await Promise.all(outcomes)).map(({ kind }) => kind)), new Set(["kept"]));
    assert.deepEqual(await store.submit(tracesJob(body(99))), { kind: "failed", reason: "the telemetry store is closed" });
    await store.close();
    using reader = StoreReader.open(directory.path);
    assert.equal(reader.traces({ limit: 100 }).traces.length, 50);
  });

  test("of another process is refused, and so is a directory that cannot be", async () => {
    using directory = new TemporaryDirectory();
    await using _ = await TelemetryStore.open(directory.path);
    await assert.rejects(TelemetryStore.open(directory.path), (error) => error instanceof TelemetryStoreError && /another process/.test(error.message));
    writeFileSync(join(directory.path, "file"), "");
    await assert.rejects(TelemetryStore.open(join(directory.path, "file", "x")), TelemetryStoreError);
    await assert.rejects(TelemetryStore.open(directory.path, { keepMs: -1 }), RangeError);
  });
});

describe("killed in the middle of writing", { skip: process.platform === "win32" ? "there is no kill -9" : false }, () => {
  test("a store still has all that it answered for, and goes on", async () => {
    using directory = new TemporaryDirectory();
    const answered = new Set<number>();
    let number = 0;
    for (let life = 0; life < 5; life += 1) {
      const child = spawn(process.execPath, ["--conditions=tenon-source", program, directory.path], { stdio: ["ignore", "pipe", "inherit"] });
      const exited = once(child, "exit");
      const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
      const before = answered.size;
      let isKilled = false;
      const send = async (): Promise<void> => {
        while (!isKilled) {
          number += 1;
          const own = number;
          const answer = await fetch(`${url}/v1/traces`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body(own)) }).catch(() => undefined);
          if (answer?.status === 200) answered.add(own);
        }
      };
      const senders = [1, 2, 3, 4].map(send);
      while (answered.size < before + 20 + life * 7) await sleep(2);
      child.kill("SIGKILL");
      isKilled = true;
      await Promise.all([...senders, exited]);
    }
    using reader = StoreReader.open(directory.path);
    const missing = [...answered].filter((each) => reader.trace(traceIdOf(each)).length !== 20);
    assert.deepEqual(missing, []);
    assert.ok(answered.size >= 170);
    const counted = reader.busyOperations({ fromMs: Date.now() - 600_000, toMs: Date.now() + 10_000 }).reduce((sum, { count }) => sum + count, 0);
    const kept = Array.from({ length: number }, (_, at) => reader.trace(traceIdOf(at + 1)).length).reduce((sum, spans) => sum + spans, 0);
    assert.equal(counted, kept, "the counts of operations and their spans are of one transaction");
  });
});
