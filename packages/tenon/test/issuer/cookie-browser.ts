/** What a browser does when somebody signs in: keeps cookies by host, follows redirects, sends forms. */
export interface Visit {
  readonly url: URL;
  readonly response: Response;
  readonly text: string;
}

/** Redirects of one navigation. */
const stepsMax = 20;

export class CookieBrowser {
  /** By host name, and not by port: that is how browsers keep them (RFC 6265 section 8.5). */
  readonly #cookies = new Map<string, Map<string, string>>();

  /** @param stopAt  A redirect to a URL that begins so is not followed, as if nobody listened there. */
  async go(url: string | URL, init: RequestInit = {}, stopAt?: string): Promise<Visit> {
    let at = new URL(url);
    let how = init;
    for (let step = 0; step < stepsMax; step += 1) {
      const response = await this.fetch(at, how);
      const location = response.headers.get("location");
      if (location === null || response.status < 300 || response.status > 399) return { url: at, response, text: await response.text() };
      await response.body?.cancel();
      at = new URL(location, at);
      how = response.status === 307 || response.status === 308 ? how : {};
      if (stopAt !== undefined && at.href.startsWith(stopAt)) return { url: at, response, text: "" };
    }
    throw new RangeError(`more than ${stepsMax} redirects from ${String(url)}`);
  }

  /** One request, with cookies, and no redirect followed. */
  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const { hostname } = new URL(url);
    const own = this.#cookies.get(hostname) ?? new Map<string, string>();
    this.#cookies.set(hostname, own);
    const headers = new Headers(init.headers);
    if (own.size > 0) headers.set("cookie", [...own].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(";").map((each) => each.trim());
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      const isOver = attributes.some((each) => /^max-age=0$/i.test(each) || (/^expires=/i.test(each) && Date.parse(each.slice(8)) < Date.now()));
      if (isOver) own.delete(name);
      else own.set(name, value);
    }
    return response;
  }

  cookie(hostname: string, name: string): string | undefined {
    return this.#cookies.get(hostname)?.get(name);
  }

  setCookie(hostname: string, name: string, value: string): void {
    this.#cookies.set(hostname, (this.#cookies.get(hostname) ?? new Map()).set(name, value));
  }

  /** Fills in the form of the page and sends it. */
  async submit(page: Visit, fields: Readonly<Record<string, string>>, stopAt?: string): Promise<Visit> {
    const action = /<form[^>]* action="([^"]+)"/.exec(page.text)?.[1]?.replaceAll("&#38;", "&").replaceAll("&amp;", "&") ?? page.url.href;
    const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value] as const);
    return this.go(new URL(action, page.url), { method: "POST", body: new URLSearchParams([...hidden, ...Object.entries(fields)].map(([name, value]) => [name, value])) }, stopAt);
  }
}
