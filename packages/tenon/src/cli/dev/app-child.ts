/** A process of the app, as seen by `tenon dev`: orders go in, reports come out, and in the end it is gone. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CommandProblem } from "../problem.ts";
import type { Order, Report, ReportedProblem } from "./messages.ts";

/** How long a process may take to close before it is killed, in ms: code that never yields would hold up every save. */
const graceMs = 1_500;

const program = fileURLToPath(new URL("../../../bin/tenon.js", import.meta.url));

export interface Ready {
  readonly app: string;
  readonly url: string;
  readonly services: number;
  readonly database: "embedded" | "other";
}

export interface AppChildOptions {
  /** Where its log lines go. */
  readonly output: "standard output" | "standard error";
  readonly onFiles: (files: readonly string[]) => void;
}

export class AppChild {
  readonly #process: ChildProcess;
  readonly #files = new Set<string>();
  readonly #gone = Promise.withResolvers<void>();
  #waiting: PromiseWithResolvers<Report> | undefined = undefined;
  #problem: CommandProblem | undefined = undefined;
  #isStopping = false;

  constructor(options: AppChildOptions) {
    this.#process = fork(program, ["--app-process"], { stdio: ["ignore", options.output === "standard output" ? 1 : 2, 2, "ipc"] });
    this.#process.on("message", (report) => this.#take(report as Report, options));
    this.#process.once("exit", (code, signal) => this.#end(code, signal));
    // Without a process there is no exit either.
    this.#process.once("error", (error) => {
      this.#problem ??= new CommandProblem(`the app's process could not be started: ${error.message}`, { cause: error });
      this.#end(null, null);
    });
  }

  /** Files that it has imported so far. */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /** Resolves when the process has ended, by itself or not. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Whether it can still be given an order: one that waits may end too, killed from outside or by what it imports. */
  get isUsable(): boolean {
    return this.#problem === undefined && !this.#isStopping;
  }

  /** What it reported before it ended by itself; `undefined` while it runs, and when it was stopped. */
  get problem(): CommandProblem | undefined {
    return this.#isStopping ? undefined : this.#problem;
  }

  /** Lets it get ready for an app with an embedded database, while it waits. */
  warm(): void {
    if (this.isUsable) this.#process.send({ kind: "warm" } satisfies Order, () => undefined);
  }

  /** @throws {CommandProblem} the app cannot be loaded. */
  async load(file: string): Promise<void> {
    await this.#order({ kind: "load", file });
  }

  /** @throws {CommandProblem} the app cannot be started. */
  async open(start: Omit<Extract<Order, { kind: "open" }>, "kind">): Promise<Ready> {
    const report = await this.#order({ kind: "open", ...start });
    if (report.kind !== "ready") throw new CommandProblem("the app did not say that it is ready");
    return report;
  }

  /** Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#process.connected) this.#process.send({ kind: "stop" } satisfies Order, () => undefined);
    const timer = setTimeout(() => this.kill(), graceMs);
    await this.gone;
    clearTimeout(timer);
  }

  /** Ends it at once. */
  kill(): void {
    this.#isStopping = true;
    this.#process.kill("SIGKILL");
  }

  async #order(order: Order): Promise<Report> {
    if (this.#problem !== undefined) throw this.#problem;
    this.#waiting = Promise.withResolvers<Report>();
    this.#process.send(order, (error) => {
      if (error !== null) this.#waiting?.reject(this.#problem ?? new CommandProblem("the app's process is gone", { cause: error }));
    });
    return this.#waiting.promise;
  }

  #take(report: Report, options: AppChildOptions): void {
    if (report.kind === "files") {
      for (const file of report.files) this.#files.add(file);
      options.onFiles(report.files);
      return;
    }
    if (report.kind === "failed") {
      this.#problem = fromReported(report.problem);
      this.#waiting?.reject(this.#problem);
    } else {
      this.#waiting?.resolve(report);
    }
    this.#waiting = undefined;
  }

  #end(code: number | null, signal: string | null): void {
    const how = signal === null ? `with the exit code ${code}` : `by ${signal}`;
    this.#problem ??= new CommandProblem(`the app's process ended by itself, ${how}`, { remedy: "look for process.exit() in the app, or for what ended it from outside" });
    this.#waiting?.reject(this.#problem);
    this.#waiting = undefined;
    this.#gone.resolve();
  }
}

/** Carries the stack of the other process, for --verbose. */
class RemoteError extends Error {
  override readonly name = "RemoteError";

  constructor(message: string, stack: string) {
    super(message);
    this.stack = stack;
  }
}

function fromReported({ excerpt, message, remedy, stack }: ReportedProblem): CommandProblem {
  return new CommandProblem(message, {
    excerpt,
    ...(remedy === undefined ? {} : { remedy }),
    ...(stack === undefined ? {} : { cause: new RemoteError(message, stack) }),
  });
}
