import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { originOf } from "../../src/reactions/index.ts";

const nowMs = Date.parse("2026-07-12T12:00:00Z");
const first = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03 vendor=1";
const second = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

describe("a reaction", () => {
  test("goes on from the span that led to it", () => {
    const origin = originOf([{ trace: first, time: "2026-07-12T11:00:00Z" }], nowMs);
    assert.deepEqual(origin, { continues: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", flags: 3, state: "vendor=1" }, links: undefined });
  });

  test("begins a trace with a link where it waited for more than an hour", () => {
    const origin = originOf([{ trace: first, time: "2026-07-12T10:59:59.999Z" }], nowMs);
    assert.deepEqual(origin, { continues: undefined, links: [{ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }] });
  });

  test("of several events begins a trace with a link to each", () => {
    const origin = originOf([{ trace: first, time: "2026-07-12T11:59:00Z" }, { trace: undefined, time: "2026-07-12T11:59:00Z" }, { trace: second, time: "2026-07-12T11:59:00Z" }], nowMs);
    assert.deepEqual(origin.continues, undefined);
    assert.deepEqual(origin.links?.map(({ spanId }) => spanId), ["b7ad6b7169203331", "00f067aa0ba902b7"]);
  });

  test("begins a trace where nothing is known of what led to it, as with rows of older versions", () => {
    for (const trace of [null, undefined, "be1525aace04744e"]) assert.deepEqual(originOf([{ trace, time: "2026-07-12T11:59:00Z" }], nowMs), { continues: undefined, links: undefined });
  });
});
