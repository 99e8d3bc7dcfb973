/**
 * Follows docs/identity.md to the letter, with the issuer as a process of its own: writes its files, runs its commands
 * in a shell, leaves those running that have a terminal of their own, and compares what is printed with what is shown.
 *
 * Only the ports are others, since somebody may be at home on those of the page.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { blocksOf } from "./markdown.ts";
import { readText, root } from "./source-files.ts";

const run = promisify(execFile);
const tenon = join(root, "packages/tenon/bin/tenon.js");
/** How long a terminal may take until what it starts listens, in ms. */
const startMs = 60_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function listens(url: string): Promise<void> {
  const untilMs = performance.now() + startMs;
  while (performance.now() < untilMs) {
    if (await fetch(url).then(() => true, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`nothing listens at ${url} within ${startMs} ms`);
}

test("the steps to an issuer can be followed to the letter", { timeout: 240_000 }, async () => {
  const document = readText("docs/identity.md");
  const lines = document.text.split("\n");
  const end = lines.indexOf("## Your own issuer") + 1;
  const steps = blocksOf(document).filter(({ line }) => line < end);
  const ports = { "9000": String(await freePort()), "3000": String(await freePort()) };
  const here = (text: string): string => text.replaceAll(/(?<=localhost:|--port )(9000|3000)/g, (port) => ports[port as keyof typeof ports]);

  await mkdir(join(root, ".tenon"), { recursive: true });
  const directory = await mkdtemp(join(root, ".tenon", "identity-"));
  await writeFile(join(directory, "package.json"), '{ "name": "desk", "type": "module" }\n');
  // What `npx tenon` runs: here nothing is installed, and `tenon` is its sources.
  const prelude = `npx() { shift; exec ${JSON.stringify(process.execPath)} ${JSON.stringify(tenon)} "$@"; }\nnode() { ${JSON.stringify(process.execPath)} "$@"; }\n`;
  const env = { ...process.env, PORT: ports["3000"], NO_COLOR: "1", NODE_TEST_CONTEXT: undefined };
  const terminals = new Map<string, ChildProcess>();
  async function leave(name: string): Promise<void> {
    const former = terminals.get(name);
    if (former === undefined || former.exitCode !== null) return;
    const gone = once(former, "exit");
    former.kill("SIGTERM");
    await gone;
  }

  try {
    let compared = 0;
    for (const [index, block] of steps.entries()) {
      if (block.file !== undefined) await writeFile(join(directory, block.file), here(block.text));
      if (block.language !== "sh") continue;
      const name = /terminal=(\w+)/.exec(lines[block.line - 2] ?? "")?.[1];
      if (name !== undefined) {
        await leave(name);
        terminals.set(name, spawn("bash", ["-c", prelude + here(block.text)], { cwd: directory, env, stdio: "ignore" }));
        await listens(name === "issuer" ? `http://localhost:${ports["9000"]}/.well-known/openid-configuration` : `http://localhost:${ports["3000"]}/health/ready`);
        continue;
      }
      const { stdout } = await run("bash", ["-c", prelude + here(block.text)], { cwd: directory, env });
      const shown = steps[index + 1];
      assert.equal(shown?.language, "text", `docs/identity.md:${block.line} prints something, which is not shown`);
      assert.equal(stdout.trim(), here(shown.text).trim(), `docs/identity.md:${shown.line}`);
      compared += 1;
    }
    assert.equal(compared, 4);
    await signIn(`http://localhost:${ports["3000"]}/auth/sign-in?to=/report`, "alice");
  } finally {
    for (const name of terminals.keys()) await leave(name);
    await rm(directory, { recursive: true });
  }
});

/** The last step, as a browser does it: cookies, redirects, and the one form on the way. */
async function signIn(url: string, name: string): Promise<void> {
  const cookies = new Map<string, string>();
  async function go(at: string, init: RequestInit = {}): Promise<{ readonly at: string; readonly text: string }> {
    const response = await fetch(at, { ...init, redirect: "manual", headers: { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") } });
    for (const line of response.headers.getSetCookie()) {
      const [, cookie = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") cookies.delete(cookie);
      else cookies.set(cookie, value);
    }
    const location = response.headers.get("location");
    return location === null ? { at, text: await response.text() } : go(new URL(location, at).href);
  }
  const page = await go(url);
  const action = /<form method="post" action="([^"]+)"/.exec(page.text)?.[1];
  assert.ok(action !== undefined, `no page to sign in at: ${page.text}`);
  const report = await go(new URL(action, page.at).href, { method: "POST", body: new URLSearchParams({ name }) });
  assert.equal(report.text, `{"for":"${name}"}`);
}
