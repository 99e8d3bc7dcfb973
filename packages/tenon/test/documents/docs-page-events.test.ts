/** Events on the page at `/docs`, in a real browser. */
import assert from "node:assert/strict";
import { after, before, describe as suite, test } from "node:test";
import { DocsPageBrowser, skip } from "./docs-page-browser.ts";
import { eventShowcase, showcase, subscriptions } from "./showcase-contracts.ts";
import { openShowcase, type ShowcaseServer } from "./showcase-server.ts";

suite("the page of an app with events", { skip }, () => {
  let pages: DocsPageBrowser;
  let server: ShowcaseServer;

  before(async () => {
    pages = await DocsPageBrowser.open();
    server = await openShowcase(eventShowcase, { subscriptions });
  });
  after(async () => {
    await pages.browser.close();
    await server[Symbol.asyncDispose]();
  });

  test("shows the events beside the operations: data, key, version, who emits and who subscribes, an envelope", async () => {
    const watched = await pages.show(server);
    const { page } = watched;
    assert.equal(await page.innerText(".raw"), "openapi.json");
    await page.click("nav .tabs >> text=Events");
    await page.waitForSelector("h1:has-text('Events')");
    assert.equal(await page.innerText(".raw"), "asyncapi.json");
    assert.deepEqual(await page.locator("nav h2").allInnerTexts(), ["ORDERS1.4.0", "PARCELS2.0.0", "BILLING"]);
    assert.equal(await page.locator("nav a.op").count(), 6);
    assert.equal(await page.title(), "Events · The shop");

    await page.click("nav >> text=A parcel was handed over");
    await page.waitForSelector("h1:has-text('A parcel was handed over')");
    const text = await page.innerText("article");
    for (const part of ["v3", "parcels.handedOver", "in order by parcelId", "reads version 2 too", "carrier", "personal", "[number, number]", "ParcelWorth", "Emitted by", "Nobody in this app."]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    const envelope = JSON.parse(await page.innerText("[aria-label=Example] pre")) as Record<string, unknown>;
    assert.deepEqual([envelope["type"], envelope["source"], envelope["dataversion"]], ["parcels.handedOver", "/parcels", 3]);
    assert.equal(envelope["partitionkey"], (envelope["data"] as { parcelId: string }).parcelId);

    await page.click("nav >> text=orders.placed");
    await page.waitForSelector("h1:has-text('Placed')");
    assert.match(await page.innerText("article"), /Subscribers\s+parcels\s+pack\s+ledger\s+book-sale/);
    await page.click("nav >> text=billing.captured");
    await page.waitForSelector("text=Its contract is not a part of this app.");
    await page.goBack();
    await page.waitForSelector("h1:has-text('Placed')");
    await page.click("nav .tabs >> text=Operations");
    await page.waitForSelector("h1:has-text('The shop')");
    assert.equal(await page.locator("nav a.op").count(), 12);
    await pages.leave(watched);
  });

  test("finds events from the keyboard, and leads from a deprecated one to what to use", async () => {
    const watched = await pages.show(server, "#/events");
    const { page } = watched;
    await page.keyboard.press("/");
    await page.keyboard.type("lost");
    assert.equal(await page.innerText("nav [role=status]"), "1 of 6");
    await page.keyboard.press("Enter");
    await page.waitForSelector("h1:has-text('Lost')");
    assert.equal(await page.innerText("article .note"), "Deprecated since 2.0.0; it may be gone after 2027-01-31. Use parcels.delivered instead.");
    await page.click("article .note a");
    await page.waitForSelector("h1:has-text('A parcel arrived')");
    await page.evaluate("location.hash = '#/events/parcels.nothing'");
    await page.waitForSelector("text=There is no event parcels.nothing.");
    await pages.leave(watched);
  });

  test("shows nothing of events where there are none, and asks for no document of them", async () => {
    await using plain = await openShowcase(showcase);
    const watched = await pages.show(plain, "#/events");
    assert.equal(await watched.page.locator("nav .tabs").count(), 0);
    assert.match(await watched.page.innerText("main"), /There is no operation events\./);
    await pages.leave(watched);
  });

  test("fits a phone", async () => {
    for (const hash of ["#/events", "#/events/parcels.handedOver", "#/events/billing.captured"]) {
      const watched = await pages.show(server, hash, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
      assert.equal(await watched.page.evaluate("document.documentElement.scrollWidth"), 360, hash);
      await pages.leave(watched);
    }
  });

  test("is dark where its reader wants it, and marks what the keyboard stands on", async () => {
    const watched = await pages.show(server, "#/events", { colorScheme: "dark" });
    const { page } = watched;
    assert.equal(await page.evaluate("getComputedStyle(document.querySelector('nav .tabs [aria-current]')).backgroundColor"), "rgb(27, 30, 28)");
    await page.focus("nav .tabs a");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Events");
    assert.notEqual(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "none");
    await pages.leave(watched);
  });
});
