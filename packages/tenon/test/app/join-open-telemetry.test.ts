import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createIdSource } from "../../src/kernel/index.ts";
import { joinOpenTelemetry, systemClock } from "../../src/app/index.ts";
import { LogWriter, SpanRecorder } from "../../src/telemetry/index.ts";

const log = new LogWriter({ write: () => undefined, clock: systemClock });

async function joins(openTelemetryApi: "auto" | "on" | "off", manifest?: string): Promise<boolean> {
  const home = process.cwd();
  const folder = await mkdtemp(join(tmpdir(), "tenon-manifest-"));
  try {
    if (manifest !== undefined) await writeFile(join(folder, "package.json"), manifest);
    process.chdir(folder);
    const spans = new SpanRecorder({ clock: systemClock, random: Math.random, ids: createIdSource(Math.random) });
    const parts = await joinOpenTelemetry({ openTelemetryApi }, { spans, log });
    const isJoined = spans.contexts !== undefined;
    for (const part of parts) await part.stop();
    assert.equal(spans.contexts, undefined);
    return isJoined;
  } finally {
    process.chdir(home);
    await rm(folder, { recursive: true });
  }
}

describe("an app", () => {
  test("stands behind the API of OpenTelemetry where its package.json depends on it", async () => {
    assert.equal(await joins("auto", '{ "dependencies": { "@opentelemetry/api": "^1.10.0" } }'), true);
    for (const manifest of [undefined, "{}", "null", "{", '{ "devDependencies": { "@opentelemetry/api": "^1.10.0" } }']) assert.equal(await joins("auto", manifest), false);
  });

  test("does, or does not, where a setting says so", async () => {
    assert.equal(await joins("on"), true);
    assert.equal(await joins("off", '{ "dependencies": { "@opentelemetry/api": "^1.10.0" } }'), false);
  });
});
