/**
 * The real program in a child process, and projects for it to work on. Projects are directories inside the repository,
 * so that `tenon`, `zod` and the compiler are found as in any project; git, the linter and the checks pass them over.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { runCommand } from "../../src/cli/testing.ts";
import { createTestDatabase, type TestDatabase } from "../../src/postgres/index.ts";
import { serverUrl, skip as noServer } from "../data/server.ts";

const program = fileURLToPath(new URL("../../bin/tenon.js", import.meta.url));
const root = fileURLToPath(new URL("../../../../", import.meta.url));
/** The longest that one command may take before its test fails, in ms. */
const commandTimeoutMs = 60_000;

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A directory of its own under the repository's `.tenon`, removed at the end. */
export class Project implements AsyncDisposable {
  readonly directory: string;
  /** Of every command: where its database is, if that is not in the directory. */
  readonly env: Readonly<Record<string, string>>;
  readonly #database: TestDatabase | undefined;
  /** By this process. */
  #isLoaded = false;
  /** Since then. */
  #isChanged = false;

  private constructor(directory: string, database?: TestDatabase) {
    this.directory = directory;
    this.env = database === undefined ? {} : { DATABASE_URL: database.url };
    this.#database = database;
  }

  /** @param files  Texts by path. Without a package.json, one is made. */
  static async create(files: Readonly<Record<string, string>> = {}): Promise<Project> {
    return Project.#create(files);
  }

  /**
   * One whose database is on PostgreSQL, where a server answers: for many commands one after the other, of which each would
   * take a second to open the embedded database, and to which it makes no difference.
   */
  static async createOnServer(files: Readonly<Record<string, string>> = {}): Promise<Project> {
    return Project.#create(files, noServer === false ? await createTestDatabase(serverUrl) : undefined);
  }

  static async #create(files: Readonly<Record<string, string>>, database?: TestDatabase): Promise<Project> {
    await mkdir(join(root, ".tenon"), { recursive: true });
    const project = new Project(await mkdtemp(join(root, ".tenon", "cli-")), database);
    await project.write({ "package.json": '{ "name": "project", "type": "module" }\n', ...files });
    return project;
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    this.#isChanged ||= this.#isLoaded && Object.keys(files).some((path) => path.endsWith(".ts"));
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.directory, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }

  tenon(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
    return runTenon(args, { cwd: this.directory, env: { ...this.env, ...env } });
  }

  /**
   * One command in the process of the test, which saves the start of another: for tests of what a command says and does.
   * What a process is, its signals, its standard input and what it prints past the command line, {@link tenon} shows.
   * A process loads a module once, so that a project whose modules are changed in between gets processes of its own after all.
   */
  async command(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
    if (this.#isChanged) return this.tenon(args, env);
    this.#isLoaded = true;
    return runInProcess(args, { cwd: this.directory, env: { ...this.env, ...env } });
  }

  /** Runs a file of the project that works on its database. @returns Standard output. */
  async run(file: string, ...args: readonly string[]): Promise<string> {
    const child = spawn(process.execPath, ["--conditions=tenon-source", file, ...args], { cwd: this.directory, env: { ...process.env, ...this.env }, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => void (text += chunk.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${String(code)}: ${text}`);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database?.drop();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

let isCommandUnderWay = false;

/** Runs one command in this process; see {@link Project.command}. */
export async function runInProcess(args: readonly string[], { cwd, env = {} }: RunOptions): Promise<Finished> {
  if (isCommandUnderWay) throw new RangeError("a process has one directory and one environment: commands in it run one after the other");
  const [directory, environment] = [process.cwd(), process.env];
  const [stdout, stderr] = [new Heard(), new Heard()];
  isCommandUnderWay = true;
  process.chdir(cwd);
  process.env = { ...cleanEnvironment(), ...env };
  try {
    return { code: await runCommand(args, { stdout, stderr }), signal: null, stdout: stdout.text, stderr: stderr.text };
  } finally {
    process.env = environment;
    process.chdir(directory);
    isCommandUnderWay = false;
  }
}

/** A stream that keeps what is written to it. */
class Heard extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs one command to its end. */
export async function runTenon(args: readonly string[], options: RunOptions): Promise<Finished> {
  return new TenonProcess(args, options).ended(commandTimeoutMs);
}

/** A command that runs until it is told to end. */
export class TenonProcess implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly #lines: string[] = [];
  #waiting: (() => void) | undefined = undefined;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[], { cwd, env = {} }: RunOptions) {
    this.process = spawn(process.execPath, [program, ...args], { cwd, env: { ...cleanEnvironment(), ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.process.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
    });
    this.process.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    if (this.process.stdout !== null) createInterface({ input: this.process.stdout }).on("line", (line) => this.#onLine(line));
    this.#exited = new Promise((resolve) => {
      this.process.once("close", (code, signal) => resolve({ code, signal }));
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The next line of standard output that is JSON and has these members. Lines before it are passed over. */
  async nextEvent(wanted: Readonly<Record<string, unknown>>, withinMs = 30_000): Promise<Record<string, unknown>> {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        const event = JSON.parse(line) as Record<string, unknown>;
        if (Object.entries(wanted).every(([name, value]) => event[name] === value)) return event;
      }
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) throw new Error(`no ${JSON.stringify(wanted)} within ${withinMs} ms; standard error:\n${this.#stderr}`);
      await this.#moreLines(leftMs);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async ended(withinMs = 10_000): Promise<Finished> {
    const timer = setTimeout(() => this.process.kill("SIGKILL"), withinMs);
    const exited = await this.#exited;
    clearTimeout(timer);
    return { ...exited, stdout: this.#stdout, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#exited;
  }

  #onLine(line: string): void {
    this.#lines.push(line);
    this.#waiting?.();
  }

  async #moreLines(withinMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#waiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#waiting = undefined;
  }
}

/** This environment without what would change the outcome: settings of the platform, colors, the options of this test run. */
function cleanEnvironment(): Record<string, string | undefined> {
  const taken = /^(TENON_|OIDC_|DATABASE_|LOG_|PORT$|HOST$|NO_COLOR$|FORCE_COLOR$|NODE_OPTIONS$|NODE_TEST_CONTEXT$|NODE_V8_COVERAGE$)/;
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !taken.test(name))), TENON_CACHE: process.env["TENON_CACHE"] };
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return address.port;
}
