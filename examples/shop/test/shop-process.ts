/** The shop in a process of its own, which can be killed, on the embedded database or on one of a server. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";

const home = fileURLToPath(new URL("../", import.meta.url));

export class ShopProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Starts it as `npm start` does. @throws {ShopProcessError} it did not come to listen. */
  static async start(env: Readonly<Record<string, string>>): Promise<ShopProcess> {
    const child = spawn(process.execPath, ["--conditions=tenon-source", "start.ts"], { cwd: home, env: environment({ PORT: "0", ...env }), stdio: ["ignore", "pipe", "inherit"] });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = /The shop\s+(http:\/\/\S+?)\/\n/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new ShopProcessError(`the shop did not start: ${said}`)));
    return new ShopProcess(child, await promise);
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

export class ShopProcessError extends Error {
  override readonly name = "ShopProcessError";
}

/** What `npx tenon` runs, without the time that npx takes to find it. */
const program = join(dirname(findPackageJSON("tenon", import.meta.url) ?? ""), "bin", "tenon.js");

/** A token, made as one is at a terminal. */
export async function tokenOf(subject: string, { directory, role }: { readonly directory: string; readonly role?: string }): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, "token", "--sub", subject, ...(role === undefined ? [] : ["--role", role])], { cwd: home, env: environment({ TENON_DIRECTORY: directory }) });
  return stdout.trim();
}

/** A database that is gone, with its roles, when it is disposed of. @param server  Where its user may create others. */
export async function databaseOn(server: string): Promise<AsyncDisposable & { readonly url: string }> {
  const name = `shop_${randomUUID().slice(0, 8)}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database "${name}"`);
  const own = new URL(server);
  own.pathname = `/${name}`;
  return {
    url: own.href,
    async [Symbol.asyncDispose]() {
      await admin.query(`drop database "${name}" with (force)`);
      const { rows } = await admin.query<{ readonly rolname: string }>("select rolname from pg_roles where starts_with(rolname, $1)", [name]);
      for (const { rolname } of rows) await admin.query(`drop role "${rolname}"`);
      await admin.end();
    },
  };
}

/** That of this process, without what a run of tests leaves in it. */
function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, npm_config_call: __, ...outer } = process.env;
  return { ...outer, ...more };
}
