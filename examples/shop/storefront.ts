/**
 * The shop's pages: a few files, served as they are. Everything they show comes from the API, which they call as any
 * other client does, so nothing here decides who may see what.
 */
import { readFile } from "node:fs/promises";
import type { FetchHandler } from "tenon";

const files: Readonly<Record<string, readonly [file: string, mediaType: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/admin": ["admin.html", "text/html; charset=utf-8"],
  "/shop.css": ["shop.css", "text/css; charset=utf-8"],
  "/api.js": ["api.js", "text/javascript; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/shop.js": ["shop.js", "text/javascript; charset=utf-8"],
  "/admin.js": ["admin.js", "text/javascript; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
};

/** Nothing but our own files runs, nothing inline, and no other site frames the page or is talked to. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** @param web  The directory of the files. */
export function storefront(web: URL): FetchHandler {
  return async (request) => {
    const file = files[new URL(request.url).pathname];
    if (file === undefined) return new Response("There is no such page.\n", { status: 404, headers: { ...headers, "content-type": "text/plain; charset=utf-8" } });
    if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405, headers: { ...headers, allow: "GET, HEAD" } });
    const [name, mediaType] = file;
    const content = request.method === "HEAD" ? null : await readFile(new URL(name, web));
    return new Response(content, { headers: { ...headers, "content-type": mediaType } });
  };
}
