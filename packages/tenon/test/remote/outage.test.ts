/** A service that is away, hangs or loses connections: its callers are told soon, repeat little, and recover by themselves. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startApp, type StartedApp } from "../../src/app/index.ts";
import spread from "./spread-services.ts";

/** Between two services: passes on, cuts, or takes and says nothing. */
class Line {
  mode: "pass" | "cut" | "silent" = "pass";
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  connections = 0;

  constructor(target: number) {
    this.#server = createServer((socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      if (this.mode === "cut") return void socket.destroy();
      if (this.mode === "silent") return void socket.resume();
      const onward = connect({ host: "127.0.0.1", port: target });
      onward.on("error", () => socket.destroy());
      socket.on("close", () => onward.destroy());
      onward.on("close", () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes what is open. Not by a reset, which Node leaves half closed where a socket was ending already. */
  reset(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.reset();
    this.#server.close();
  }
}

describe("between two services", () => {
  let directory: string;
  let stock: StartedApp;
  let desk: StartedApp;
  let line: Line;

  async function start(values: Readonly<Record<string, string>>): Promise<StartedApp> {
    return await startApp(spread, { layers: [{ name: "test", values: { TENON_DIRECTORY: directory, PORT: "0", HOST: "127.0.0.1", SERVICES_PORT: "0", LOG_LEVEL: "error", DRAIN_MS: "500", ...values } }], output: { isTerminal: false, hasColors: false, fd: 2 } });
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-outage-"));
    stock = await start({ SERVICES_ONLY: "stock" });
    line = new Line(stock.servicesPort ?? 0);
    desk = await start({ SERVICES_ONLY: "desk", SERVICE_URLS: `stock=https://127.0.0.1:${await line.listen()}` });
  });
  after(async () => {
    line.close();
    await desk.stop();
    await stock.stop();
    await rm(directory, { recursive: true });
  });

  async function ask(what = "nothing", more: object = {}): Promise<{ readonly failure?: { readonly failed: string; readonly message: string; readonly retryAfterS?: number }; readonly ms: number }> {
    const startedMs = performance.now();
    const response = await fetch(`${desk.url}/ask`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ what, ...more }) });
    return { ...((await response.json()) as object), ms: performance.now() - startedMs };
  }
  async function recovers(): Promise<void> {
    line.mode = "pass";
    for (let i = 0; i < 100 && (await ask()).failure !== undefined; i++) await pause(50);
    assert.equal((await ask()).failure, undefined);
  }
  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${desk.url}/metrics`)).text();
    return Number(new RegExp(`^${name}(?:_total)? (\\S+)$`, "m").exec(text)?.[1]);
  }

  test("connections that were cut while nobody used them cost no call", async () => {
    for (let round = 0; round < 5; round++) {
      assert.equal((await ask()).failure, undefined);
      line.reset();
      await pause(round * 2); // sometimes before the other side has noticed
    }
    assert.equal((await ask()).failure, undefined);
  });

  test("many calls use few connections", async () => {
    await ask();
    const before = line.connections;
    for (let i = 0; i < 20; i++) await ask();
    assert.ok(line.connections - before <= 1, `${line.connections - before} new connections`);
  });

  test("who is away is out of reach at once, is left alone after a while, and is found again", async () => {
    line.mode = "cut";
    line.reset();
    const all = [];
    for (let i = 0; i < 15; i++) all.push(await ask());
    for (const { failure, ms } of all) {
      assert.deepEqual([failure?.failed, failure?.message], ["unavailable", "stock is out of reach"]);
      assert.ok(ms < 1_500, `${ms} ms`);
    }
    assert.equal(await metric("tenon_remote_services_resting"), 1);
    const before = line.connections;
    const { failure } = await ask();
    assert.equal(failure?.retryAfterS, 1);
    assert.ok(line.connections - before <= 1, "it rests: one may try");
    await recovers();
    assert.equal(await metric("tenon_remote_services_resting"), 0);
  });

  test("repeats are few, whatever the number of calls", async () => {
    const before = await metric("tenon_remote_calls_repeated");
    line.mode = "cut";
    line.reset();
    await Promise.all(Array.from({ length: 60 }, () => ask()));
    const repeats = (await metric("tenon_remote_calls_repeated")) - before;
    assert.ok(repeats <= 20, `${repeats} repeats of 60 calls`);
    await recovers();
  });

  test("who takes and says nothing costs a caller its deadline, no more", async () => {
    line.mode = "silent";
    line.reset();
    const { failure, ms } = await ask("waits", { timeoutMs: 200 });
    assert.equal(failure?.failed, "deadline_exceeded");
    assert.ok(ms < 1_500, `${ms} ms`);
    line.reset();
    await recovers();
  });

  test("a stop lets calls under way finish, and new ones find the next process", async () => {
    const slow = ask("slow");
    await pause(50);
    const stopping = stock.stop();
    assert.equal((await slow).failure?.failed, "deadline_exceeded", "it had its whole time");
    await stopping;
    stock = await start({ SERVICES_ONLY: "stock" });
  });
});
