/** Where lines of a real process end up, whatever their reader does. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, mkdtempSync, openSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("chatty-process.ts", import.meta.url));

interface Chatty {
  readonly child: ChildProcess;
  readonly url: string;
  readonly stdout: NodeJS.ReadableStream & { destroy(): void };
  /** Exit code, once it is over. */
  readonly ended: Promise<number | null>;
}

interface StartOptions {
  readonly lastWords?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: what the test reads. */
  readonly stdout?: "pipe" | number;
}

const children: ChildProcess[] = [];

async function start({ env = {}, lastWords = 0, stdout = "pipe" }: StartOptions = {}): Promise<Chatty> {
  const child = spawn(process.execPath, ["--conditions=tenon-source", program, String(lastWords)], { env: { ...process.env, ...env }, stdio: ["ignore", stdout, "inherit", "ipc"] });
  children.push(child);
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const [url] = (await once(child, "message")) as [string];
  return { child, url, stdout: child.stdout as Chatty["stdout"], ended };
}

function linesOf(text: string): readonly Record<string, unknown>[] {
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("lines of the log", () => {
  // Those of a test that failed, which would keep this process from its end.
  after(() => children.forEach((child) => child.kill("SIGKILL")));

  test("said right before the end all arrive, in order, also in a pipe that is read slowly", async () => {
    const count = 30_000;
    const chatty = await start({ lastWords: count });
    let text = "";
    chatty.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      chatty.stdout.pause();
      setTimeout(() => chatty.stdout.resume(), 5);
    });
    const closed = once(chatty.stdout, "end");
    chatty.child.kill("SIGTERM");
    assert.equal(await chatty.ended, 0);
    await closed;
    const last = linesOf(text).filter(({ message }) => message === "last words");
    assert.deepEqual(last.map(({ n }) => n), Array.from({ length: count }, (_, n) => n));
  });

  test("that nobody reads wait within bounds, are counted beyond, and do not keep the process from its end", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "tenon-pipe-")), "pipe");
    execFileSync("mkfifo", [path]);
    const chatty = await start({ stdout: openSync(path, constants.O_RDWR) });
    const before = await memoryOf(chatty);
    for (let round = 0; round < 30; round += 1) assert.equal((await fetch(`${chatty.url}/say/5000`)).status, 200);
    assert.ok((await droppedOf(chatty)) > 50_000, "some were dropped");
    const grownMb = ((await memoryOf(chatty)) - before) / 1024;
    assert.ok(grownMb < 200, `${grownMb} MB more`);
    chatty.child.kill("SIGTERM");
    assert.equal(await Promise.race([chatty.ended, sleep(20_000, "still there", { ref: false })]), 0);
  });

  test("for a reader that is gone are counted, and nobody notices", async () => {
    const chatty = await start();
    chatty.stdout.destroy();
    for (let round = 0; round < 3; round += 1) assert.equal((await fetch(`${chatty.url}/say/1000`)).status, 200);
    await sleep(200);
    assert.ok((await droppedOf(chatty)) >= 3_000);
    chatty.child.kill("SIGTERM");
    assert.equal(await chatty.ended, 0);
  });

  test("have other levels after SIGUSR2: debug and back, or what the file log-levels says", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tenon-levels-"));
    const chatty = await start({ env: { TENON_DIRECTORY: directory } });
    let text = "";
    chatty.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const saysDebug = async (): Promise<boolean> => {
      const from = text.length;
      await fetch(`${chatty.url}/say/0`);
      await sleep(150);
      return linesOf(text.slice(from)).some(({ level, message }) => level === "debug" && message === "all was said");
    };
    const change = async (): Promise<void> => {
      const switched = once(chatty.child, "message");
      chatty.child.kill("SIGUSR2");
      await switched;
    };
    const seen = [await saysDebug()];
    for (const file of [undefined, undefined, "talk=debug", "talk=loud", "error\n"]) {
      if (file !== undefined) writeFileSync(join(directory, "log-levels"), file);
      await change();
      seen.push(await saysDebug());
    }
    assert.deepEqual(seen, [false, true, false, true, true, false]);
    assert.match(text, /the levels of the log stay as they are: .*must be one of debug, info, warn, error/);
    chatty.child.kill("SIGTERM");
    assert.equal(await chatty.ended, 0);
  });
});

async function droppedOf({ url }: Chatty): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^tenon_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
}

/** Resident, in KiB. */
async function memoryOf({ child }: Chatty): Promise<number> {
  const { readFile } = await import("node:fs/promises");
  const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "VmRSS: 0 kB");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}
