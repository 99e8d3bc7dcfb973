import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LogWriter, noTraceIds } from "../../src/telemetry/index.ts";
import { ManualClock } from "../calls/fixture.ts";

function writer(options: { readonly level?: "debug" | "info" | "warn" | "error"; readonly format?: "json" | "text" } = {}): { readonly log: LogWriter; readonly clock: ManualClock; readonly lines: () => string[] } {
  const clock = new ManualClock();
  const written: string[] = [];
  const log = new LogWriter({ write: (lines) => written.push(lines), clock, ...options });
  return { log, clock, lines: () => written.join("").split("\n").slice(0, -1) };
}

const operation = { id: "orders.place", service: "orders" };

describe("the log", () => {
  test("gathers lines and writes them together after 50 ms, in order, one JSON object each", () => {
    const { clock, lines, log } = writer();
    log.info("first", { n: 1 });
    log.call("warn", { id: "00ff", operation, trace: undefined, traceIds: noTraceIds }, { code: "overloaded", ms: 1.23456 });
    assert.deepEqual(lines(), []);
    clock.advance(50);
    assert.deepEqual(lines().map((line) => JSON.parse(line) as unknown), [
      { time: "2023-11-14T22:13:20.000Z", level: "info", message: "first", n: 1 },
      { time: "2023-11-14T22:13:20.000Z", level: "warn", message: "call", operation: "orders.place", code: "overloaded", ms: 1.235, call: "00ff" },
    ]);
  });

  test("names trace and span of a call that is in one", () => {
    const [json, text] = [writer(), writer({ format: "text" })];
    for (const { log } of [json, text]) {
      log.call("info", { id: "00ff", operation, trace: { id: "0af7" }, traceIds: { traceId: "0af7", spanId: "00ff" } }, { code: "ok", ms: 1 });
      log.flush();
    }
    const { call, span_id: span, trace_id: trace } = JSON.parse(json.lines()[0] ?? "") as Readonly<Record<string, unknown>>;
    assert.deepEqual([call, span, trace], ["00ff", "00ff", "0af7"]);
    assert.match(text.lines()[0] ?? "", /orders\.place ok 1\.0 ms.*call=00ff trace=0af7/);
  });

  test("keeps the time right from one second to the next", () => {
    const { clock, lines, log } = writer();
    for (let step = 0; step < 4; step += 1) {
      log.info("tick");
      clock.advance(333);
    }
    log.flush();
    assert.deepEqual(lines().map((line) => (JSON.parse(line) as { time: string }).time.slice(17)), ["20.000Z", "20.333Z", "20.666Z", "20.999Z"]);
  });

  test("writes how long a call took to a thousandth of a millisecond, however long", () => {
    const { lines, log } = writer();
    const durations = [0, 0.0004, 0.0005, 0.1, 9.9996, 10, 99.5, 999.999, 1_000, 86_400_000.001, -1, 2 ** 60];
    for (const ms of durations) log.call("info", { id: "1", operation, trace: undefined, traceIds: noTraceIds }, { code: "ok", ms });
    log.flush();
    assert.deepEqual(lines().map((line) => (JSON.parse(line) as { ms: number }).ms), durations.map((ms) => Math.round(ms * 1_000) / 1_000));
  });

  test("keeps text of any script whole, however much there is of it", () => {
    const { lines, log } = writer();
    const text = "Zürich, 東京, 🦜 ".repeat(4_000);
    log.info(text);
    log.flush();
    assert.equal((JSON.parse(lines()[0] ?? "") as { message: string }).message, text);
  });

  test("drops what is below its level, which can change while it runs", () => {
    const { lines, log } = writer({ level: "warn" });
    log.info("no");
    log.call("info", { id: "1", operation, trace: undefined, traceIds: noTraceIds }, { code: "ok", ms: 1 });
    log.setLevel("debug");
    log.debug("yes");
    log.flush();
    assert.deepEqual(lines().map((line) => (JSON.parse(line) as { message: string }).message), ["yes"]);
  });

  test("writes an error whole: its stack and every cause behind it, in JSON and in text", () => {
    const error = new RangeError("outer", { cause: new TypeError("inner") });
    const json = writer();
    json.log.error("failed", { error });
    json.log.flush();
    const text = writer({ format: "text" });
    text.log.error("failed", { error });
    text.log.flush();
    for (const written of [json.lines().join("\n"), text.lines().join("\n")]) {
      assert.match(written, /RangeError: outer/);
      assert.match(written, /caused by: TypeError: inner/);
    }
  });

  test("does not wait when much text has gathered", () => {
    const { lines, log } = writer();
    for (let n = 0; n < 800; n += 1) log.info("x".repeat(100));
    assert.ok(lines().length > 300);
  });
});
