/** Redis servers of their own for tests, where `redis-server` is installed. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** Why tests with a server of their own are left out, or `false`. */
export const skipOwn: string | false = spawnSync("redis-server", ["--version"]).error === undefined ? false : "redis-server is not installed";

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Keeps nothing on disk. */
export class OwnRedis {
  readonly port: number;
  #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  static async start(): Promise<OwnRedis> {
    const port = await freePort();
    const child = start(port);
    const server = new OwnRedis(port, child);
    await server.#ready();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  /** It hangs: connections stay open and nothing is answered. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  async restart(): Promise<void> {
    await this.kill();
    this.#child = start(this.port);
    await this.#ready();
  }

  async #ready(): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (await answers(this.port)) return;
      await pause(25);
    }
    throw new Error(`redis-server did not come up on port ${this.port}`);
  }
}

function start(port: number): ChildProcess {
  return spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], { stdio: "ignore" });
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    socket.write("PING\r\n");
    const [reply] = (await once(socket, "data")) as [Buffer];
    return reply.toString().startsWith("+PONG");
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
