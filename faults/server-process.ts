/** A server in a process of its own, to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** From the start of the process to its first answer: a cold start with migrations on a busy machine, many times over. */
const startTimeoutMs = 60_000;

export class ServerProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(script: URL, env: Readonly<Record<string, string>>): Promise<ServerProcess> {
    const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(script)], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let errors = "";
    child.stderr?.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4_000)));
    const port = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new ServerStartError(`no port within ${startTimeoutMs} ms: ${errors}`)), startTimeoutMs);
      child.once("message", (message: { readonly port: number }) => {
        clearTimeout(timer);
        resolve(message.port);
      });
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        reject(new ServerStartError(`ended with ${signal ?? code} before it listened: ${errors}`));
      });
    });
    return new ServerProcess(child, port);
  }

  /** SIGKILL: no handler runs, nothing is flushed. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }
}

export class ServerStartError extends Error {
  override readonly name = "ServerStartError";
}
