/** The pages: served under a strict policy, complete, and talking to nobody but their own shop. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { describe, test } from "node:test";
import { storefront } from "../storefront.ts";

const web = new URL("../web/", import.meta.url);
const answer = storefront(web);

function get(path: string, method = "GET") {
  return answer(new Request(`http://localhost:3000${path}`, { method }));
}

describe("the pages", () => {
  test("run nothing but their own files, and are not framed", async () => {
    for (const path of ["/", "/admin", "/shop.js", "/no-such"]) {
      const { headers } = await get(path);
      const policy = headers.get("content-security-policy") ?? "";
      for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) assert.ok(policy.includes(rule), `${path} ${rule}`);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
    }
  });

  test("have nothing inline, and every file that they name is served", async () => {
    for (const path of ["/", "/admin"]) {
      const html = await (await get(path)).text();
      assert.doesNotMatch(html, /<style|style=|\son[a-z]+=|<script(?![^>]*src=)/);
      const named = [...html.matchAll(/(?:src|href)="(\/[a-z.]+)"/g)].map(([, file = ""]) => file).filter((file) => file !== "/docs");
      assert.ok(named.length > 2);
      for (const file of named) assert.equal((await get(file)).status, 200, file);
    }
    for (const file of await readdir(web)) {
      const path = file === "index.html" ? "/" : file === "admin.html" ? "/admin" : `/${file}`;
      const served = await get(path);
      assert.equal(served.status, 200, file);
      assert.ok((await served.text()).length > 50);
    }
  });

  test("are read and not written, and are nothing else", async () => {
    assert.equal(await (await get("/", "HEAD")).text(), "");
    assert.equal((await get("/", "POST")).status, 405);
    for (const path of ["/no-such", "/../package.json", "/web/shop.js", "/constructor"]) assert.equal((await get(path)).status, 404, path);
  });
});
