/** The page at `/docs`, in a real browser. What runs inside of the page is written as text: a browser's types are not those of the tests. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe as suite, test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import * as z from "zod";
import { command, contract, describe, event } from "../../src/contract/index.ts";
import { docsPage, docsPagePolicy } from "../../src/documents/index.ts";
import { DocsPageBrowser, skip, type Watched } from "./docs-page-browser.ts";
import { showcase } from "./showcase-contracts.ts";
import { openShowcase, type ShowcaseServer } from "./showcase-server.ts";

suite("the page as a text", () => {
  const page = docsPage("The shop");

  test("is one file below 70 kB that names no other host", () => {
    assert.ok(Buffer.byteLength(page) < 70_000, `${Buffer.byteLength(page)} bytes`);
    const found = page.match(/<(?:script|img|iframe)[^>]*\ssrc=|<link(?![^>]*href="data:)|@import|\burl\(|\{\{|<!--/g);
    assert.equal(found, null);
  });

  test("has a policy that lets its own script and style run, by their hashes, and nothing else", () => {
    const policy = docsPagePolicy();
    const hashIn = (pattern: RegExp): string => createHash("sha256").update(pattern.exec(page)?.[1] ?? "").digest("base64");
    assert.ok(policy.includes(`script-src 'sha256-${hashIn(/<script type="module">([^]*?)<\/script>/)}'`));
    assert.ok(policy.includes(`style-src 'sha256-${hashIn(/<style>([^]*?)<\/style>/)}'`));
    assert.match(policy, /^default-src 'none';/);
    assert.doesNotMatch(policy, /unsafe|\*/);
  });

  test("shows a title as text, whatever is in it", () => {
    const hostile = docsPage(`</title><script>alert("1")</script> & 'co' $& {{script}}`);
    assert.ok(hostile.includes("<title>&lt;/title&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;co&#39; $&amp; {{script}}</title>"));
    assert.equal(hostile.match(/<script/g)?.length, 1);
  });
});

suite("the page in a browser", { skip }, () => {
  let pages: DocsPageBrowser;
  let server: ShowcaseServer;

  before(async () => {
    pages = await DocsPageBrowser.open();
    server = await openShowcase(showcase);
  });
  after(async () => {
    await pages.browser.close();
    await server[Symbol.asyncDispose]();
  });

  function open(hash = "", { from = server, ...options }: BrowserContextOptions & { readonly from?: ShowcaseServer } = {}): Promise<Watched> {
    return pages.show(from, hash, options);
  }

  function close(watched: Watched): Promise<void> {
    return pages.leave(watched);
  }

  const token = ["{}", JSON.stringify({ sub: "ada", scope: "orders:write", roles: ["clerk"], exp: 4_000_000_000 }), "x"].map((part) => Buffer.from(part).toString("base64url")).join(".");

  async function giveToken(page: Page): Promise<void> {
    await page.click(".token summary");
    await page.fill("[aria-label='Bearer token']", token);
    await page.keyboard.press("Escape");
  }

  const status = (page: Page): Promise<string | null> => page.textContent(".answer .status");

  async function send(page: Page): Promise<void> {
    await page.evaluate("document.querySelector('.answer').replaceChildren()");
    await page.click("button.primary");
    await page.waitForSelector(".answer .status");
  }

  test("shows every operation with a route, by service, and one of them in whole", async () => {
    const watched = await open();
    const { page } = watched;
    assert.equal(await page.locator("nav a.op").count(), 12);
    assert.deepEqual(await page.locator("nav h2").allInnerTexts(), ["ORDERS1.4.0", "CATALOG0.2.0"]);
    await page.click("nav >> text=Place an order");
    await page.waitForSelector(".try");
    const text = await page.innerText("article");
    for (const part of ["POST", "/orders", "orders:write", "within 2 s", "10 in 1 min, by address", "email", "personal", "secret", "OutOfStock", "Not enough in stock", "method: \"invoice\""]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.equal(await page.title(), "Place an order · The shop");
    await page.goBack();
    await page.waitForSelector(".overview");
    await close(watched);
  });

  test("finds operations by any word of them, from the keyboard alone", async () => {
    const watched = await open();
    const { page } = watched;
    await page.keyboard.press("/");
    await page.keyboard.type("orders:write post");
    assert.deepEqual(await page.locator("nav li:not([hidden])").allInnerTexts(), ["POST\nPlace an order\n/orders"]);
    assert.equal(await page.innerText("nav [role=status]"), "1 of 12");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector("h1:has-text('Place an order')");
    await page.focus("nav input");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("nav li:not([hidden])").count(), 12);
    await page.fill("nav input", "nothing of the kind");
    assert.equal(await page.innerText("nav [role=status]"), "0 of 12");
    await close(watched);
  });

  test("sends a command made of its fields, with the token and a key, and shows the answer", async () => {
    const watched = await open("#/orders.place");
    const { page } = watched;
    await giveToken(page);
    assert.equal(await page.innerText(".token summary"), "ada");
    assert.equal(await page.getAttribute("article .grant", "data-held"), "true");

    await page.fill(".try [data-pointer='/email'] input", "grace@example.com");
    await page.click("text=+ gift");
    await page.selectOption(".try [data-pointer='/payment'] select", { label: 'method: "invoice"' });
    await send(page);
    const asked = server.asked.at(-1);
    assert.deepEqual(JSON.parse(String(asked?.body)), { email: "grace@example.com", lines: [{ sku: "tea-green-100g" }], payment: { method: "invoice" }, gift: false });
    assert.equal(asked?.headers.authorization, `Bearer ${token}`);
    assert.match(String(asked?.headers["idempotency-key"]), /^[0-9a-f]{32}$/);
    assert.equal(await status(page), "201 Created");
    assert.match(await page.innerText(".answer pre"), /"email": "grace@example\.com"/);
    assert.match(await page.innerText(".answer-head"), /\d+ ms · \d+ B/);
    await page.click(".answer-headers summary");
    assert.match(await page.innerText(".answer-headers"), /x-request-id\s+3f2a91c04be07d15/);
    await close(watched);
  });

  test("repeats the same request under the same key, and takes a new one when the request changes", async () => {
    const watched = await open("#/orders.place");
    const { page } = watched;
    await giveToken(page);
    const keys: unknown[] = [];
    const sendAndNote = async (): Promise<void> => {
      await send(page);
      keys.push(server.asked.at(-1)?.headers["idempotency-key"]);
    };
    await sendAndNote();
    await sendAndNote();
    assert.match(await page.innerText(".answer"), /A replay/);
    await page.fill(".try [data-pointer='/email'] input", "new@example.com");
    await sendAndNote();
    await page.click("text=New key");
    await sendAndNote();
    assert.equal(keys[0], keys[1]);
    assert.equal(new Set(keys).size, 3);
    await close(watched);
  });

  test("puts what the service refuses beside its field", async () => {
    const watched = await open("#/orders.place");
    const { page } = watched;
    await giveToken(page);
    await page.fill(".try [data-pointer='/lines/0/sku'] input", "gone");
    await send(page);
    assert.equal(await status(page), "400 Bad Request");
    await page.waitForSelector(".try [data-pointer='/lines/0/sku'].is-wrong");
    assert.equal(await page.innerText(".try [data-pointer='/lines/0/sku'] > .wrong"), "is not on sale any more");
    await page.fill(".try [data-pointer='/lines/0/sku'] input", "tea");
    await send(page);
    assert.equal(await page.locator(".is-wrong").count(), 0);
    await close(watched);
  });

  test("edits the same body as fields and as JSON, adds and removes items, and sends JSON that is wrong as it stands", async () => {
    const watched = await open("#/orders.place");
    const { page } = watched;
    await giveToken(page);
    await page.click("text=+ item");
    await page.click(".try [data-pointer='/lines/1'] >> text=+ price");
    await page.fill(".try [data-pointer='/lines/1/price/cents'] input", "250");
    await page.click(".try [aria-label='Remove item 0']");
    await page.click("text=+ deliverOn");
    await page.check(".try [data-pointer='/deliverOn'] input[type=checkbox]");
    await page.click(".tabs >> text=JSON");
    const body = JSON.parse(await page.inputValue("[aria-label='Body as JSON']")) as Record<string, unknown>;
    assert.deepEqual(body["lines"], [{ sku: "tea-green-100g", price: { cents: 250 } }]);
    assert.equal(body["deliverOn"], null);

    await page.fill("[aria-label='Body as JSON']", '{"email":"x@example.com","lines":[]}');
    await page.click(".tabs >> text=Fields");
    assert.equal(await page.inputValue(".try [data-pointer='/email'] input"), "x@example.com");
    await page.click(".tabs >> text=JSON");
    await page.fill("[aria-label='Body as JSON']", '{"email":');
    assert.equal(await page.locator("fieldset > .wrong:visible").count(), 1);
    await page.click(".tabs >> text=Fields");
    assert.equal(await page.locator("[aria-label='Body as JSON']").count(), 1, "there are no fields of what is not JSON");
    await close(watched);
  });

  test("sends what was filled in: path, lists, choices, headers; and leaves out the rest", async () => {
    const watched = await open("#/orders.find");
    const { page } = watched;
    await page.fill(".try [data-pointer='/text'] input", "tea & cake");
    await page.check(".try .checks >> text=paid");
    await page.check(".try .checks >> text=shipped");
    await page.selectOption(".try [data-pointer='/gift'] select", "false");
    await page.fill(".try [data-pointer='/x-segments'] textarea", "a\nb\n");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector(".answer .status");
    const asked = server.asked.at(-1);
    assert.equal(asked?.target, "/orders?text=tea+%26+cake&status=paid&status=shipped&gift=false");
    assert.equal(asked?.headers["x-segments"], "a, b");
    assert.match(String(asked?.headers["accept-language"]), /^en-US/, "the browser's own");
    const curl = await page.innerText(".curl");
    assert.ok(curl.startsWith(`curl '${server.url}/orders?text=tea+%26+cake&status=paid&status=shipped&gift=false' \\`), curl);
    assert.ok(curl.includes(`-H "authorization: Bearer $TOKEN"`) && curl.includes("-H 'x-segments: a, b'"), curl);
    await close(watched);
  });

  test("does not call while a part of the path is missing", async () => {
    const watched = await open("#/orders.get");
    const { page } = watched;
    const before = server.asked.length;
    await page.click("button.primary");
    assert.match(await page.innerText(".try [data-pointer='/id'] > .wrong"), /is needed/);
    assert.equal(server.asked.length, before);
    await page.fill(".try [data-pointer='/id'] input", "a/b");
    await send(page);
    assert.equal(server.asked.at(-1)?.target, "/orders/a%2Fb");
    assert.equal(await status(page), "404 Not Found");
    assert.match(await page.innerText(".answer pre"), /"code": "NotFound"/);
    await close(watched);
  });

  test("shows the items of a stream while they come, as lines and as events", async () => {
    for (const type of ["application/x-ndjson", "text/event-stream"]) {
      await using own = await openShowcase(showcase);
      const watched = await open("#/orders.watch", { from: own });
      const { page } = watched;
      await page.fill(".try [data-pointer='/id'] input", "held");
      await page.selectOption(".try select", type);
      await page.click("button.primary");
      await page.waitForSelector(".items li:nth-child(1)");
      assert.match(await page.innerText(".answer"), /1 so far/);
      own.release();
      await page.waitForSelector("text=3 in all");
      assert.match((await page.locator(".items li").allInnerTexts()).join(" "), /placed.*paid.*shipped/s);
      assert.equal(own.asked.at(-1)?.headers.accept, type);
      await close(watched);
    }
  });

  test("shows an image that comes, and sends a file that is chosen", async () => {
    const watched = await open("#/orders.invoice");
    const { page } = watched;
    await page.fill(".try [data-pointer='/id'] input", "o1");
    await send(page);
    await page.waitForFunction("document.querySelector('.answer img')?.naturalWidth === 1");
    assert.equal(await page.getAttribute(".answer a", "download"), "invoice.png");

    await page.click("nav >> text=Attach");
    await page.waitForSelector("h1:has-text('Attach')");
    await page.fill(".try [data-pointer='/id'] input", "o1");
    await page.setInputFiles(".try input[type=file]", { name: "it's.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
    assert.ok((await page.innerText(".curl")).includes(`--data-binary '@it'\\''s.txt'`));
    await send(page);
    const asked = server.asked.at(-1);
    assert.deepEqual([asked?.method, String(asked?.body), asked?.headers["content-type"]], ["PUT", "hello", "text/plain"]);
    await close(watched);
  });

  test("keeps the token in this tab, shows what it claims, and never puts it into curl", async () => {
    const watched = await open("#/orders.place");
    const { page } = watched;
    await giveToken(page);
    await page.reload();
    await page.waitForSelector(".try");
    assert.equal(await page.innerText(".token summary"), "ada");
    assert.ok(!(await page.innerText(".curl")).includes(token.slice(0, 10)));
    await page.click(".token summary");
    assert.match(await page.innerText(".pop"), /scopes\s+orders:write/);
    await page.click("nav >> text=Tag");
    await page.waitForSelector("h1:has-text('Tag')");
    assert.equal(await page.getAttribute("article .grant", "data-held"), "false", "it has no role admin");
    await page.click(".token summary");
    await page.click("text=Forget");
    assert.equal(await page.evaluate("sessionStorage.getItem('tenon-docs-token')"), "");
    assert.equal(await page.evaluate("localStorage.getItem('tenon-docs-token')"), null);
    await close(watched);
  });

  test("says what is deprecated, until when, and leads to what to use", async () => {
    const watched = await open("#/orders.cancel");
    const { page } = watched;
    const note = await page.innerText("article .note");
    assert.equal(note, "Deprecated since 1.3.0; it may be gone after 2027-01-31. Use orders.change instead.");
    await page.click("article .note a");
    await page.waitForSelector("h1:has-text('Change')");
    await close(watched);
  });

  test("shows a type within itself once", async () => {
    const watched = await open("#/catalog.put");
    assert.match(await watched.page.innerText("article"), /↻ Category, as above/);
    await close(watched);
  });

  test("is light or dark as the system is, or as its reader wants", async () => {
    const watched = await open("", { colorScheme: "dark" });
    const { page } = watched;
    const paper = (): Promise<string> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    assert.equal(await paper(), "rgb(21, 23, 22)");
    await page.click("[aria-label='Colors: auto']");
    assert.equal(await paper(), "rgb(250, 248, 244)");
    await page.reload();
    await page.waitForSelector("[aria-label='Colors: light']");
    await close(watched);
  });

  test("fits a phone: nothing is wider than the screen, and the list folds away", async () => {
    const watched = await open("", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const { page } = watched;
    assert.equal(await page.isVisible("nav"), false);
    await page.tap("[aria-label=Operations]");
    await page.tap("nav >> text=Place an order");
    await page.waitForSelector(".try");
    assert.equal(await page.isVisible("nav"), false);
    for (const hash of ["#/", "#/orders.place", "#/orders.find", "#/orders.watch"]) {
      await page.evaluate(`location.hash = "${hash}"`);
      await page.waitForTimeout(50);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 360, hash);
    }
    await close(watched);
  });

  test("gives every control a name, and every tab stop a visible mark", async () => {
    const watched = await open("#/orders.place");
    const { page } = watched;
    const nameless = await page.evaluate(`
      [...document.querySelectorAll("button, input, select, textarea, a")]
        .filter((each) => [...(each.labels ?? []), each].map(({ ariaLabel, textContent, title }) => [ariaLabel, textContent, title].join("")).join("").trim() === "")
        .map((each) => each.outerHTML)`);
    assert.deepEqual(nameless, []);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the operation");
    await page.keyboard.press("Tab");
    assert.notEqual(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "none");
    await close(watched);
  });

  test("runs nothing that a contract says", async () => {
    const attack = `<script>window.broken=1</script><img src=x onerror="window.broken=2">"'`;
    const evil = contract("evil", {
      say: command({
        http: "POST /evil",
        summary: attack,
        description: `${attack}\n\n[link](javascript:window.broken=3) **${attack}** \`${attack}\``,
        access: { anyOf: [{ predicate: attack, allows: () => true }, "signed-in"] },
        input: z.object({ [attack]: z.enum([attack, "b"]).meta({ description: attack, examples: [attack] }), other: z.string().regex(/<script>/).default(attack) }),
        output: z.object({ said: z.string() }).meta({ description: attack }),
        errors: { Bad: { status: 422, message: attack } },
        deprecated: { since: "1.0.0", use: attack },
      }),
      said: event({
        summary: attack,
        description: attack,
        data: z.object({ [attack]: z.literal(attack).meta({ description: attack }) }),
        key: attack,
        deprecated: { since: "1.0.0", use: attack },
      }),
    }, { description: attack });
    await using own = await openShowcase([describe(evil)], { title: attack, subscriptions: [{ service: attack, name: attack, event: "evil.said" }] });
    for (const hash of ["", "#/evil.say", `#/${encodeURIComponent(attack)}`, "#/events", "#/events/evil.said", `#/events/${encodeURIComponent(attack)}`]) {
      const watched = await open(hash, { from: own });
      const { page } = watched;
      assert.ok((await page.innerText("main")).includes(attack), "it is shown as it was written");
      await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
      assert.equal(await page.evaluate("'broken' in window"), false);
      assert.equal(await page.locator("img, script:not([type=module]), a[href^=javascript]").count(), 0);
      if (hash === "#/evil.say") await send(page);
      await close(watched);
    }
  });

  test("says so when there is no document, and when there is no such operation", async () => {
    const watched = await open("#/orders.nothing");
    assert.match(await watched.page.innerText("main"), /There is no operation orders\.nothing/);
    await close(watched);
    const context = await pages.browser.newContext();
    const page = await context.newPage();
    await page.route("**/openapi.json", (route) => route.fulfill({ status: 503, body: "" }));
    await page.goto(`${server.url}/docs`);
    await page.waitForSelector("text=openapi.json was answered with status 503");
    await context.close();
  });
});
