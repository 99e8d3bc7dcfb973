/**
 * The processes of a run. Each is spawned here and ended here, by its own handle, so that an interrupted run leaves
 * nothing behind. A child also leaves by itself when the IPC channel to its parent closes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A child that writes more than this to its standard error is not a subject but a problem. */
const errorTextMaxChars = 64 * 1024;
/** How long a child may take to leave once its channel is closed: nobody is calling any more. */
const endMs = 3_000;

export class ChildFailed extends Error {
  override readonly name = "ChildFailed";
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
}

export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  #errorText = "";

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#process = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (this.#errorText.length < errorTextMaxChars) this.#errorText += text;
    });
  }

  /** Sends a message and waits for the next one that comes back. @throws {ChildFailed} it ended, or did not answer in time. */
  async ask<Answer>(message: unknown, timeoutMs: number): Promise<Answer> {
    const answer = this.next<Answer>(timeoutMs);
    this.#process.send(message as object);
    return answer;
  }

  /** The next message. @throws {ChildFailed} it ended, or nothing came in time. */
  async next<Answer>(timeoutMs: number): Promise<Answer> {
    const over = new AbortController();
    const ended = once(this.#process, "exit", { signal: over.signal }).then(([code, signal]) => {
      throw new ChildFailed(`${this.name} ended (${code ?? signal})\n${this.#errorText}`);
    });
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(timeoutMs)]);
    const message = once(this.#process, "message", { signal }).catch(() => {
      throw new ChildFailed(`${this.name} said nothing within ${timeoutMs} ms\n${this.#errorText}`);
    });
    try {
      const [answer] = await Promise.race([message, ended]);
      return answer as Answer;
    } finally {
      over.abort();
      await Promise.allSettled([message, ended]); // the loser rejects with the abort: heard here, once
    }
  }

  /**
   * Closes the channel, at which every child leaves by `process.exit`, and waits. Not by a signal: Node writes its
   * compile cache on an orderly exit alone, and the next start is to find it.
   */
  async end(): Promise<void> {
    if (this.hasEnded) return;
    const exit = once(this.#process, "exit");
    if (this.#process.connected) this.#process.disconnect();
    const patience = setTimeout(() => this.kill(), endMs);
    await exit;
    clearTimeout(patience);
  }

  /** At once and without a farewell. */
  kill(): void {
    if (!this.hasEnded) this.#process.kill("SIGKILL");
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

export class Children {
  readonly #children = new Set<Child>();

  /** Spawns with standard output to /dev/null and an IPC channel. */
  spawn(name: string, command: readonly string[], options: ChildOptions = {}): Child {
    const [file = "", ...args] = command;
    const child = spawn(file, args, {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...process.env, NODE_ENV: "production", ...options.env },
    });
    const made = new Child(name, child);
    child.once("exit", () => this.#children.delete(made));
    this.#children.add(made);
    return made;
  }

  killAll(): void {
    for (const child of this.#children) child.kill();
  }
}
