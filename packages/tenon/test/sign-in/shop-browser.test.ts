/** The example shop in a real browser: somebody signs in at the embedded issuer, buys for themselves, and signs out. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";

const executablePath = "/usr/bin/chromium";
const skip = existsSync(executablePath) ? false : `there is no ${executablePath}: nobody signed in with a real browser`;
const home = fileURLToPath(new URL("../../../../examples/shop/", import.meta.url));
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

describe("the shop in a browser", { skip }, () => {
  let directory: string;
  let shop: ChildProcess;
  let browser: Browser;
  let url: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-shop-"));
    const env = { ...process.env, PORT: "0", PROVIDER_PORT: "0", ISSUER_PORT: "0", TENON_DIRECTORY: directory, LOG_LEVEL: "warn", NODE_TEST_CONTEXT: undefined };
    shop = spawn(process.execPath, ["--conditions=tenon-source", "start.ts"], { cwd: home, env, stdio: ["ignore", "pipe", "inherit"] });
    url = await new Promise<string>((resolve, reject) => {
      let said = "";
      shop.stdout?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const found = /The shop\s+(http:\/\/\S+?)\/\n/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
      shop.once("exit", () => reject(new Error(`the shop did not start: ${said}`)));
    });
    browser = await chromium.launch({ executablePath, args: flags });
  });
  after(async () => {
    await browser?.close();
    const gone = once(shop, "exit");
    shop.kill("SIGTERM");
    await gone;
    await rm(directory, { recursive: true, force: true });
  });

  test("alice signs in with the keyboard, is known, and is not when she has signed out", { timeout: 60_000 }, async () => {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(15_000);
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${url}/#/cart`);
    await page.click("#who");
    await page.waitForSelector("h1:has-text('Sign in to shop')");
    await page.keyboard.type("alice");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#who:has-text('alice')");
    assert.equal(new URL(page.url()).origin, url);
    assert.equal(new URL(page.url()).hash, "#/cart", "back where she was");

    const [cookie] = (await page.context().cookies(url)).filter(({ name }) => name === "__Host-tenon-session");
    assert.deepEqual([cookie?.httpOnly, cookie?.secure, cookie?.sameSite, cookie?.path], [true, true, "Lax", "/"]);
    assert.equal(await page.evaluate("document.cookie"), "", "no script sees it");
    const mine = await page.evaluate(`fetch("/accounts", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name: "Alice", email: "alice@example.com" }) }).then((response) => response.status)`);
    assert.equal(mine, 409, "her account is there already, which only a call in her name is told");

    // Another origin of the same machine, as a page of somebody else would try it.
    const evil = await page.context().newPage();
    await evil.goto(url.replace("localhost", "127.0.0.1"));
    const stolen = await evil.evaluate(`fetch(${JSON.stringify(`${url}/accounts`)}, { method: "POST", credentials: "include", mode: "no-cors", body: "{}" }).then(() => "sent", () => "refused")`);
    assert.ok(["sent", "refused"].includes(String(stolen)));
    await evil.close();

    await page.click("#who");
    await page.click("button:has-text('Sign out')");
    await page.waitForSelector("#who:has-text('Sign in')");
    assert.equal((await page.context().cookies(url)).filter(({ name }) => name === "__Host-tenon-session").length, 0);
    assert.deepEqual(complaints, []);
  });
});
