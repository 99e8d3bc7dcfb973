/** The NATS server of the tests, where there is one, and servers of their own for tests that kill them. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, nuid } from "@nats-io/transport-node";
import type { Broker } from "../../src/events/index.ts";
import type { Log } from "../../src/kernel/index.ts";
import { type NatsOptions, openNats } from "../../src/nats/index.ts";

export const serverUrl = process.env["TEST_NATS_URL"] ?? "nats://127.0.0.1:4222";

/** Why tests of a running server are skipped, or `false` when they are not. */
export const skip = await reasonToSkip();
/** The same for tests that start servers of their own. */
const shown = spawnSync("nats-server", ["-v"], { encoding: "utf8" });
export const skipOwn = shown.status === 0 ? false : "there is no nats-server to start";
/** Of the nats-server that tests start; empty where there is none. */
export const version = /\d+\.\d+\.\d+/.exec(shown.stdout ?? "")?.[0] ?? "";

async function reasonToSkip(): Promise<string | false> {
  try {
    const connection = await connect({ servers: serverUrl, timeout: 2_000, reconnect: false });
    await jetstreamManager(connection);
    await connection.close();
    return false;
  } catch (error) {
    return `no NATS with JetStream at ${serverUrl}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Remembers lines, for tests of what is told. */
export class HeardLog implements Log {
  readonly lines: string[] = [];
  debug = (): void => undefined;
  info = (message: string, fields?: object): void => void this.lines.push(`info ${message} ${JSON.stringify(fields)}`);
  warn = (message: string, fields?: object): void => void this.lines.push(`warn ${message} ${JSON.stringify(fields)}`);
  error = (message: string, fields?: object): void => void this.lines.push(`error ${message} ${JSON.stringify(fields)}`);
}

/** Names of its own on a server that others use too; `drop` deletes its streams. */
export class TestSpace {
  readonly prefix = `test-${nuid.next().toLowerCase().slice(-12)}`;
  readonly url: string;

  constructor(url: string = serverUrl) {
    this.url = url;
  }

  open(options: Partial<NatsOptions> = {}): Promise<Broker> {
    return openNats({ url: this.url, log: silent, prefix: this.prefix, takeoverMs: 1_000, ...options });
  }

  async drop(): Promise<void> {
    const connection = await connect({ servers: this.url });
    const manager = await jetstreamManager(connection);
    for await (const name of manager.streams.names()) {
      if (name.startsWith(`${this.prefix}-`)) await manager.streams.delete(name);
    }
    await connection.close();
  }
}

/** A server of one's own, with its disk, which outlives it. */
export class OwnServer {
  readonly port: number;
  readonly folder: string;
  readonly #extra: readonly string[];
  #child: ChildProcess | undefined = undefined;

  private constructor(port: number, folder: string, extra: readonly string[]) {
    this.port = port;
    this.folder = folder;
    this.#extra = extra;
  }

  static async start({ extra = [], jetstream = ["-js"] }: { readonly extra?: readonly string[]; readonly jetstream?: readonly string[] } = {}): Promise<OwnServer> {
    const server = new OwnServer(await freePort(), await mkdtemp(join(tmpdir(), "tenon-nats-")), [...jetstream, ...extra]);
    await server.restart();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async restart(): Promise<void> {
    this.#child = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(this.port), "-sd", this.folder, ...this.#extra], { stdio: "ignore" });
    while (!(await listens(this.port))) {
      if (this.#child.exitCode !== null) throw new RangeError(`nats-server ended with ${this.#child.exitCode}`);
      await pause(20);
    }
  }

  /** As the kernel does when memory runs out: without a word. */
  async kill(): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }

  pauseProcess(): void {
    this.#child?.kill("SIGSTOP");
  }

  resumeProcess(): void {
    this.#child?.kill("SIGCONT");
  }

  async drop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  return port;
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = new Socket().connect(port, "127.0.0.1");
  socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
