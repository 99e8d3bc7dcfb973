/** A browser that watches the page at `/docs`: what goes wrong on it, and whom it asks. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { ShowcaseServer } from "./showcase-server.ts";

const executablePath = "/usr/bin/chromium";
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
export const skip = existsSync(executablePath) ? false : `there is no ${executablePath}: the page was not tried in a browser`;

/** What went wrong on a page: errors on its console, and whatever its policy refused. */
export interface Watched {
  readonly page: Page;
  readonly complaints: string[];
  readonly hosts: Set<string>;
}

export class DocsPageBrowser {
  readonly browser: Browser;
  readonly #desktop: BrowserContext;

  private constructor(browser: Browser, desktop: BrowserContext) {
    this.browser = browser;
    this.#desktop = desktop;
  }

  static async open(): Promise<DocsPageBrowser> {
    const browser = await chromium.launch({ executablePath, args: flags });
    return new DocsPageBrowser(browser, await browser.newContext({ viewport: { width: 1_400, height: 900 } }));
  }

  /** The page of a server, on a desk unless options say otherwise. */
  async show(server: ShowcaseServer, hash = "", options: BrowserContextOptions = {}): Promise<Watched> {
    const context = Object.keys(options).length === 0 ? this.#desktop : await this.browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(5_000);
    const complaints: string[] = [];
    const hosts = new Set<string>();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // The browser's own line about a status of 400 and above, which some tests ask for.
      const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of");
      if (["error", "warning"].includes(message.type()) && !isStatus) complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith("blob:")) hosts.add(new URL(request.url()).host);
    });
    await page.goto(`${server.url}/docs${hash}`);
    await page.waitForSelector("h1");
    return { page, complaints, hosts };
  }

  /** Fails where something went wrong on the page since it was shown. */
  async leave({ complaints, hosts, page }: Watched): Promise<void> {
    await (page.context() === this.#desktop ? page : page.context()).close();
    assert.deepEqual(complaints, []);
    assert.equal(hosts.size, 1, `it asks its own host alone: ${[...hosts].join(", ")}`);
  }
}
