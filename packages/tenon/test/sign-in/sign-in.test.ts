/** Browsers that sign in at a real issuer, as an app serves them: what they get, and what they do not. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import * as z from "zod";
import { type StartedApp, startApp } from "../../src/app/index.ts";
import { app, command, contract, query, scope, service } from "../../src/index.ts";
import { CookieBrowser } from "../issuer/cookie-browser.ts";
import { file } from "../issuer/open-issuer.ts";

const cookieName = "__Host-tenon-session";
const Who = z.object({ subject: z.string(), kind: z.string() });
const orders = contract("orders", {
  who: query({ http: "GET /who", access: "public", output: Who }),
  list: query({ http: "GET /orders", access: scope("orders:read"), output: Who }),
  place: command({ http: "POST /orders", access: scope("orders:write"), output: Who }),
});
const who = ({ caller: { kind, subject } }: { readonly caller: { readonly kind: string; readonly subject: string } }) => ({ kind, subject });
const shop = app("shop", { services: [service(orders, { handlers: { who, list: who, place: who } })] });

describe("signing in", () => {
  let directory: string;
  let started: StartedApp;
  let fd: number;

  async function start(more: object = {}, settings: Readonly<Record<string, string>> = {}): Promise<StartedApp> {
    await writeFile(join(directory, "issuer.json"), JSON.stringify({ ...file, ...more }));
    const values = { PORT: "0", TENON_DIRECTORY: join(directory, ".tenon"), ISSUER_FILE: join(directory, "issuer.json"), ISSUER_PORT: "0", LOG_FORMAT: "json", LOG_LEVEL: "debug", ...settings };
    started = await startApp(shop, { layers: [{ name: "test", values }], output: { isTerminal: false, hasColors: false, fd } });
    return started;
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-sign-in-"));
    fd = openSync(join(directory, "log"), "a");
  });
  afterEach(() => started.stop());
  after(async () => {
    closeSync(fd);
    await rm(directory, { recursive: true });
  });

  async function signIn(browser: CookieBrowser, who: Readonly<Record<string, string>> = { name: "alice" }, to = "/who") {
    const page = await browser.go(`${started.url}/auth/sign-in?to=${encodeURIComponent(to)}`);
    assert.match(page.text, /<title>Sign in<\/title>/);
    return browser.submit(page, who);
  }

  const sameOrigin = { "sec-fetch-site": "same-origin" };

  test("a browser that signs in calls as the person, with what the person may do, and sees no token", async () => {
    await start();
    const browser = new CookieBrowser();
    assert.deepEqual(await (await browser.fetch(`${started.url}/auth/session`)).json(), { signedIn: false });
    const landed = await signIn(browser, { name: "alice" }, "/who?x=1");
    assert.equal(landed.url.href, `${started.url}/who?x=1`);
    assert.deepEqual(JSON.parse(landed.text), { kind: "person", subject: "user-1" });
    assert.equal((await browser.fetch(`${started.url}/orders`)).status, 200);
    assert.equal((await browser.fetch(`${started.url}/orders`, { method: "POST", headers: sameOrigin })).status, 200);
    const told = (await (await browser.fetch(`${started.url}/auth/session`)).json()) as { readonly signedIn: boolean; readonly subject: string };
    assert.deepEqual([told.signedIn, told.subject], [true, "user-1"]);
    const cookie = browser.cookie("localhost", cookieName) ?? "";
    assert.match(cookie, /^[\w-]{43}$/);
    started.log.info("end");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(!readFileSync(join(directory, "log"), "utf8").includes(cookie), "the cookie is in no log");
  });

  test("the cookie is for this host, for https and this site alone, and no script sees it", async () => {
    await start();
    const browser = new CookieBrowser();
    const begun = await browser.fetch(`${started.url}/auth/sign-in`);
    const location = new URL(begun.headers.get("location") ?? "");
    assert.deepEqual(["response_type", "code_challenge_method"].map((name) => location.searchParams.get(name)), ["code", "S256"]);
    for (const name of ["state", "nonce", "code_challenge"]) assert.match(location.searchParams.get(name) ?? "", /^[\w-]{43}$/);
    const page = await browser.go(location);
    const back = await browser.submit(page, { name: "alice" }, `${started.url}/auth/callback`);
    const finished = await browser.fetch(back.url);
    const line = finished.headers.getSetCookie().find((each) => each.startsWith(cookieName)) ?? "";
    assert.match(line, /; Path=\/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax$/);
    assert.match(finished.headers.getSetCookie().find((each) => each.startsWith("__Host-tenon-sign-in")) ?? "", /Max-Age=0/);
    const again = await browser.fetch(back.url);
    assert.equal(again.status, 400, "the same answer of the issuer is worth nothing the second time");
  });

  test("a page of another site can make the browser send nothing that changes anything", async () => {
    await start();
    const browser = new CookieBrowser();
    await signIn(browser);
    const post = (headers: Record<string, string>) => browser.fetch(`${started.url}/orders`, { method: "POST", headers }).then(({ status }) => status);
    for (const site of ["cross-site", "same-site", "none"]) assert.equal(await post({ "sec-fetch-site": site }), 403, site);
    assert.equal(await post({}), 403, "no word of where the page stands");
    assert.equal(await post({ origin: "https://evil.example" }), 403);
    assert.equal(await post({ origin: "null" }), 403);
    assert.equal(await post({ origin: "http://localhost:1" }), 403, "another port is another origin");
    assert.equal(await post({ ...sameOrigin, origin: "https://evil.example" }), 403);
    assert.equal(await post({ origin: started.url }), 200, "a browser from before Fetch metadata");
    assert.equal((await browser.fetch(`${started.url}/auth/sign-out`, { method: "POST", headers: { "sec-fetch-site": "cross-site" } })).status, 403);
    assert.equal((await browser.fetch(`${started.url}/auth/sign-out`)).status, 405);
    assert.equal((await browser.fetch(`${started.url}/orders`)).status, 200, "still signed in");
  });

  test("who finishes a sign-in is who began it, at the issuer that it was begun at, with nothing made up", async () => {
    await start();
    const [alice, mallory] = [new CookieBrowser(), new CookieBrowser()];
    const page = await mallory.go(`${started.url}/auth/sign-in`);
    const back = await mallory.submit(page, { name: "olga", password: "open sesame" }, `${started.url}/auth/callback`);
    assert.equal((await alice.fetch(back.url)).status, 400, "a sign-in of somebody else");
    const changed = (name: string, value?: string) => {
      const url = new URL(back.url);
      if (value === undefined) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
      return mallory.fetch(url).then(({ status }) => status);
    };
    assert.deepEqual(await Promise.all([changed("state"), changed("state", "x"), changed("iss"), changed("iss", "https://evil.example"), changed("code", "made-up")]), [400, 400, 403, 403, 401]);
    const twice = new URL(back.url);
    twice.searchParams.append("code", "another");
    assert.equal((await mallory.fetch(twice)).status, 400);
    assert.equal(mallory.cookie("localhost", cookieName), undefined);
  });

  test("after a sign-in nobody is sent anywhere else", async () => {
    await start();
    for (const to of ["//evil.example/", "https://evil.example/", "/\\evil.example", "evil", "/\t/evil.example", "", "/.//evil.example", "/x/..//evil.example", "/%2e//evil.example", "/./\\evil.example"]) {
      const browser = new CookieBrowser();
      const page = await browser.go(`${started.url}/auth/sign-in?to=${encodeURIComponent(to)}`);
      const back = await browser.submit(page, { name: "alice" }, `${started.url}/auth/callback`);
      const finished = await browser.fetch(back.url);
      assert.equal(new URL(finished.headers.get("location") ?? "").origin, started.url, to);
    }
  });

  test("signed out is signed out: here at once, and at the issuer", async () => {
    await start();
    const browser = new CookieBrowser();
    await signIn(browser);
    const old = browser.cookie("localhost", cookieName) ?? "";
    assert.equal((await browser.fetch(`${started.url}/orders`)).status, 200);
    const asked = await browser.go(`${started.url}/auth/sign-out`, { method: "POST", headers: sameOrigin });
    assert.match(asked.text, /Sign out\?/);
    const home = await browser.submit(asked, { logout: "yes" }, `${started.url}/`);
    assert.equal(home.url.href, `${started.url}/`);
    assert.equal(browser.cookie("localhost", cookieName), undefined);
    browser.setCookie("localhost", cookieName, old);
    assert.equal((await browser.fetch(`${started.url}/orders`)).status, 401, "the old cookie is worth nothing");
    assert.deepEqual(await (await browser.fetch(`${started.url}/who`)).json(), { kind: "anonymous", subject: "" });
    assert.match((await browser.go(`${started.url}/auth/sign-in`)).text, /<title>Sign in<\/title>/, "the issuer asks again");
  });

  test("cookies that were made up, or stand there twice, are nobody's", async () => {
    await start();
    const real = new CookieBrowser();
    await signIn(real);
    const cookie = real.cookie("localhost", cookieName) ?? "";
    for (const header of [`${cookieName}=x`, `${cookieName}=${"A".repeat(43)}`, `${cookieName}=`, `${cookieName}=${cookie}; ${cookieName}=${cookie}`, `${cookieName}=${cookie}x`, `x${cookieName}=${cookie}`]) {
      assert.equal((await fetch(`${started.url}/orders`, { headers: { cookie: header } })).status, 401, header);
    }
    assert.equal((await fetch(`${started.url}/orders`, { headers: { cookie: `a=b; ${cookieName}=${cookie}; c=d` } })).status, 200);
  });

  test("rights are renewed while a session goes on, by one of many calls at once", async () => {
    await start({ tokenLifeS: 1 });
    const browser = new CookieBrowser();
    await signIn(browser);
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const statuses = await Promise.all(Array.from({ length: 10 }, () => browser.fetch(`${started.url}/orders`).then(({ status }) => status)));
      assert.deepEqual(statuses, Array(10).fill(200), `round ${round}`);
    }
  });
});
